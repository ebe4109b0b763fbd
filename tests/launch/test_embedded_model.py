import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from launched import environment, eventually

from nodes.llm.model import Model
from nodes.llm.turns import Turn
from settings import ROOT, SettingsError
from support import free_port, make_settings
from tools.addresses import AddressTaken
from tools.children import embedded_model as serving
from tools.supervisor import ChildFailed

CANARY = "heliotrope-secret"


def ask(address: str, content: str, **options: object) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": 16} | options
    return httpx.post(f"{address}/chat/completions", json=body, timeout=60)


def test_the_model_is_listed_with_its_window(embedded_model: str) -> None:
    [card] = httpx.get(f"{embedded_model}/models").json()["data"]
    assert card["id"] == "SmolLM2-135M-Instruct"
    assert card["meta"]["n_ctx"] == card["meta"]["n_ctx_train"] == 8192


def test_it_answers_and_reports_what_it_used(embedded_model: str) -> None:
    question = "Name the capital of France. " * 20
    first = ask(embedded_model, question).json()
    again = ask(embedded_model, question).json()
    assert first["choices"][0]["message"]["content"].strip()
    assert first["usage"]["completion_tokens"] <= 16
    assert again["usage"]["prompt_tokens"] == first["usage"]["prompt_tokens"]
    assert again["usage"]["prompt_tokens_details"]["cached_tokens"] > 100


def test_it_streams_with_usage_last(embedded_model: str) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    lines = ask(embedded_model, "Tell a story.", **options).text.split("\n\n")
    assert lines[-2] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    assert sum(bool(c["choices"] and c["choices"][0]["delta"].get("content")) for c in chunks) > 5
    assert chunks[-1]["usage"]["completion_tokens"] > 5


def test_a_schema_constrains_the_answer(embedded_model: str) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": ["mauve", "ochre"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "c", "schema": schema, "strict": True}}
    answer = ask(embedded_model, "Say hello.", response_format=form, max_tokens=64).json()
    assert json.loads(answer["choices"][0]["message"]["content"])["colour"] in ("mauve", "ochre")


def test_a_crashed_model_answers_again(model_data_dir: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}/v1"
    with serving(make_settings(model_data_dir, local_api_base=address)) as child:
        crashed = child.pid
        os.kill(crashed, signal.SIGKILL)
        eventually(lambda: child.pid != crashed and _healthy(address))
        assert ask(address, "Hello").status_code == 200


async def test_any_gguf_file_is_served_with_its_own_window_template_and_threads(
    tmp_path: Path, model_file: Path
) -> None:
    own = tmp_path / "elsewhere" / "my-model.Q4.gguf"
    own.parent.mkdir()
    shutil.copy(model_file, own)
    template = tmp_path / "template.jinja"
    template.write_text("{% for m in messages %}<|im_start|>{{ m.content }}{% endfor %}")
    settings = make_settings(
        tmp_path,
        llm_provider="local",
        local_model=str(own),
        local_threads="1",
        local_chat_template=str(template),
        max_context_tokens="2048",
        local_api_base=f"http://127.0.0.1:{free_port()}/v1",
    )
    root = settings.local_api_base.removesuffix("/v1")
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    with serving(settings):
        async with httpx.AsyncClient() as client:
            [card] = (await client.get(f"{settings.local_api_base}/models")).json()["data"]
            prompt = (await client.post(f"{root}/apply-template", json=body)).json()["prompt"]
        async with Model.open(settings) as model:
            told = model.describe()
            asked = [Turn(role="user", content="Hello")]
            # Under a template that it does not know the model would go on to the end of its window.
            reply = await model.ask("test", asked, deadline=time.monotonic() + 30, limit=16)
    assert card["id"] == told.model == "my-model.Q4"
    assert card["meta"]["n_ctx"] == told.context_length == 2048
    assert prompt == "<|im_start|>Hello"
    assert not told.note
    assert reply.text.strip()
    assert not (tmp_path / "models").exists()


def test_a_file_that_is_no_model_ends_the_start(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    address = f"http://127.0.0.1:{free_port()}/v1"
    settings = make_settings(tmp_path, local_model=str(broken), local_api_base=address)
    with pytest.raises(ChildFailed), serving(settings):
        pass


def test_nothing_of_a_prompt_is_logged(model_data_dir: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}/v1"
    command = [sys.executable, "-m", "tools.embedded_model", "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--data-dir", str(model_data_dir)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        eventually(lambda: _healthy(address))
        assert ask(address, CANARY).status_code == 200
        assert ask(address, f"{CANARY} " * 5000).status_code == 400
        bad_schema = {"name": "x", "schema": {"type": CANARY}}
        form = {"type": "json_schema", "json_schema": bad_schema}
        assert ask(address, "Hello", response_format=form).status_code == 400
        cut = f'{{"messages": [{{"role": "user", "content": "{CANARY}'
        assert httpx.post(f"{address}/chat/completions", content=cut).status_code == 400
    finally:
        server.terminate()
        told = server.communicate()[0]
    assert told.startswith("SmolLM2-135M-Instruct answers at")
    assert CANARY not in told


def test_a_library_that_the_system_lacks_is_one_line(tmp_path: Path) -> None:
    told = "libgomp.so.1: cannot open shared object file"
    (tmp_path / "xllamacpp.py").write_text(f"raise ImportError({told!r})")
    result = subprocess.run(
        [sys.executable, "-m", "tools.embedded_model"],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == f"cannot load llama.cpp ({told}); on Debian: apt install libgomp1\n"


@pytest.mark.parametrize(
    "address",
    [
        "http://192.0.2.1:8002/v1",
        "http://example.org:8002/v1",
        "https://127.0.0.1:8002/v1",
        "http://127.0.0.1/v1",
        "http://127.0.0.1:8002",
        "http://127.0.0.1:99999/v1",
    ],
)
def test_an_address_of_another_machine_is_refused(tmp_path: Path, address: str) -> None:
    with (
        pytest.raises(SettingsError, match=r"LOCAL_API_BASE=.* is wrong"),
        serving(make_settings(tmp_path, local_api_base=address)),
    ):
        pass


def test_an_address_in_use_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = make_settings(tmp_path, local_api_base=f"http://127.0.0.1:{port}/v1")
        with pytest.raises(AddressTaken, match=rf"{port} .*LOCAL_API_BASE"), serving(settings):
            pass
    assert not list(tmp_path.iterdir())


def _healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").status_code == 200
    except httpx.HTTPError:
        return False

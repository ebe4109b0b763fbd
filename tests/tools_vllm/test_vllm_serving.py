"""quick_vllm.py from start to end, with a stand-in for vLLM and with the real one."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from launching import ROOT, Launched, Machine, is_running, without_vllm

from support import free_port

READY = "Ctrl-C stops it."
TINY_MODEL = """
import sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
letters = pre_tokenizers.ByteLevel.alphabet()
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
special = ["<s>", "</s>"]
trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=letters)
tokenizer.train_from_iterator(["hello"], trainer)
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
fast.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
fast.save_pretrained(sys.argv[1])
sizes = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2)
config = LlamaConfig(vocab_size=512, max_position_embeddings=2048, **sizes)
LlamaForCausalLM(config).save_pretrained(sys.argv[1])
"""


def env_lines(launched: Launched) -> list[str]:
    shown = launched.shown.partition("In the miner's .env:")[2]
    return [line for line in shown.splitlines() if line.partition("=")[0].isupper()]


def test_prints_the_env_lines_once_vllm_answers(machine: Machine) -> None:
    port = free_port()
    with machine.running("--port", str(port), STAND_IN_STARTS_IN="2") as launched:
        launched.wait_for("stand-in for vllm")
        assert "LLM_PROVIDER" not in launched.shown
        launched.wait_for(READY)
        assert env_lines(launched) == [
            "LLM_PROVIDER=vllm",
            f"VLLM_API_BASE=http://127.0.0.1:{port}/v1",
        ]
        assert httpx.get(f"http://127.0.0.1:{port}/v1/models", trust_env=False).is_success
        assert "VLLM_API_KEY" not in launched.shown


def test_names_the_model_as_the_server_does(machine: Machine) -> None:
    arguments = ("--port", str(free_port()), "--model", "my/model")
    with machine.running(*arguments) as launched:
        launched.wait_for(READY)
    assert env_lines(launched)[-1] == "MODEL_NAME=my/model"
    with machine.running(*arguments, "--", "--served-model-name", "mine") as launched:
        launched.wait_for(READY)
    assert env_lines(launched)[-1] == "MODEL_NAME=mine"
    assert '"--served-model-name", "mine"' in launched.shown


def test_speaks_to_a_server_with_a_key_and_never_shows_it(machine: Machine) -> None:
    arguments = ("--port", str(free_port()), "--", "--served-model-name", "mine")
    with machine.running(*arguments, VLLM_API_KEY="kX9_pL2-vQ7mZ4tR") as launched:
        launched.wait_for(READY)
    assert env_lines(launched)[-1] == "MODEL_NAME=mine"
    assert "VLLM_API_KEY, with the value it has here" in launched.shown
    assert "kX9_pL2-vQ7mZ4tR" not in launched.shown


def test_warns_of_a_server_that_is_open_to_others(machine: Machine) -> None:
    with machine.running("--port", str(free_port()), "--host", "0.0.0.0") as launched:
        launched.wait_for(READY)
    assert "Whoever reaches this port can use the model: set VLLM_API_KEY" in launched.shown


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (signal.SIGINT, "SIGINT"),
        (signal.SIGTERM, "SIGTERM"),
        (signal.SIGHUP, "SIGTERM"),
    ],
)
@pytest.mark.parametrize("ready", [True, False])
def test_a_signal_ends_vllm_and_what_it_started(
    machine: Machine, tmp_path: Path, sent: signal.Signals, received: str, ready: bool
) -> None:
    helper, port = tmp_path / "helper", free_port()
    slow = {} if ready else {"STAND_IN_STARTS_IN": "600"}
    with machine.running("--port", str(port), STAND_IN_HELPER=str(helper), **slow) as launched:
        launched.wait_for(READY if ready else "stand-in for vllm")
        _wait_for_content(helper)
        launched.process.send_signal(sent)
        assert launched.process.wait(60) == 0
    assert launched.shown.count("stand-in: SIG") == 1
    assert f"stand-in: {received}" in launched.shown
    assert not is_running(int(helper.read_text()))


def test_a_second_signal_kills_a_vllm_that_does_not_end(machine: Machine, tmp_path: Path) -> None:
    helper = tmp_path / "helper"
    stubborn = {"STAND_IN_STUBBORN": "1", "STAND_IN_HELPER": str(helper)}
    with machine.running("--port", str(free_port()), **stubborn) as launched:
        launched.wait_for(READY)
        launched.process.send_signal(signal.SIGINT)
        launched.wait_for("stand-in: SIGINT")
        launched.process.send_signal(signal.SIGINT)
        assert launched.process.wait(60) == 128 + signal.SIGKILL
    assert not is_running(int(helper.read_text()))


def test_says_that_vllm_ended_before_it_was_ready(machine: Machine) -> None:
    done = machine.run("--port", str(free_port()), STAND_IN_FAILS="3")
    assert done.returncode == 2
    assert "vLLM ended with code 3 before it was ready; it says why above" in done.stdout
    assert "LLM_PROVIDER" not in done.stdout


def test_ends_with_the_code_of_vllm(machine: Machine, tmp_path: Path) -> None:
    helper = tmp_path / "helper"
    ends = {"STAND_IN_ENDS": "7", "STAND_IN_HELPER": str(helper)}
    done = machine.run("--port", str(free_port()), **ends)
    assert done.returncode == 7
    assert not is_running(int(helper.read_text()))


def test_gives_up_on_a_vllm_that_is_never_ready(machine: Machine, tmp_path: Path) -> None:
    helper = tmp_path / "helper"
    slow = {"STAND_IN_STARTS_IN": "600", "STAND_IN_HELPER": str(helper)}
    done = machine.run("--port", str(free_port()), "--ready-timeout", "2", **slow)
    assert done.returncode == 2
    assert "vLLM was not ready within 2 s; see --ready-timeout" in done.stdout
    assert "stand-in: SIGTERM" in done.stdout
    assert not is_running(int(helper.read_text()))


def test_says_that_the_program_cannot_be_started(machine: Machine) -> None:
    (machine.bin / "vllm").write_text("#!/no/such/interpreter\n")
    done = machine.run("--port", str(free_port()))
    assert done.returncode == 2
    assert "cannot start" in done.stdout


def test_finds_vllm_on_the_path_when_it_is_not_beside_python(
    machine: Machine, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(machine.bin / "vllm", elsewhere / "vllm")
    path = f"{machine.bin}:{elsewhere}"
    with machine.running("--port", str(free_port()), PATH=path) as launched:
        launched.wait_for(READY)
    assert f"Starting {elsewhere}/vllm serve" in launched.shown


def _wait_for_content(path: Path) -> None:
    while not (path.exists() and path.read_text()):
        time.sleep(0.05)


@pytest.mark.timeout(600)
def test_the_real_vllm_serves_a_small_model(vllm_python: Path, tmp_path: Path) -> None:
    """Any build of vLLM, the one for CPUs included; the model has random weights."""
    model, port = tmp_path / "model", free_port()
    offline = {**without_vllm(), "HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    subprocess.run([vllm_python, "-c", TINY_MODEL, model], check=True, env=offline)
    process = subprocess.Popen(
        [
            *(vllm_python, ROOT / "quick_vllm.py", "--no-gpu-check", "--model", model),
            *("--port", str(port), "--max-model-len", "1024", "--gpu-memory-utilization", "0.2"),
            *("--", "--enforce-eager", "--served-model-name", "tiny"),
        ],
        env=offline,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    launched = Launched(process)
    try:
        launched.wait_for(READY)
        assert env_lines(launched)[-2:] == [
            f"VLLM_API_BASE=http://127.0.0.1:{port}/v1",
            "MODEL_NAME=tiny",
        ]
        question = {"role": "user", "content": "hello"}
        answer = httpx.post(
            f"http://127.0.0.1:{port}/v1/chat/completions",
            json={"model": "tiny", "messages": [question], "max_tokens": 5},
            timeout=120,
            trust_env=False,
        )
        assert answer.json()["usage"]["completion_tokens"] == 5
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        launched.reader.join(10)
        assert process.stdout is not None
        process.stdout.close()
    assert process.returncode == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)

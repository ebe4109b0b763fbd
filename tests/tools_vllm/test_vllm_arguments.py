"""The command that quick_vllm.py builds, against vLLM's own parser and a record of it."""

import json
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from launching import Machine

from nodes.llm.providers import DEFAULT_MODELS
from support import IsolatedSettings

HERE = Path(__file__).parent
RECORD = json.loads((HERE / "vllm_options.json").read_text())
EVERYTHING = (
    *("--model", "my/model", "--host", "0.0.0.0", "--port", "8123", "--max-model-len", "4096"),
    *("--gpu-memory-utilization", "0.5", "--", "--max-num-seqs", "64", "--enforce-eager"),
)


def built(machine: Machine, *arguments: str) -> tuple[list[str], list[str]]:
    """The command's words after `vllm`, and the lines for `.env`."""
    done = machine.run("--dry-run", *arguments)
    assert done.returncode == 0, done.stdout
    command, *env = done.stdout.splitlines()
    program, *words = shlex.split(command)
    assert program == "vllm"
    return words, env


def test_serves_the_default_model_with_prefix_caching(bare: Machine) -> None:
    words, env = built(bare)
    assert words[:2] == ["serve", DEFAULT_MODELS["vllm"]]
    assert words[2:] == [
        *("--host", "127.0.0.1", "--port", "8000", "--max-model-len", "16384"),
        *("--gpu-memory-utilization", "0.9", "--enable-prefix-caching"),
    ]
    assert env == ["LLM_PROVIDER=vllm", "VLLM_API_BASE=http://127.0.0.1:8000/v1"]


def test_takes_every_option_and_passes_the_rest_on(bare: Machine) -> None:
    words, env = built(bare, *EVERYTHING)
    assert words == [
        *("serve", "my/model", "--host", "0.0.0.0", "--port", "8123", "--max-model-len", "4096"),
        *("--gpu-memory-utilization", "0.5", "--enable-prefix-caching"),
        *("--max-num-seqs", "64", "--enforce-eager"),
    ]
    assert env[1:] == ["VLLM_API_BASE=http://127.0.0.1:8123/v1", "MODEL_NAME=my/model"]


def test_writes_an_ipv6_address_as_a_url(bare: Machine) -> None:
    _, env = built(bare, "--host", "::")
    assert env[1] == "VLLM_API_BASE=http://[::1]:8000/v1"


@pytest.mark.parametrize("arguments", [(), EVERYTHING])
def test_the_env_lines_are_settings_of_a_miner(bare: Machine, arguments: tuple[str, ...]) -> None:
    _, env = built(bare, *arguments)
    values = {name.lower(): value for name, _, value in (line.partition("=") for line in env)}
    settings = IsolatedSettings.load(None, miner_api_key="test-key", **values)
    assert settings.llm_provider == "vllm"
    assert settings.vllm_api_base == values["vllm_api_base"]
    assert (settings.model_name or DEFAULT_MODELS["vllm"]) == built(bare, *arguments)[0][1]


@pytest.mark.parametrize("arguments", [(), EVERYTHING])
def test_the_record_of_vllm_has_every_option(bare: Machine, arguments: tuple[str, ...]) -> None:
    _, _, *words = built(bare, *arguments)[0]
    while words:
        option = words.pop(0)
        takes_value = RECORD["options"][option]
        assert bool(words and not words[0].startswith("-")) == takes_value
        if takes_value:
            words.pop(0)


def test_no_tool_parser_is_asked_for(bare: Machine) -> None:
    words, _ = built(bare)
    tool_options = [option for option in RECORD["options"] if "tool" in option]
    assert "--enable-auto-tool-choice" in tool_options
    assert not set(words) & set(tool_options)


@pytest.mark.timeout(300)
def test_the_real_parser_reads_what_was_meant(bare: Machine, vllm_python: Path) -> None:
    calls = [built(bare, *each)[0] for each in ((), EVERYTHING, ("--max-model-len", "auto"))]
    done = subprocess.run(
        [vllm_python, HERE / "real_parser.py", *(json.dumps(words) for words in calls)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = json.loads(done.stdout)
    for words, read in zip(calls, found["read"], strict=True):
        given = dict(pairwise(words))
        length = given["--max-model-len"]
        assert read["model_tag"] == repr(words[1])
        assert read["host"] == repr(given["--host"])
        assert read["port"] == given["--port"]
        assert read["max_model_len"] == {"auto": "-1"}.get(length, length)
        assert read["gpu_memory_utilization"] == given["--gpu-memory-utilization"]
        assert read["enable_prefix_caching"] == "True"
        assert read["enable_auto_tool_choice"] == "False"
        assert read["tool_call_parser"] == "None"
    for kept_from_it in ("--api-key", "--config", "--uds", "--ssl-certfile", "--ssl-keyfile"):
        assert kept_from_it in found["options"]

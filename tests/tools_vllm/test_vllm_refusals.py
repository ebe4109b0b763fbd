"""What keeps quick_vllm.py from starting vLLM, and what it says of it."""

import socket

import pytest
from launching import Machine

from support import free_port

SECRET = "kX9_pL2-vQ7mZ4tR"


def refuses(machine: Machine, *arguments: str) -> str:
    done = machine.run(*arguments)
    assert done.returncode == 2
    assert done.stdout.startswith("quick_vllm.py: error: ")
    assert "stand-in" not in done.stdout
    assert SECRET not in done.stdout
    return str(done.stdout)


def test_says_that_there_is_no_gpu(bare: Machine) -> None:
    bare.give_vllm()
    error = refuses(bare)
    assert "no NVIDIA GPU was found (there is no nvidia-smi)" in error
    assert "LLM_PROVIDER=openai or local" in error
    assert "--no-gpu-check" in error


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'Failed to initialize NVML' && exit 9", "nvidia-smi fails"),
        ("exit 0", "nvidia-smi lists none"),
        ("echo 'No devices were found'", "nvidia-smi lists none"),
    ],
)
def test_says_that_the_driver_finds_no_gpu(bare: Machine, script: str, reason: str) -> None:
    bare.give_vllm()
    bare.give_gpu(script)
    assert f"no NVIDIA GPU was found ({reason})" in refuses(bare)


def test_says_how_to_install_vllm_apart(bare: Machine) -> None:
    bare.give_gpu()
    error = refuses(bare)
    assert "vLLM is not installed here" in error
    assert "python3 -m venv vllm-env" in error
    assert "vllm-env/bin/pip install 'vllm>=0.20'" in error
    assert "vllm-env/bin/python quick_vllm.py" in error


def test_says_that_the_port_is_taken(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = refuses(machine, "--port", str(port))
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in error


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid", "a..b"])
def test_says_that_the_address_is_not_this_machines(machine: Machine, host: str) -> None:
    assert f"cannot listen on {host}" in refuses(machine, "--host", host)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--port", "0"),
        ("--port", "65536"),
        ("--max-model-len", "0"),
        ("--max-model-len", "-1"),
        ("--max-model-len", "long"),
        ("--max-model-len", "²"),
        ("--gpu-memory-utilization", "0"),
        ("--gpu-memory-utilization", "1.5"),
        ("--gpu-memory-utilization", "nan"),
        ("--model", ""),
        ("--model", "--trust-remote-code"),
        ("--ready-timeout", "0"),
        ("--ready-timeout", "nan"),
    ],
)
def test_names_the_wrong_option(machine: Machine, option: str, value: str) -> None:
    assert f"error: {option}" in refuses(machine, f"{option}={value}")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--port", "9000"), "before the --"),
        (("--port=9000",), "before the --"),
        (("--por", "9000"), "before the --"),
        (("--max_model_len", "9"), "before the --"),
        (("--device-memory-utilization", "0.1"), "--gpu-memory-utilization"),
        (("--model", "other"), "before the --"),
        (("--api-key", SECRET), "VLLM_API_KEY"),
        ((f"--api_key={SECRET}",), "VLLM_API_KEY"),
        (("--max-num-seqs", "8", "--ssl-keyfile", "k.pem"), "proxy"),
        (("--uds", "/tmp/socket"), "port"),
        (("--config", "vllm.yaml"), "options"),
    ],
)
def test_keeps_from_vllm_what_would_mislead_the_miner(
    machine: Machine, words: tuple[str, ...], reason: str
) -> None:
    error = refuses(machine, "--", *words)
    assert "after the --" in error
    assert reason in error


def test_shows_the_usage_for_an_unknown_option(machine: Machine) -> None:
    done = machine.run("--max-num-seqs", "8", "--port", str(free_port()))
    assert done.returncode == 2
    assert "usage: quick_vllm.py" in done.stdout

"""Serving a model with vLLM: its arguments, what it needs, and its life in the foreground.

It needs the standard library alone, so that it runs with vLLM's own Python, in vLLM's environment.
"""

import argparse
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tools.foreground import Foreground

DEFAULT_MODEL = "hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4"
READY_SECONDS = 1800
HIGHEST_PORT = 65535

_PURPOSE = "Serve a model with vLLM on this machine's GPU, for a miner to use."
_INSTALL = """vLLM is not installed here. Give it an environment of its own:
    python3 -m venv vllm-env
    vllm-env/bin/pip install 'vllm>=0.20'
    vllm-env/bin/python quick_vllm.py"""
_NO_GPU = (
    "no NVIDIA GPU was found ({reason}). Without one, a miner can use LLM_PROVIDER=openai or "
    "local; --no-gpu-check starts all the same, for builds of vLLM for other hardware"
)
_REFUSED = {
    "--model": "give it before the --",
    "--host": "give it before the --",
    "--port": "give it before the --",
    "--max-model-len": "give it before the --",
    "--gpu-memory-utilization": "give it before the --",
    "--device-memory-utilization": "give --gpu-memory-utilization before the --",
    "--api-key": "set VLLM_API_KEY in the environment, since others can read a command line",
    "--config": "it could move the server; give its options after the --",
    "--uds": "the miner speaks to a port",
    "--ssl-certfile": "the miner speaks http to this server; put a proxy in front of it",
    "--ssl-keyfile": "the miner speaks http to this server; put a proxy in front of it",
}


class LaunchError(Exception):
    """vLLM cannot be started or did not get ready; the message says what to do."""


@dataclass(frozen=True)
class Deployment:
    """What is served and where; `extra` goes to vLLM as it is, after our own arguments."""

    model: str = DEFAULT_MODEL
    host: str = "127.0.0.1"
    port: int = 8000
    max_model_len: str = "16384"
    gpu_memory_utilization: float = 0.9
    extra: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """The arguments of `vllm`; no tool parser is named, since a miner calls no tools."""
        return [
            "serve",
            self.model,
            "--host",
            self.host,
            "--port",
            str(self.port),
            "--max-model-len",
            self.max_model_len,
            "--gpu-memory-utilization",
            str(self.gpu_memory_utilization),
            "--enable-prefix-caching",
            *self.extra,
        ]

    @property
    def reachable_host(self) -> str:
        """Where this machine itself reaches the server."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    def env_lines(self, served_as: str) -> list[str]:
        """The lines of a miner's `.env`; `served_as` is the model's name as the server gives it."""
        host = f"[{self.reachable_host}]" if ":" in self.reachable_host else self.reachable_host
        lines = ["LLM_PROVIDER=vllm", f"VLLM_API_BASE=http://{host}:{self.port}/v1"]
        return lines if served_as == DEFAULT_MODEL else [*lines, f"MODEL_NAME={served_as}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program until vLLM ends; return vLLM's exit code, or 2 if it could not start."""
    options, extra = _parse(sys.argv[1:] if arguments is None else arguments)
    try:
        deployment = _deployment(options, extra)
        if options.dry_run:
            print(shlex.join(["vllm", *deployment.arguments()]))
            print("\n".join(deployment.env_lines(deployment.model)))
            return 0
        if not options.no_gpu_check:
            check_gpu()
        command = [find_vllm(), *deployment.arguments()]
        check_port(deployment.host, deployment.port)
        return _serve(command, deployment, options.ready_timeout)
    except LaunchError as error:
        print(f"quick_vllm.py: error: {error}", file=sys.stderr)
        return 2


def find_vllm() -> str:
    """The `vllm` program beside this Python, or else on the PATH; `LaunchError` if neither."""
    beside = shutil.which("vllm", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("vllm")
    if found is None:
        raise LaunchError(_INSTALL)
    return found


def check_gpu() -> None:
    """Raise `LaunchError` unless the NVIDIA driver lists a GPU."""
    try:
        listed = subprocess.run(
            ["nvidia-smi", "-L"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
    except FileNotFoundError:
        raise LaunchError(_NO_GPU.format(reason="there is no nvidia-smi")) from None
    except (OSError, subprocess.SubprocessError):
        raise LaunchError(_NO_GPU.format(reason="nvidia-smi fails")) from None
    if "GPU 0" not in listed:
        raise LaunchError(_NO_GPU.format(reason="nvidia-smi lists none"))


def check_port(host: str, port: int) -> None:
    """Raise `LaunchError` unless a server could listen on `host` and `port`."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # As vLLM does; without it, a server that ended a moment ago still blocks the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such host"
        raise LaunchError(
            f"cannot listen on {host} port {port}: {reason}; choose with --host and --port"
        ) from None


def _serve(command: list[str], deployment: Deployment, ready_timeout: float) -> int:
    print(f"Starting {shlex.join(command)}", flush=True)
    print("The first start downloads the model, which takes minutes.", flush=True)
    try:
        child = Foreground(command)
    except OSError as error:
        raise LaunchError(f"cannot start {command[0]}: {error.strerror}") from None
    try:
        code = _wait_ready(child, deployment, ready_timeout)
        if code is None:
            _announce(deployment)
            code = child.wait()
        return code or 0
    finally:
        child.stop()


def _wait_ready(child: Foreground, deployment: Deployment, ready_timeout: float) -> int | None:
    """`None` once it answers, or its exit code if a signal stopped it before."""
    give_up = time.monotonic() + ready_timeout
    while time.monotonic() < give_up:
        code = child.wait(1.0)
        if code is not None and not child.stopping:
            raise LaunchError(f"vLLM ended with code {code} before it was ready; it says why above")
        if code is not None or (not child.stopping and _get(deployment, "/health") is not None):
            return code
    raise LaunchError(f"vLLM was not ready within {ready_timeout:g} s; see --ready-timeout")


def _announce(deployment: Deployment) -> None:
    lines = deployment.env_lines(_served_as(deployment))
    print("\n".join(["", "vLLM is ready. In the miner's .env:", "", *lines]), flush=True)
    if os.environ.get("VLLM_API_KEY"):
        print("\nand VLLM_API_KEY, with the value it has here.", flush=True)
    elif deployment.host not in ("127.0.0.1", "::1", "localhost"):
        print("\nWhoever reaches this port can use the model: set VLLM_API_KEY.", flush=True)
    print("\nCtrl-C stops it.\n", flush=True)


def _served_as(deployment: Deployment) -> str:
    body = _get(deployment, "/v1/models")
    try:
        name = json.loads(body or b"")["data"][0]["id"]
    except (ValueError, LookupError, TypeError):
        return deployment.model
    return str(name)


def _get(deployment: Deployment, path: str) -> bytes | None:
    """The body of a 200, or `None`."""
    connection = HTTPConnection(deployment.reachable_host, deployment.port, timeout=5)
    key = os.environ.get("VLLM_API_KEY")
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
        response = connection.getresponse()
        return response.read() if response.status == HTTPStatus.OK else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, tuple[str, ...]]:
    own, extra = list(arguments), []
    if "--" in own:
        cut = own.index("--")
        own, extra = own[:cut], own[cut + 1 :]
    return _parser().parse_args(own), tuple(extra)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="quick_vllm.py",
        description=_PURPOSE,
        epilog="What follows a -- goes to vLLM as it is: quick_vllm.py -- --max-num-seqs 64",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    default = Deployment()
    add = parser.add_argument
    add("--model", default=default.model, help="name on Hugging Face, or a folder")
    add("--host", default=default.host, help="address to listen on")
    add("--port", type=int, default=default.port, help="port to listen on")
    add(
        "--max-model-len",
        default=default.max_model_len,
        help="longest prompt and answer together, in tokens, or auto for what the GPU has room for",
    )
    add(
        "--gpu-memory-utilization",
        type=float,
        default=default.gpu_memory_utilization,
        help="share of the GPU's memory to take, above 0 and up to 1",
    )
    add("--ready-timeout", type=float, default=READY_SECONDS, help="seconds to wait for the model")
    add("--dry-run", action="store_true", help="print the command and start nothing")
    add("--no-gpu-check", action="store_true", help="do not look for an NVIDIA GPU")
    return parser


def _deployment(options: argparse.Namespace, extra: tuple[str, ...]) -> Deployment:
    length, share = options.max_model_len, options.gpu_memory_utilization
    if not options.model or options.model.startswith("-"):
        raise LaunchError("--model must be a name on Hugging Face, or a folder")
    if not 1 <= options.port <= HIGHEST_PORT:
        raise LaunchError(f"--port {options.port} must be from 1 to 65535")
    if length != "auto" and not (length.isascii() and length.isdigit() and int(length) > 0):
        raise LaunchError(f"--max-model-len {length} must be a number of tokens, or auto")
    if not 0 < share <= 1:
        raise LaunchError(f"--gpu-memory-utilization {share} must be above 0 and up to 1")
    if not options.ready_timeout > 0:
        raise LaunchError(f"--ready-timeout {options.ready_timeout} must be above 0")
    _check_extra(extra)
    return Deployment(options.model, options.host, options.port, length, share, extra)


def _check_extra(extra: tuple[str, ...]) -> None:
    for word in extra:
        # vLLM takes underscores for dashes, and the beginning of a name for the name.
        start = word.partition("=")[0].replace("_", "-")
        meant = [name for name in _REFUSED if start.startswith("--") and name.startswith(start)]
        if meant:
            raise LaunchError(f"{meant[0]} after the --: {_REFUSED[meant[0]]}")

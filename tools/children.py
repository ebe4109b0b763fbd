"""The servers that run beside a miner, each a supervised child process."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from settings import Settings
from tools.addresses import check_free, free_port, loopback
from tools.model_file import ensure_model
from tools.supervisor import Supervisor


@contextmanager
def embedded_model(settings: Settings) -> Iterator[Supervisor]:
    """The embedded model, answering at LOCAL_API_BASE; its file is fetched first if need be.

    Raises `SettingsError`, `AddressTaken`, `ModelUnavailable`, `ChildFailed`.
    """
    host, port = loopback(settings.local_api_base, "LOCAL_API_BASE")
    check_free(host, port, "LOCAL_API_BASE")
    model = settings.local_model or ensure_model(settings.data_dir)
    command = [sys.executable, "-m", "tools.embedded_model", "--supervised"]
    command += ["--host", host, "--port", str(port), "--data-dir", str(settings.data_dir)]
    if settings.local_model:
        command += ["--model", str(model)]
    options = {
        "--window": settings.max_context_tokens,
        "--threads": settings.local_threads,
        "--chat-template": settings.local_chat_template,
    }
    command += [f"{name}={value}" for name, value in options.items() if value is not None]
    ready = f"{settings.local_api_base}/health"
    # Lets llama.cpp's threads sleep while they wait for each other. Spinning, its default, was no
    # faster on free cores, and took three times as long where another program wanted one of two.
    patient = {"OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive")}
    with Supervisor("the embedded model", command, ready, environment=patient) as child:
        yield child


@contextmanager
def chroma_server(folder: Path) -> Iterator[str]:
    """A Chroma server over `folder`, which nobody else may have open; gives its address.

    Raises `ChildFailed`.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tools.chroma_server", "--port", str(port)]
    command += ["--path", str(folder)]
    with Supervisor("the Chroma server", command, f"{url}/api/v2/heartbeat"):
        yield url

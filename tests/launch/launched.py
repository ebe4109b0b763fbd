"""`run.py` as an operator runs it: in a clone of its own, with an environment of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from settings import ENV_FILE_VARIABLE, ROOT, Settings
from support import free_port

PACKAGES = ("memory", "nodes", "graphs", "server", "tools")
SECONDS = 60.0


def clone(folder: Path, model_file: Path | None = None) -> Path:
    """The miner's sources in `folder`, and the model's file where it belongs.

    The packages are links, to use their compiled files; `settings` finds its folder by its file.
    """
    for name in PACKAGES:
        (folder / name).symlink_to(ROOT / name)
    for name in ("run.py", "settings.py"):
        shutil.copy(ROOT / name, folder)
    if model_file:
        (folder / "data" / "models").mkdir(parents=True)
        (folder / "data" / "models" / model_file.name).symlink_to(model_file)
    return folder


def environment(**variables: str) -> dict[str, str]:
    """The environment of the tests without any setting of the miner, plus `variables`."""
    names = {name.upper() for name in Settings.model_fields} | {ENV_FILE_VARIABLE}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in names}
    return kept | {"PYTHONUNBUFFERED": "1"} | variables


def finished(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A `run.py` that is expected to end by itself."""
    command = [sys.executable, "run.py", *options]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


class Launched:
    """A running `run.py`, at a free port unless `port` names one."""

    def __init__(self, folder: Path, *options: str, port: int = 0, **variables: str) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._log = folder / "run.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "run.py", "--port", str(self.port), *options],
                cwd=folder,
                env=environment(**variables),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def wait_until_announced(self) -> None:
        eventually(lambda: "Try: " in self.output or self.process.poll() is not None)
        assert self.process.poll() is None, self.output

    def health(self, key: str = "") -> httpx.Response:
        return httpx.get(f"{self.address}/health", headers={"X-API-Key": key} if key else {})

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@contextmanager
def launched(folder: Path, *options: str, port: int = 0, **variables: str) -> Iterator[Launched]:
    """A `run.py` that has printed its banner."""
    miner = Launched(folder, *options, port=port, **variables)
    try:
        miner.wait_until_announced()
        yield miner
    finally:
        if miner.process.poll() is None:
            miner.stop()


def eventually(true: Callable[[], object]) -> None:
    """Wait until `true()`, and fail if it never is."""
    give_up = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < give_up, "it never came true"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    told = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() not in ("", "Z", "Zs", "Z+", "Zl", "Zsl")


def descendants(pid: int) -> list[int]:
    """Process ids of all that `pid` started, directly or not."""
    told = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [tuple(map(int, line.split())) for line in told.stdout.splitlines()]
    found = [pid]
    for parent in found:
        found += [child for child, of in pairs if of == parent]
    return found[1:]

"""A miner as an operator starts it, in a process of its own, for benchmarks that load it."""

import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

KEY = "benchmark"
ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180
STOP_SECONDS = 40
CALLERS, OPENED = "callers", "connections opened"


@dataclass(frozen=True)
class MinerProcess:
    """A miner that serves on the loopback interface; `log` is what it wrote."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def resident(self) -> float:
        """Its memory in MB."""
        return self._status("VmRSS")

    @property
    def peak(self) -> float:
        """The most memory it has had, in MB."""
        return self._status("VmHWM")

    @property
    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def open_files(self) -> Counter[str]:
        """What it has open, by name: of its sockets those of callers, and those it opened."""
        sockets, files = self._sockets(), Counter[str]()
        for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                target = os.readlink(link)
                files[sockets.get(target) or target.partition(":[")[0].rpartition("/")[2]] += 1
        return files

    def _sockets(self) -> dict[str, str]:
        """The connections on IPv4, by what their descriptors link to."""
        lines = Path(f"/proc/{self.process.pid}/net/tcp").read_text().splitlines()[1:]
        rows = [line.split() for line in lines]
        return {
            f"socket:[{inode}]": CALLERS if int(own.partition(":")[2], 16) == self.port else OPENED
            for _, own, _, _, _, _, _, _, _, inode, *_ in rows
        }

    def _status(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0


@contextmanager
def running_miner(
    folder: Path, backend: str, *, descriptors: int | None = None, **settings: object
) -> Iterator[MinerProcess]:
    """A miner that asks `backend` once for each answer, unless `settings` say otherwise.

    It may open at most `descriptors` files. Raises `RuntimeError` if it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    chosen: dict[str, object] = {
        "llm_provider": "vllm",
        "vllm_api_base": backend,
        "miner_api_key": KEY,
        "complete_strategy": "draft",
        "data_dir": folder / "data",
        "rate_limit": "1000000/minute",
        "auth_failure_limit": "1000000/minute",
        "log_level": "warning",
        "host": "127.0.0.1",
        "api_port": port,
    }
    lines = [f"{name.upper()}={value}" for name, value in (chosen | settings).items()]
    env_file, log = folder / "env", folder / "log"
    env_file.write_text("\n".join(lines) + "\n")

    def limit() -> None:
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, ROOT / "run.py", "--env-file", env_file],
            stdout=output,
            stderr=output,
            cwd=ROOT,
            preexec_fn=limit,  # noqa: PLW1509 - no other thread runs yet
        )
    try:
        _wait_until_healthy(process, port, log)
        yield MinerProcess(process, port, log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def percentile(values: list[float], share: float) -> float:
    """Of `values` in any order; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", timeout=2, trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the miner did not start: {log.read_text()[-2000:]}")

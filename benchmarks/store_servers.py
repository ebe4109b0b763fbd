"""The servers that miners can share: Chroma, PostgreSQL and Redis, to be stopped and to hang."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.miner_process import free_port

START_SECONDS = 60
STOP_SECONDS = 30


@dataclass
class StoreServer:
    """A server on loopback; `setting` and `url` are how a miner finds it."""

    setting: str
    url: str
    port: int
    command: Sequence[str | Path]
    stopped_by: signal.Signals = signal.SIGTERM
    user: str | None = None
    ready: Sequence[str | Path] = ()  # a command that succeeds once it serves
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Raises `RuntimeError` if it does not serve."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = self._process = subprocess.Popen(self.command, user=self.user, **quiet)
        give_up = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < give_up:
            if self._serves():
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.command[0]} does not serve")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(self.stopped_by)
            self._process.wait(STOP_SECONDS)

    def hang(self) -> None:
        self._send_all(signal.SIGSTOP)

    def go_on(self) -> None:
        self._send_all(signal.SIGCONT)

    def _send_all(self, what: signal.Signals) -> None:
        assert self._process is not None
        for process in _family(self._process.pid):
            os.kill(process, what)

    def _serves(self) -> bool:
        if self.ready:
            return subprocess.run(self.ready, check=False).returncode == 0
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def store_servers() -> Iterator[dict[str, StoreServer]]:
    """All three by name, over files of their own. Raises `FileNotFoundError` where one lacks."""
    with tempfile.TemporaryDirectory(prefix="stores-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL, as a user of its own, passes through
        servers = {
            "chroma": _chroma(folder / "chroma"),
            "postgres": _postgres(folder / "postgres"),
            "redis": _redis(folder),
        }
        try:
            for server in servers.values():
                server.start()
            yield servers
        finally:
            for server in servers.values():
                server.stop()


def _chroma(folder: Path) -> StoreServer:
    port = free_port()
    program = Path(sys.executable).parent / "chroma"
    command = [program, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)]
    return StoreServer("chroma_url", f"http://127.0.0.1:{port}", port, command)


def _postgres(data: Path) -> StoreServer:
    port = free_port()
    # It refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    data.mkdir()
    if user:
        shutil.chown(data, user)
    initdb = [_postgres_program("initdb"), "-D", data, "-U", "miner", "-A", "trust", "--no-sync"]
    subprocess.run(
        initdb, user=user, cwd=data, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    command = [_postgres_program("postgres"), "-D", data, "-k", data, "-p", str(port)]
    return StoreServer(
        "database_url",
        f"postgresql://miner@127.0.0.1:{port}/postgres",
        port,
        [*command, "-c", "listen_addresses=127.0.0.1"],
        signal.SIGINT,  # SIGTERM waits until every client has gone
        user,
        [_postgres_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)],
    )


def _postgres_program(name: str) -> Path:
    """Debian keeps them off the path."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (installed[-1] if installed else None)
    if found is None:
        raise FileNotFoundError(f"PostgreSQL's {name} is not installed")
    return Path(found)


def _redis(folder: Path) -> StoreServer:
    port, program = free_port(), shutil.which("redis-server")
    if program is None:
        raise FileNotFoundError("redis-server is not installed")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    return StoreServer("redis_url", f"redis://127.0.0.1:{port}/0", port, command)


def _family(process: int) -> list[int]:
    """A process and all that descend from it."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(each for child in children for each in _family(int(child)))]

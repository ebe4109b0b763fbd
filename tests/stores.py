"""Real servers for tests: Chroma, PostgreSQL and Redis, on loopback, ended with their fixtures."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from support import free_port, require

START_SECONDS = 30
PASSWORD = "a-secret-of-the-database"


@contextmanager
def running_chroma(folder: Path) -> Iterator[str]:
    """A Chroma server over `folder`; gives its address."""
    port = free_port()
    program = Path(sys.executable).parent / "chroma"
    command = [program, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@asynccontextmanager
async def chroma(folder: Path) -> AsyncIterator[str]:
    """`running_chroma`, started and ended off the event loop."""
    server = running_chroma(folder)
    url = await asyncio.to_thread(server.__enter__)
    try:
        yield url
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Chroma server that the session's tests share."""
    with running_chroma(tmp_path_factory.mktemp("chroma")) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address, without a database's name, of a PostgreSQL server of the session's own."""
    program = _postgres_programs()
    require(program is not None, "PostgreSQL's initdb is not installed")
    assert program is not None
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        with _running_postgres(program, folder) as url:
            yield url
    finally:
        shutil.rmtree(folder)


@pytest.fixture
async def database_url(postgres_server: str) -> str:
    """The address of an empty PostgreSQL database."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(f"{postgres_server}/postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"{postgres_server}/{name}"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis server of the test's own."""
    program = shutil.which("redis-server")
    require(program is not None, "redis-server is not installed")
    port = free_port()
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen([*command, "--dir", str(tmp_path)], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.kill()
        server.wait()


@contextmanager
def _running_postgres(programs: Path, folder: Path) -> Iterator[str]:
    secret, data, port = folder / "password", folder / "data", free_port()
    secret.write_text(PASSWORD)
    if _as_user():
        shutil.chown(folder, _as_user())
        shutil.chown(secret, _as_user())
    initdb = [programs / "initdb", "-D", data, "-U", "miner", f"--pwfile={secret}", "--no-sync"]
    _run([*initdb, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"], folder)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [programs / "pg_ctl", "-D", data, "-s", "-w", "-l", folder / "log"]
    _run([*control, "-o", options, "start"], folder)
    try:
        yield f"postgresql://miner:{PASSWORD}@127.0.0.1:{port}"
    finally:
        _run([*control, "-m", "immediate", "stop"], folder)


def _postgres_programs() -> Path | None:
    """The folder of initdb; Debian keeps it off the path."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


def _as_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


def _run(command: list[str | Path], folder: Path) -> None:
    subprocess.run(
        command, user=_as_user(), cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=60
    )


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("the server did not start")

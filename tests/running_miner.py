"""A miner that serves on a real socket, in a thread of this process or in one of its own."""

import asyncio
import os
import pickle
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import uvicorn
from blockbuster import blockbuster_ctx

from scripted import Scripted
from server.app import create_app
from server.serving import server_config
from settings import ROOT, Settings
from support import free_port, make_settings

KEY = "test-key"
COMPLETE = {"cid": "c", "task": "What is the capital of France?", "input": "One word."}


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The address of a miner with these settings, for as long as the block runs."""
    app = create_app(settings)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app, drain_seconds=5, trusted_proxies=settings.proxies))
    thread = threading.Thread(target=server.run, args=([listener],), name="miner", daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the miner did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the miner did not stop"


@contextmanager
def blocking_is_an_error() -> Iterator[None]:
    """Make a call of ours that blocks an event loop raise.

    Making the application and opening and closing a miner are exempt: nobody is served then.
    """
    with blockbuster_ctx(["server", "graphs", "nodes", "memory"]) as watch:
        for function in watch.functions.values():
            function.can_block_in("server/app.py", "create_app")
            function.can_block_in("nodes/miner.py", "open")
        yield


def miner_settings(data_dir: Path, backend: Scripted, **overrides: object) -> Settings:
    """Settings of a miner that asks `backend` once for each answer."""
    chosen: dict[str, object] = {
        "llm_provider": "vllm",
        "vllm_api_base": backend.base_url,
        "complete_strategy": "draft",
        "max_revisions": 1,
        "log_level": "warning",
    }
    return make_settings(data_dir, **(chosen | overrides))


PROGRAM = """
import pickle, sys, uvicorn
from server.app import create_app
from server.serving import server_config
settings, port = pickle.loads(bytes.fromhex(sys.argv[1]))
uvicorn.Server(server_config(create_app(settings), port=port, drain_seconds=30)).run()
"""


class MinerProcess:
    """A miner in a process of its own. What it logs goes to a file."""

    def __init__(self, process: asyncio.subprocess.Process, address: str, log: Path) -> None:
        self.process = process
        self.address = address
        self._log = log

    async def ended(self) -> int:
        """The exit status, once it has ended."""
        async with asyncio.timeout(30):
            return await self.process.wait()

    def logged(self) -> str:
        return self._log.read_text()

    async def started(self) -> None:
        async with asyncio.timeout(60), client_of(self.address, None) as client:
            while self.process.returncode is None:
                try:
                    await client.get("/health")
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
                else:
                    return
        raise AssertionError(f"the miner did not start: {self.logged()}")


@asynccontextmanager
async def miner_process(settings: Settings, *, wait: bool = True) -> AsyncIterator[MinerProcess]:
    """A miner with these settings as an operator's process; killed at the end if it still runs.

    With `wait` it has started when the block begins.
    """
    port, log = free_port(), settings.data_dir.parent / f"{uuid4()}.log"
    arguments = pickle.dumps((settings, port)).hex()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, arguments, stderr=output, stdout=output, env=environment
        )
    miner = MinerProcess(process, f"http://127.0.0.1:{port}", log)
    try:
        if wait:
            await miner.started()
        yield miner
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def client_of(address: str, key: str | None = KEY) -> httpx.AsyncClient:
    headers = {} if key is None else {"X-API-Key": key}
    return httpx.AsyncClient(base_url=address, headers=headers, timeout=30, trust_env=False)

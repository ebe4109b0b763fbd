"""A miner that several worker processes serve, as an operator's command starts them."""

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from running_miner import MinerProcess
from server.app import create_app
from server.metrics import shared_by_workers
from server.serving import server_config
from settings import ROOT, Settings
from support import free_port

SETTINGS = "TEST_MINER_SETTINGS"


def app() -> FastAPI:
    """The application of one worker."""
    return create_app(pickle.loads(bytes.fromhex(os.environ[SETTINGS])))


def main(port: int, workers: int) -> None:
    with shared_by_workers():
        config = server_config("worker_processes:app", port=port, workers=workers, drain_seconds=5)
        Multiprocess(config, sockets=[config.bind_socket()]).run()


@asynccontextmanager
async def worker_processes(settings: Settings, workers: int) -> AsyncIterator[MinerProcess]:
    """A miner with these settings; ended with all its processes after the block.

    What its processes share on disk for a while, they put into `settings.data_dir`.
    """
    port, log = free_port(), settings.data_dir / "workers.log"
    environment = {
        **os.environ,
        SETTINGS: pickle.dumps(settings).hex(),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        "TMPDIR": str(settings.data_dir),
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            Path(__file__),
            str(port),
            str(workers),
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    miner = MinerProcess(process, f"http://127.0.0.1:{port}", log)
    try:
        await miner.started()
        yield miner
    finally:
        if process.returncode is None:
            process.terminate()
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(20):
            await process.wait()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

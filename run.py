"""Start the miner: `python run.py`.

Writes a first `.env` where there is none, starts what the settings ask for beside the server
(the embedded model, a Chroma server for several workers), and ends it again with the server.
"""

import os
import signal

if __name__ in ("__main__", "__mp_main__"):
    for _number in (signal.SIGTERM, signal.SIGINT):
        # While packages are imported, which takes seconds, there is nothing to close.
        signal.signal(_number, lambda *_: os._exit(0))

import tools.preflight  # noqa: F401 - ends a start that lacks something, before it is imported

# isort: split
import argparse
import gc
import multiprocessing
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import ceil
from pathlib import Path
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from memory import MemoryStoreError, playbook_folder, sole_owner
from server import logs
from server.app import create_app
from server.file_limit import raise_file_limit
from server.metrics import shared_by_workers
from server.serving import server_config
from settings import ENV_FILE, ENV_FILE_VARIABLE, Settings, SettingsError
from tools import envfile
from tools.addresses import AddressTaken, check_free
from tools.banner import announce_when_ready
from tools.children import chroma_server, embedded_model
from tools.model_file import ModelUnavailable
from tools.supervisor import ChildFailed, drain_with_parent

log = structlog.get_logger(__name__)

OVERRIDES = {"host": "HOST", "port": "API_PORT", "workers": "WORKERS", "log_level": "LOG_LEVEL"}
DRAIN_MARGIN_SECONDS = 2
POLL_SECONDS = 0.2
asked_to_stop = threading.Event()


def main() -> int:
    """The command. Returns the exit code: 1 if the miner cannot run, 2 for wrong settings."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        settings = _settings(_options())
        logs.configure(settings)
        raise_file_limit()
        with _children(settings):
            announce_when_ready(settings, _key_file())
            return _serve(settings)
    except SettingsError as error:
        return _refuse(error, 2)
    except (AddressTaken, ChildFailed, MemoryStoreError, ModelUnavailable) as error:
        return _refuse(error, 1)


def app() -> FastAPI:
    """The application of one server process."""
    drain_with_parent()
    try:
        made = create_app(Settings.load())
    except SettingsError as error:
        if multiprocessing.parent_process() is None:
            raise
        # With this code the pool of workers ends, instead of starting one after another.
        raise SystemExit(_refuse(error, STARTUP_FAILURE)) from None
    # A full collection looks through all that was imported, and stops every request for 0.2 s.
    gc.collect()
    gc.freeze()
    return made


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Start the miner.")
    parser.add_argument("--host", help="address to listen on (HOST)")
    parser.add_argument("--port", help="port to listen on (API_PORT)")
    parser.add_argument("--workers", help="server processes (WORKERS)")
    parser.add_argument("--log-level", help="debug, info, warning or error (LOG_LEVEL)")
    parser.add_argument("--env-file", type=Path, help="read this file instead of .env")
    return parser.parse_args()


def _settings(options: argparse.Namespace) -> Settings:
    """The settings that hold here and, by way of the environment, in the worker processes."""
    chosen = {name: getattr(options, option) for option, name in OVERRIDES.items()}
    os.environ.update({name: value for name, value in chosen.items() if value is not None})
    os.environ[ENV_FILE_VARIABLE] = str((options.env_file or ENV_FILE).absolute())
    if options.env_file is None:
        envfile.create_first(ENV_FILE)
    elif not options.env_file.exists():
        raise SettingsError(f"there is no file {options.env_file} (--env-file)")
    envfile.adopt_old_names(_env_file(), os.environ)
    envfile.tell_unknown_names(_env_file())
    return Settings.load()


def _env_file() -> Path:
    return Path(os.environ[ENV_FILE_VARIABLE])


def _key_file() -> Path | None:
    return None if envfile.is_set("MINER_API_KEY", os.environ) else _env_file()


@contextmanager
def _children(settings: Settings) -> Iterator[None]:
    with ExitStack() as children:
        if settings.workers > 1:
            children.enter_context(shared_by_workers())
        if settings.chroma_url is None:
            # One process: the server owns the folder itself, and here a taken one is found early.
            with sole_owner(settings.data_dir):
                pass
            if settings.workers > 1:
                children.enter_context(sole_owner(settings.data_dir))
                folder = playbook_folder(settings.data_dir)
                os.environ["CHROMA_URL"] = children.enter_context(chroma_server(folder))
        check_free(settings.host, settings.api_port, "API_PORT")
        if "local" in (settings.llm_provider, settings.llm_fallback_provider):
            children.enter_context(embedded_model(settings))
        yield


class _Workers(Multiprocess):
    """Server processes, each replaced when it ends; the log tells of it."""

    def keep_subprocess_alive(self) -> None:
        if self.should_exit.is_set():
            return
        before = list(self.processes)
        for worker in before:
            # Or its end would go unnoticed while an answer of it is waited for.
            worker.child_conn.close()
            if not self._awaited(worker):
                return
        super().keep_subprocess_alive()
        for old, new in zip(before, self.processes, strict=True):
            if old is not new:
                log.warning("worker ended, restarting", pid=old.pid, code=old.exitcode)

    def _awaited(self, worker: Process) -> bool:
        """Wait until a worker has answered, ended, or been ended for its silence.

        Waits no longer where a signal came, which is looked at between two rounds alone: then
        returns `False`. A worker that imports its packages does not answer for seconds.
        """
        give_up = time.monotonic() + self.config.timeout_worker_healthcheck
        while worker.process.is_alive() and not worker.ping(POLL_SECONDS):
            if self.signal_queue:
                return False
            if time.monotonic() > give_up:
                worker.process.kill()
        return True


def _serve(settings: Settings) -> int:
    config = server_config(
        "run:app",
        host=settings.host,
        port=settings.api_port,
        workers=settings.workers,
        drain_seconds=ceil(settings.deadline_seconds) + DRAIN_MARGIN_SECONDS,
        trusted_proxies=settings.proxies,
    )
    if settings.workers > 1:
        pool = _Workers(config, sockets=[config.bind_socket()])
        if not asked_to_stop.is_set():
            pool.run()
        return int(any(worker.exitcode == STARTUP_FAILURE for worker in pool.processes))
    server = uvicorn.Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        # The server raises each signal again at its end, inside the event loop, where an
        # exception would break off the answers that are still being given.
        signal.signal(number, server.handle_exit)
    if asked_to_stop.is_set():
        return 0
    try:
        server.run()
    except SystemExit as end:
        return 1 if end.code else 0
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    # Raised while a destructor runs, the exception would be dropped: `_serve` looks again.
    asked_to_stop.set()
    raise SystemExit(0)


def _refuse(error: Exception, code: int) -> int:
    print(f"cannot start: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())

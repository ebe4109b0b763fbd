"""Child processes that have to run as long as their parent does, and no longer."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import IO, Self

import httpx
import structlog

from settings import ROOT

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.05
GRACE_SECONDS = 5.0


class ChildFailed(Exception):
    """A child process did not come up. The message is one line."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a restart, in seconds.

    The wait doubles from `first` to `ceiling`, and starts over once a child ran for `reset_after`.
    """

    first: float = 0.5
    ceiling: float = 30.0
    reset_after: float = 60.0


class Supervisor:
    """Runs one child process for the length of a `with` block, and restarts it when it ends.

    It gets the environment of this process, with `environment` laid over it, and what it says on
    standard error goes to `stderr`, by default where this process writes its own.
    Entering waits until `ready_url` answers 200 and raises `ChildFailed` if the child ends
    before that or needs more than `start_seconds`. Leaving terminates the child, and kills it
    if it has not ended after 5 s. The child's standard input is a pipe that closes with this
    process, however it dies: the child is to call `end_with_supervisor`. The child has a session
    of its own, so a terminal's Ctrl-C does not reach it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        ready_url: str,
        *,
        environment: Mapping[str, str] | None = None,
        start_seconds: float = 60.0,
        backoff: Backoff | None = None,
        stderr: IO[bytes] | None = None,
    ) -> None:
        self._name = name
        self._command = list(command)
        self._ready_url = ready_url
        self._environment = {**os.environ, **(environment or {})}
        self._start_seconds = start_seconds
        self._backoff = backoff or Backoff()
        self._stderr = stderr
        self._stopping = threading.Event()
        self._turn = threading.Lock()
        self._watcher = threading.Thread(target=self._watch, name=f"watch {name}", daemon=True)

    def __enter__(self) -> Self:
        self._process = self._spawn()
        try:
            self._wait_until_ready()
        except BaseException:
            _end(self._process)
            raise
        self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._turn:
            self._stopping.set()
            _end(self._process)
        self._watcher.join()

    @property
    def pid(self) -> int:
        """The process id of the present child."""
        return self._process.pid

    def _spawn(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                cwd=ROOT,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            raise ChildFailed(f"{self._name} cannot be started: {error.strerror}") from error

    def _wait_until_ready(self) -> None:
        give_up = time.monotonic() + self._start_seconds
        while not _answers(self._ready_url):
            code = self._process.poll()
            if code is not None:
                raise ChildFailed(f"{self._name} ended with code {code} before it was ready")
            if time.monotonic() > give_up:
                raise ChildFailed(f"{self._name} was not ready within {self._start_seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def _watch(self) -> None:
        wait = self._backoff.first
        while True:
            started = time.monotonic()
            code = self._process.wait()
            if time.monotonic() - started >= self._backoff.reset_after:
                wait = self._backoff.first
            if self._stopping.is_set():
                return
            log.warning("child ended, restarting", child=self._name, code=code, in_seconds=wait)
            if self._stopping.wait(wait):
                return
            self._restart()
            wait = min(2 * wait, self._backoff.ceiling)

    def _restart(self) -> None:
        with self._turn:
            if self._stopping.is_set():
                return
            _end(self._process)
            try:
                self._process = self._spawn()
            except ChildFailed as error:
                # The ended process stands in, so that the watcher waits and tries again.
                log.warning(str(error))


def end_with_supervisor() -> None:
    """In the child: end this process when its supervisor is gone, even by `kill -9`.

    It ends at once: the next supervisor may already be about to open the same files.
    """
    threading.Thread(target=_end_at_eof, name="supervisor watch", daemon=True).start()


def _end_at_eof() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


def drain_with_parent() -> None:
    """In a process of `multiprocessing`: stop, as by SIGTERM, when its parent is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        watch = partial(_drain_after, parent.sentinel)
        threading.Thread(target=watch, name="parent watch", daemon=True).start()


def _drain_after(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()

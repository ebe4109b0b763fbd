"""A server in the foreground of its launcher: it gets the signals, and it never stays behind."""

import os
import signal
import subprocess
import time
from types import FrameType

STOP_SECONDS = 30.0
LEFTOVER_SECONDS = 5.0


class Foreground:
    """A process in a session of its own, so that what it started can be ended with it.

    A signal asks it to stop once; a second one, or a stop of over 30 s, kills all of it. Raises
    `OSError` if it cannot be started.
    """

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, start_new_session=True)  # noqa: S603
        self._kill_at: float | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._forward)

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._kill_at is not None

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code as a shell gives it, or `None` if it runs on after `seconds`."""
        give_up = None if seconds is None else time.monotonic() + seconds
        while give_up is None or time.monotonic() < give_up:
            try:
                code = self._process.wait(0.2)
            except subprocess.TimeoutExpired:
                self._kill_if_late()
            else:
                return code if code >= 0 else 128 - code
        return None

    def stop(self) -> None:
        """Ask it to end, and see to it that all of it does."""
        self._ask(signal.SIGTERM)
        self.wait()
        # Its helpers may still be freeing shared memory.
        self._signal_all(signal.SIGTERM)
        give_up = time.monotonic() + LEFTOVER_SECONDS
        while self._signal_all(0) and time.monotonic() < give_up:
            time.sleep(0.1)
        self._signal_all(signal.SIGKILL)

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        if self.stopping:
            self._signal_all(signal.SIGKILL)
        # Few servers know SIGHUP, and it would end them at once.
        self._ask(signal.SIGTERM if number == signal.SIGHUP else number)

    def _ask(self, number: int) -> None:
        if not self.stopping:
            self._kill_at = time.monotonic() + STOP_SECONDS
            self._process.send_signal(number)

    def _kill_if_late(self) -> None:
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: int) -> bool:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return False
        return True

"""A circuit breaker: what fails most of the time is left alone for a while."""

import time
from collections import deque
from typing import Final

WINDOW_SECONDS: Final = 30.0
FEWEST_CALLS: Final = 5
TRIPPING_SHARE: Final = 0.5
OPEN_SECONDS: Final = 15.0
TRIAL_SECONDS: Final = 3.0


class CircuitBreaker:
    """Opens when, of at least five calls in 30 s, half failed; never for a single slow one.

    After 15 s one caller tries; the others wait for what comes of it, for 3 s.
    """

    def __init__(self) -> None:
        self._calls: deque[tuple[float, bool]] = deque(maxlen=1_000)
        self._closed_from: float | None = None

    def allow(self) -> bool:
        """Whether a call may be made now."""
        if self._closed_from is None:
            return True
        now = time.monotonic()
        if now < self._closed_from:
            return False
        self._closed_from = now + TRIAL_SECONDS
        return True

    def succeeded(self) -> None:
        """A call was answered, however late."""
        if self._closed_from is not None:
            self.reset()
        self._note(failed=False)

    def failed(self) -> None:
        """A call failed, or took too long."""
        self._note(failed=True)
        failures = sum(failed for _, failed in self._calls)
        enough = len(self._calls) >= FEWEST_CALLS
        if self._closed_from is not None or (
            enough and failures >= TRIPPING_SHARE * len(self._calls)
        ):
            self.trip()

    def trip(self) -> None:
        """Allow no call for a while."""
        self._closed_from = time.monotonic() + OPEN_SECONDS

    def reset(self) -> None:
        """Allow calls, and forget the failures."""
        self._closed_from = None
        self._calls.clear()

    def _note(self, *, failed: bool) -> None:
        now = time.monotonic()
        self._calls.append((now, failed))
        while self._calls[0][0] < now - WINDOW_SECONDS:
            self._calls.popleft()

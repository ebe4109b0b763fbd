"""A circuit breaker: what fails most of the time is left alone for a while."""

import time
from collections import deque
from typing import Final

WINDOW_SECONDS: Final = 30.0
FEWEST_CALLS: Final = 5
TRIPPING_SHARE: Final = 0.5
OPEN_SECONDS: Final = 5.0
TRIAL_SECONDS: Final = 3.0


class CircuitBreaker:
    """Opens when, of at least five calls in 30 s, half failed; never for a single slow one.

    After 5 s one caller tries; the others wait for what comes of it, for `trial_seconds`.
    """

    def __init__(self, *, trial_seconds: float = TRIAL_SECONDS) -> None:
        self._calls: deque[tuple[float, bool]] = deque(maxlen=1_000)
        self._trial_seconds = trial_seconds
        self._closed_from: float | None = None
        self._on_trial = False

    @property
    def resting(self) -> bool:
        """Whether it is open, or on a trial that somebody else makes."""
        return self._closed_from is not None and time.monotonic() < self._closed_from

    def allow(self) -> bool:
        """Whether a call may be made now; after a rest, the one that may is the trial."""
        if self.resting:
            return False
        if self._closed_from is not None:
            self._on_trial = True
            self.rest(self._trial_seconds)
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
        if self._on_trial or (enough and failures >= TRIPPING_SHARE * len(self._calls)):
            self.trip()

    def trip(self) -> None:
        """Allow no call for a while."""
        self._on_trial, self._closed_from = False, None
        self.rest(OPEN_SECONDS)

    def rest(self, seconds: float) -> None:
        """Allow no call for so long, as what is asked wishes itself."""
        self._closed_from = max(self._closed_from or 0.0, time.monotonic() + seconds)

    def reset(self) -> None:
        """Allow calls, and forget the failures."""
        self._on_trial, self._closed_from = False, None
        self._calls.clear()

    def _note(self, *, failed: bool) -> None:
        now = time.monotonic()
        self._calls.append((now, failed))
        while self._calls[0][0] < now - WINDOW_SECONDS:
            self._calls.popleft()

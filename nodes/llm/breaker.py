"""A circuit breaker by failure rate, one for each address."""

import time
from collections import deque
from dataclasses import dataclass, field

WINDOW = 30.0  # seconds that outcomes count
FEWEST = 5  # outcomes within the window before the rate means anything
RATE = 0.6  # of them failed: the address rests
REST = 15.0  # seconds, until one trial


@dataclass(slots=True)
class Breaker:
    """Open while an address fails too often; after a rest one call tries it again.

    It only orders the addresses: where all of them rest, they are asked all the same.
    """

    _outcomes: deque[tuple[float, bool]] = field(default_factory=deque)
    _rests_until: float = 0.0
    _trial: bool = False

    @property
    def resting(self) -> bool:
        return time.monotonic() < self._rests_until or self._trial

    def begin(self) -> bool:
        """A call begins: whether it is the one trial after a rest."""
        trial = bool(self._rests_until) and not self.resting
        self._trial = self._trial or trial
        return trial

    def end(self, *, succeeded: bool | None, trial: bool) -> None:
        """A call ended; `None` where its end says nothing of the address."""
        self._trial = self._trial and not trial
        if succeeded is None:
            return
        now = time.monotonic()
        if succeeded and self._rests_until:
            self._rests_until = 0.0
            self._outcomes.clear()
        self._outcomes.append((now, succeeded))
        while self._outcomes[0][0] < now - WINDOW:
            self._outcomes.popleft()
        failed = sum(not each for _, each in self._outcomes)
        many = len(self._outcomes) >= FEWEST and failed >= RATE * len(self._outcomes)
        if not succeeded and (trial or many):
            self._rests_until = now + REST

    def rest(self, seconds: float) -> None:
        """Ask others for so long, as the backend itself wishes."""
        self._rests_until = max(self._rests_until, time.monotonic() + seconds)

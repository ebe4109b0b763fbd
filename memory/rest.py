"""Leaving alone for a while what did not answer: asking it again would cost everybody's time."""

import time
from typing import Final

REST_SECONDS: Final = 15.0
TRIAL_SECONDS: Final = 3.0


class Rest:
    """Whether something may be asked, by what was found out of late.

    After a rest one caller tries first; the others wait for what comes of it.
    """

    def __init__(self, seconds: float = REST_SECONDS) -> None:
        self._seconds = seconds
        self._until: float | None = None

    def begin(self) -> None:
        """It was silent."""
        self._until = time.monotonic() + self._seconds

    def end(self) -> None:
        """It answers, however late."""
        self._until = None

    def admits(self) -> bool:
        """Whether the caller may ask now."""
        if self._until is None:
            return True
        now = time.monotonic()
        if now < self._until:
            return False
        self._until = now + TRIAL_SECONDS
        return True

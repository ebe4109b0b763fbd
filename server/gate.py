"""A bound on the runs in work at once."""

from typing import Self

from server.errors import ApiError
from server.metrics import Metrics

FULL_RETRY_AFTER = 1
DRAINING_RETRY_AFTER = 5


class Gate:
    """Counts the runs in work. Beyond `limit`, and while draining, no further one may enter."""

    def __init__(self, limit: int, metrics: Metrics) -> None:
        self.draining = False
        self._limit = limit
        self._metrics = metrics
        self._in_work = 0

    def check(self) -> None:
        """Raise `ApiError` 503 if no run may enter: a caller can try another miner in time."""
        self.check_draining()
        if self._in_work >= self._limit:
            detail = f"all {self._limit} places for requests are taken"
            raise _closed("at_capacity", detail, FULL_RETRY_AFTER)

    def check_draining(self) -> None:
        """Raise `ApiError` 503 if the miner is about to end."""
        if self.draining:
            raise _closed("draining", "the miner is shutting down", DRAINING_RETRY_AFTER)

    def place(self) -> "Place":
        return Place(self)

    def count(self, change: int) -> None:
        self._in_work += change
        self._metrics.in_flight.inc(change)


class Place:
    """A place for one run, from the beginning of a `with` block to `free`, or to its end.

    Entering raises what `Gate.check` raises.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._taken = False

    def __enter__(self) -> Self:
        self._gate.check()
        self._gate.count(1)
        self._taken = True
        return self

    def __exit__(self, *raised: object) -> None:
        self.free()

    def free(self) -> None:
        """Give the place back, if that has not been done."""
        if self._taken:
            self._taken = False
            self._gate.count(-1)


def _closed(error: str, detail: str, seconds: int) -> ApiError:
    headers = {"Retry-After": str(seconds)}
    return ApiError(503, error, f"{detail}; try again in {seconds} s", headers)

"""A bound on the runs in work at once."""

import asyncio
from typing import Self

from server.errors import ApiError
from server.metrics import Metrics

FULL_RETRY_AFTER = 1
DRAINING_RETRY_AFTER = 5


class Gate:
    """Lets `limit` runs be in work. A further one waits for its place, `patience` seconds at most;
    while draining, none may enter.

    Whoever is refused at once comes again at once: refusals then take the time of the answers.
    """

    def __init__(self, limit: int, patience: float, metrics: Metrics) -> None:
        self.draining = False
        self._limit = limit
        self._patience = patience
        self._metrics = metrics
        self._places = asyncio.Semaphore(limit)

    def check_draining(self) -> None:
        """Raise `ApiError` 503 if the miner is about to end."""
        if self.draining:
            raise _closed("draining", "the miner is shutting down", DRAINING_RETRY_AFTER)

    def place(self) -> "Place":
        return Place(self)

    async def enter(self) -> None:
        self.check_draining()
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError:
            detail = f"all {self._limit} places for requests are taken"
            raise _closed("at_capacity", detail, FULL_RETRY_AFTER) from None
        self._metrics.in_flight.inc()

    def leave(self) -> None:
        self._places.release()
        self._metrics.in_flight.dec()


class Place:
    """A place for one run, from the beginning of an `async with` block to `free`, or to its end.

    Entering raises `ApiError` 503 where there is none in time: a caller can try another miner.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._taken = False

    async def __aenter__(self) -> Self:
        await self._gate.enter()
        self._taken = True
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.free()

    def free(self) -> None:
        """Give the place back, if that has not been done."""
        if self._taken:
            self._taken = False
            self._gate.leave()


def _closed(error: str, detail: str, seconds: int) -> ApiError:
    headers = {"Retry-After": str(seconds)}
    return ApiError(503, error, f"{detail}; try again in {seconds} s", headers)

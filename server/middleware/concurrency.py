"""A bound on the runs in work at once."""

from starlette.types import ASGIApp, Receive, Scope, Send

from server.errors import error_response
from server.metrics import Metrics

FULL_RETRY_AFTER = 1
DRAINING_RETRY_AFTER = 5


class Gate:
    """Counts the runs in work, and says when no further one may enter."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_work = 0
        self.draining = False

    @property
    def full(self) -> bool:
        return self.in_work >= self.limit


class Concurrency:
    """Answers 503 at once when the gate is closed: a caller can try another miner in time."""

    def __init__(self, app: ASGIApp, gate: Gate, paths: frozenset[str], metrics: Metrics) -> None:
        self.app = app
        self._gate = gate
        self._paths = paths
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self.app(scope, receive, send)
        elif self._gate.draining:
            await _refuse(
                scope,
                receive,
                send,
                error="draining",
                detail="the miner is shutting down",
                seconds=DRAINING_RETRY_AFTER,
            )
        elif self._gate.full:
            await _refuse(
                scope,
                receive,
                send,
                error="at_capacity",
                detail=f"all {self._gate.limit} places for requests are taken",
                seconds=FULL_RETRY_AFTER,
            )
        else:
            self._gate.in_work += 1
            try:
                with self._metrics.in_flight.track_inprogress():
                    await self.app(scope, receive, send)
            finally:
                self._gate.in_work -= 1


async def _refuse(
    scope: Scope, receive: Receive, send: Send, *, error: str, detail: str, seconds: int
) -> None:
    headers = {"Retry-After": str(seconds)}
    response = error_response(scope, 503, error, f"{detail}; try again in {seconds} s", headers)
    await response(scope, receive, send)

"""Between the order to stop and the last answer, no further run enters."""

import signal
from collections.abc import Iterator
from types import FrameType

import httpx
import pytest
from starlette.responses import PlainTextResponse

from server.draining import draining_on_signal
from server.metrics import Metrics
from server.middleware.concurrency import Concurrency, Gate
from server.middleware.request_context import RequestContextMiddleware


@pytest.fixture
def asked_to_stop() -> Iterator[list[int]]:
    """The signals that reached the server's own handler."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    yield received
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_closes_the_gate_and_reaches_the_server(
    asked_to_stop: list[int], number: signal.Signals
) -> None:
    gate = Gate(limit=1)
    app = Concurrency(PlainTextResponse("ran"), gate, frozenset({"/complete"}), Metrics())
    transport = httpx.ASGITransport(RequestContextMiddleware(app, deadline_seconds=1))
    async with httpx.AsyncClient(transport=transport, base_url="http://miner") as client:
        with draining_on_signal(gate):
            assert (await client.post("/complete")).text == "ran"
            signal.raise_signal(number)
            refused = await client.post("/complete")
            assert refused.status_code == 503
            assert refused.json()["error"] == "draining"
            assert int(refused.headers["Retry-After"]) >= 1
            assert (await client.get("/health")).text == "ran"
        assert asked_to_stop == [number]
        signal.raise_signal(number)
        assert asked_to_stop == [number, number]

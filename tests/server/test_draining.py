"""Between the order to stop and the last answer, no further run enters."""

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from server.draining import draining_on_signal
from server.errors import ApiError
from server.gate import Gate
from server.metrics import Metrics


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
    gate = Gate(1, 0, Metrics())
    with draining_on_signal(gate):
        async with gate.place():
            signal.raise_signal(number)
        with pytest.raises(ApiError) as refused:
            async with gate.place():
                pass
        assert (refused.value.status, refused.value.error) == (503, "draining")
        assert refused.value.headers == {"Retry-After": "5"}
    assert asked_to_stop == [number]
    signal.raise_signal(number)
    assert asked_to_stop == [number, number]

"""From the first signal to stop, no further run enters."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from server.gate import Gate

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def draining_on_signal(gate: Gate) -> Iterator[None]:
    """Close the gate on SIGTERM or SIGINT, then do what the server had asked for.

    Outside the main thread, where signals cannot be received, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def drain(number: int, frame: FrameType | None) -> None:
        gate.draining = True
        server = before[signal.Signals(number)]
        if callable(server):
            server(number, frame)

    for number in SIGNALS:
        signal.signal(number, drain)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

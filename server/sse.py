"""Server-Sent Events: what a run is doing, its tokens, and at last the same body as without them.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict

from graphs.registry import Machines, NodeEvent, Token
from nodes import state
from nodes.errors import DeadlinePassed

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
KEEP_ALIVE = 5.0  # seconds of silence after which proxies may think the connection dead
REFUSED = re.compile(r"\bq\s*=\s*0(?:\.0*)?\s*(?:;|$)", re.IGNORECASE)
# JSON may carry these as they are, but many clients take them for the end of a line.
LINE_ENDS = {mark.encode(): rf"\u{ord(mark):04x}".encode() for mark in "\u0085\u2028\u2029"}


def wanted(accept: str) -> bool:
    """Whether an `Accept` header asks for events."""
    for kind, _, parameters in (part.partition(";") for part in accept.split(",")):
        if kind.strip().lower() == MEDIA_TYPE:
            return not REFUSED.search(parameters)
    return False


async def events(
    machines: Machines,
    component: str,
    request: state.Request,
    *,
    limit: float,
    ended: Callable[[state.Result], Awaitable[Mapping[str, bytes]]],
    failed: Callable[[Exception], bytes],
) -> AsyncIterator[bytes]:
    """The events of one run, encoded. `limit` is on the clock of `time.monotonic()`.

    `ended` turns the result into the closing events by name, `failed` an error into its body.
    """
    try:
        async with aclosing(_in_time(machines.stream(component, request), limit)) as run:
            async for event in run:
                if isinstance(event, state.Result):
                    for name, body in (await ended(event)).items():
                        yield _event(name, body)
                else:
                    yield event if isinstance(event, bytes) else _told(event)
    except Exception as error:  # the status is sent already: every error becomes an event
        yield _event("error", failed(error))


async def _in_time(
    run: AsyncGenerator[NodeEvent | Token | state.Result, None], limit: float
) -> AsyncGenerator[NodeEvent | Token | state.Result | bytes, None]:
    """The run's events, a comment where nothing comes for long, and an end at `limit`."""
    async with aclosing(run) as source:
        pending = asyncio.ensure_future(anext(source, None))
        try:
            while True:
                left = limit - time.monotonic()
                if left <= 0:
                    raise DeadlinePassed("the deadline passed before there was an answer")
                done, _ = await asyncio.wait((pending,), timeout=min(KEEP_ALIVE, left))
                if not done:
                    yield b": still running\n\n"
                    continue
                event = pending.result()
                if event is None:
                    return
                yield event
                pending = asyncio.ensure_future(anext(source, None))
        finally:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)


def _told(event: NodeEvent | Token) -> bytes:
    if isinstance(event, NodeEvent):
        return _event("node", _json(asdict(event)))
    return _event("token", _json(asdict(event)))


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _event(name: str, data: bytes) -> bytes:
    for mark, escaped in LINE_ENDS.items():
        data = data.replace(mark, escaped)
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"

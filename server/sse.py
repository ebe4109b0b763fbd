"""Server-Sent Events: what a run is doing, its tokens, and at last the same body as without them.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import asdict

from graphs.registry import NodeEvent, Token
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
    run: AsyncGenerator[NodeEvent | Token | state.Result, None],
    *,
    limit: float,
    told: Callable[[NodeEvent | Token], bytes],
    ended: Callable[[state.Result], Awaitable[bytes]],
    failed: Callable[[Exception], bytes],
) -> AsyncIterator[bytes]:
    """The events of one run, encoded. `limit` is on the clock of `time.monotonic()`.

    `told` makes one of what happens, or none; `ended` the closing ones of the result; `failed` the
    last one of an error.
    """
    try:
        async with aclosing(_in_time(run, limit)) as happening:
            async for event in happening:
                if isinstance(event, state.Result):
                    yield await ended(event)
                else:
                    yield event if isinstance(event, bytes) else told(event)
    except Exception as error:  # the status is sent already: every error becomes an event
        yield failed(error)


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


def told(happened: NodeEvent | Token) -> bytes:
    """What a run does, as an event of the native API."""
    name = "node" if isinstance(happened, NodeEvent) else "token"
    return event(name, json.dumps(asdict(happened), ensure_ascii=False).encode("utf-8", "replace"))


def event(name: str, data: bytes) -> bytes:
    """One event; without a name one that has data alone."""
    for mark, escaped in LINE_ENDS.items():
        data = data.replace(mark, escaped)
    named = f"event: {name}\n".encode() if name else b""
    return named + b"data: " + data + b"\n\n"

"""One run of a machine for one HTTP request, whichever form it is asked and answered in."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from graphs.registry import BY_SETTINGS, Machines, NodeEvent, Token
from nodes import state
from nodes.errors import DeadlinePassed
from nodes.miner import Miner
from server import sse
from server.context import context_of
from server.errors import error_event
from server.gate import Gate, Place
from server.metrics import Metrics, parts_named

log = structlog.get_logger(__name__)

# The machines keep the deadline themselves; this ends one that does not.
GRACE = 2.0
# Beyond that, for a caller to take what has been sent: a stream waits for its reader.
READING_GRACE = 5.0
UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def begin(request: Request, component: str) -> bytes | bytearray:
    """The body of a request for a run. Raises `ApiError` 503 while the miner is about to end."""
    context = context_of(request.scope)
    context.component = component
    gate: Gate = request.state.gate
    gate.check_draining()
    return context.take_body()


async def run(
    request: Request,
    component: str,
    wanted: state.Request,
    options: state.Options = BY_SETTINGS,
) -> state.Result:
    """The result of one run, which has a place from its beginning to its answer."""
    gate: Gate = request.state.gate
    machines: Machines = request.state.machines
    limit = asyncio.timeout(context_of(request.scope).deadline + GRACE - time.monotonic())
    try:
        async with gate.place() as place, limit:
            result = await machines.run(component, wanted, options, answered=place.free)
    except TimeoutError:
        if limit.expired():
            raise DeadlinePassed("the deadline passed before there was an answer") from None
        raise
    _note(component, result, request)
    return result


def stream(
    request: Request,
    component: str,
    wanted: state.Request,
    options: state.Options = BY_SETTINGS,
    *,
    told: Callable[[NodeEvent | Token], bytes],
    ended: Callable[[state.Result], Awaitable[bytes]],
    failed: Callable[[bytes], bytes],
) -> StreamingResponse:
    """The same as Server-Sent Events: those that `told` and `ended` make of what happens.

    `failed` makes the last one of the body of an error.
    """
    gate: Gate = request.state.gate
    machines: Machines = request.state.machines
    place = gate.place()

    async def over(result: state.Result) -> bytes:
        place.free()
        _note(component, result, request)
        return await ended(result)

    events = sse.events(
        machines.stream(component, wanted, options),
        limit=context_of(request.scope).deadline + GRACE,
        told=told,
        ended=over,
        failed=lambda error: failed(error_event(request.scope, error)),
    )
    return _Events(events, place)


class _Events(StreamingResponse):
    """Leaves it to `CancelOnDisconnect` to watch for the caller's departure.

    The class it extends cancels again and again until it is obeyed, which breaks off the
    cleaning up of a run halfway: its nodes, and their model calls, would go on.

    The run has its place from the beginning to its result, or until the answer to a caller that
    no longer reads it is broken off.
    """

    def __init__(self, stream: AsyncIterator[bytes], place: Place) -> None:
        super().__init__(stream, media_type=sse.MEDIA_TYPE, headers=sse.HEADERS)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = context_of(scope)
        limit = asyncio.timeout(context.deadline + GRACE + READING_GRACE - time.monotonic())
        try:
            async with self._place, limit:
                await self.stream_response(send)
        except TimeoutError:
            if not limit.expired():
                raise
            context.disconnected = True
            log.warning("the caller does not read its stream; broken off")


def _note(component: str, result: state.Result, request: Request) -> None:
    metrics: Metrics = request.state.metrics
    miner: Miner = request.state.miner
    metrics.ran(component, result, first=miner.model.describe())
    if result.cut:
        log.info("prompt cut to the model's window", parts=parts_named(result.cut))


def headers(result: state.Result) -> dict[str, str]:
    """How the answer came about, for the headers `X-Miner-*`."""
    told = {
        "X-Miner-Strategy": result.strategy,
        "X-Miner-Rounds": str(result.rounds),
        "X-Miner-Model-Calls": str(len(result.calls)),
        "X-Miner-Stopped-By-Deadline": str(result.stopped_by_deadline).lower(),
        "X-Miner-Truncated": result.truncated,
        "X-Miner-Fallback": ", ".join(result.fallbacks),
        "X-Miner-Cut": ", ".join(result.cut),
    }
    return {name: _header_safe(value) for name, value in told.items() if value}


def _header_safe(value: str) -> str:
    shown = value.encode("ascii", "replace").decode()
    # A header must not end with the space that the cut may leave.
    return " ".join(UNPRINTABLE.sub(" ", shown).split())[:200].rstrip()

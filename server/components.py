"""One route for each component; the body's shape tells the form, which also shapes the answer."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from graphs.registry import Machines
from nodes import state
from nodes.errors import DeadlinePassed
from nodes.miner import Miner
from server import sse
from server.context import context_of
from server.errors import error_event
from server.gate import Gate, Place
from server.metrics import Metrics, parts_named
from server.wire.parse import FORMS, parse

log = structlog.get_logger(__name__)

# The machines keep the deadline themselves; this ends one that does not.
GRACE = 2.0
# Beyond that, for a caller to take what has been sent: a stream waits for its reader.
READING_GRACE = 5.0
LONG_TEXT = 20_000  # characters; settling longer documents is taken off the event loop
UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def router() -> APIRouter:
    """The routes of all components."""
    routes = APIRouter()
    for component in FORMS:
        routes.add_api_route(
            f"/{component}", _endpoint(component), methods=["POST"], name=component
        )
    return routes


def _endpoint(component: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        context = context_of(request.scope)
        context.component = component
        gate: Gate = request.state.gate
        gate.check()
        form, asked = parse(component, context.take_body())
        machines: Machines = request.state.machines
        wanted = asked.to_request(context.deadline)
        documents = [output.notebook for output in wanted.previous_outputs]

        async def body_of(result: state.Result) -> bytes:
            _note(component, result, request)
            if len(result.answer) + sum(map(len, documents)) > LONG_TEXT:
                body = await asyncio.to_thread(form.response.from_result, asked, result)
            else:
                body = form.response.from_result(asked, result)
            return body.model_dump_json(exclude_none=True).encode()

        if sse.wanted(request.headers.get("accept", "")):
            return _streamed(request, machines, component, wanted, body_of)
        with gate.place():
            result = await _in_time(machines.run(component, wanted), context.deadline)
        body = await body_of(result)
        return Response(body, media_type="application/json", headers=headers(result))

    return answer


def _streamed(
    request: Request,
    machines: Machines,
    component: str,
    wanted: state.Request,
    body_of: Callable[[state.Result], Awaitable[bytes]],
) -> Response:
    context = context_of(request.scope)
    gate: Gate = request.state.gate
    place = gate.place()

    async def ended(result: state.Result) -> dict[str, bytes]:
        place.free()
        miner = json.dumps(headers(result)).encode()
        return {"miner": miner, "result": await body_of(result)}

    stream = sse.events(
        machines,
        component,
        wanted,
        limit=context.deadline + GRACE,
        ended=ended,
        failed=lambda error: error_event(request.scope, error),
    )
    return _Events(stream, place)


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
            with self._place:
                async with limit:
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


async def _in_time(run: Awaitable[state.Result], deadline: float) -> state.Result:
    limit = asyncio.timeout(deadline + GRACE - time.monotonic())
    try:
        async with limit:
            return await run
    except TimeoutError:
        if limit.expired():
            raise DeadlinePassed("the deadline passed before there was an answer") from None
        raise

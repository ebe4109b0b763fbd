"""One route for each component; the body's shape tells the form, which also shapes the answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response

from graphs.registry import Machines
from nodes import state
from nodes.errors import DeadlinePassed
from server.context import context_of
from server.wire.parse import FORMS, parse

# The machines keep the deadline themselves; this ends one that does not.
GRACE = 2.0


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
        form, asked = parse(component, await request.body())
        machines: Machines = request.state.machines
        result = await _in_time(
            machines.run(component, asked.to_request(context.deadline)), context.deadline
        )
        body = form.response.from_result(asked, result).model_dump_json(exclude_none=True)
        return Response(body, media_type="application/json", headers=headers(result))

    return answer


def headers(result: state.Result) -> dict[str, str]:
    """How the answer came about, for the headers `X-Miner-*`."""
    told = {
        "X-Miner-Strategy": result.strategy,
        "X-Miner-Rounds": str(result.rounds),
        "X-Miner-Model-Calls": str(len(result.calls)),
        "X-Miner-Stopped-By-Deadline": str(result.stopped_by_deadline).lower(),
        "X-Miner-Truncated": result.truncated,
        "X-Miner-Fallback": result.fallback,
    }
    return {name: _header_safe(value) for name, value in told.items() if value}


def _header_safe(value: str) -> str:
    return " ".join(value.encode("ascii", "replace").decode().split())[:200]


async def _in_time(run: Awaitable[state.Result], deadline: float) -> state.Result:
    limit = asyncio.timeout(deadline + GRACE - time.monotonic())
    try:
        async with limit:
            return await run
    except TimeoutError:
        if limit.expired():
            raise DeadlinePassed("the deadline passed before there was an answer") from None
        raise

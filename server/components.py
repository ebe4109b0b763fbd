"""One route for each component; the body's shape tells the form, which also shapes the answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response

from nodes import state
from server import runs, sse
from server.context import context_of
from server.wire.parse import FORMS, parse

LONG_TEXT = 20_000  # characters; settling longer documents is taken off the event loop


def router() -> APIRouter:
    """The routes of all components."""
    routes = APIRouter()
    for component in FORMS:
        routes.add_api_route(
            f"/{component}",
            _endpoint(component),
            methods=["POST"],
            name=component,
            tags=["components"],
        )
    return routes


def _endpoint(component: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        form, asked = parse(component, runs.begin(request, component))
        wanted = asked.to_request(context_of(request.scope).deadline)
        documents = [output.notebook for output in wanted.previous_outputs]

        async def body_of(result: state.Result) -> bytes:
            if len(result.answer) + sum(map(len, documents)) > LONG_TEXT:
                body = await asyncio.to_thread(form.response.from_result, asked, result)
            else:
                body = form.response.from_result(asked, result)
            return body.model_dump_json(exclude_none=True).encode()

        async def last_events(result: state.Result) -> bytes:
            miner = json.dumps(runs.headers(result)).encode()
            return sse.event("miner", miner) + sse.event("result", await body_of(result))

        if sse.wanted(request.headers.get("accept", "")):
            return runs.stream(
                request,
                component,
                wanted,
                told=sse.told,
                ended=last_events,
                failed=lambda body: sse.event("error", body),
            )
        result = await runs.run(request, component, wanted)
        body = await body_of(result)
        return Response(body, media_type="application/json", headers=runs.headers(result))

    return answer

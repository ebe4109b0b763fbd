"""The request's id, and the clock that started with its first byte."""

import time
import uuid

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.context import FIRST_BYTE, RequestContext, attach


class RequestContextMiddleware:
    """Attaches a `RequestContext`, and notes in it which status is sent.

    The id is ours alone and goes into each line and answer.
    An id that the caller sends is not used: it could forge the log.
    """

    def __init__(self, app: ASGIApp, deadline_seconds: float) -> None:
        self.app = app
        self._deadline_seconds = deadline_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        began = scope.get("state", {}).get(FIRST_BYTE) or time.monotonic()
        context = RequestContext(request_id, began, began + self._deadline_seconds)
        attach(scope, context)
        header = (b"x-request-id", request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] != "http.response.start":
                await send(message)
                return
            await send({**message, "headers": [*message.get("headers", []), header]})
            context.status = message["status"]

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, send_with_id)

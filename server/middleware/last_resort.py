"""Where a bug ends: a 500 for the caller, its place in the code for the operator."""

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import INTERNAL, error_response

log = structlog.get_logger(__name__)


class LastResort:
    """Answers 500 in the error form. An answer that has begun is broken off instead."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, note_start)
        except Exception as error:
            log.error("unhandled error", exc_info=error)
            if not started:
                response = error_response(scope, 500, "internal_error", INTERNAL)
                await response(scope, receive, send)

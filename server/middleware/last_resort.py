"""Where a bug ends: a 500 for the caller, its place in the code for the operator."""

import asyncio

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from server.context import context_of
from server.errors import INTERNAL, error_response
from server.gate import DRAINING_RETRY_AFTER

log = structlog.get_logger(__name__)

RETRY = {"Retry-After": str(DRAINING_RETRY_AFTER)}


class LastResort:
    """Answers 500 in the error form. An answer that has begun is broken off instead.

    The server cancels what is in work when it waits no longer, which is answered with 503.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except asyncio.CancelledError:
            if context_of(scope).status is None:
                detail = "the miner has shut down"
                response = error_response(scope, 503, "draining", detail, RETRY)
                await response(scope, receive, send)
        except Exception as error:
            log.error("unhandled error", exc_info=error)
            if context_of(scope).status is None:
                response = error_response(scope, 500, "internal_error", INTERNAL)
                await response(scope, receive, send)

"""One line for each request."""

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.context import context_of

log = structlog.get_logger("server.access")

QUIET = frozenset({"/health", "/metrics"})  # asked every few seconds by machines
LONGEST_PATH = 200
CLIENT_WENT_AWAY = 499  # no status was sent; this is how proxies write it down


class AccessLog:
    """Logs method, path, status and milliseconds; never the query string or a body.

    The path is the route's template, so that names of users in it stay out of the log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status: int | None = None

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            _write(scope, status)


def _write(scope: Scope, status: int | None) -> None:
    context, path = context_of(scope), _path(scope)
    write = log.debug if path in QUIET else log.info
    write(
        "request",
        method=scope["method"],
        path=path,
        status=CLIENT_WENT_AWAY if context.disconnected else status,
        ms=round((time.monotonic() - context.started) * 1000, 1),
        **({"component": context.component} if context.component else {}),
    )


def _path(scope: Scope) -> str:
    route = scope.get("route")
    return str(getattr(route, "path", scope["path"]))[:LONGEST_PATH]

"""One line for each request, which is also counted."""

import time

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from server.context import RequestContext, context_of
from server.metrics import Metrics

log = structlog.get_logger("server.access")

QUIET = frozenset({"/health", "/ready", "/metrics"})  # asked every few seconds by machines
LONGEST_PATH = 200


class AccessLog:
    """Logs method, path, status and milliseconds; never the query string or a body.

    The path is the route's template, so that names of users in it stay out of the log.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            context = context_of(scope)
            seconds = time.monotonic() - context.started
            self._metrics.ended(scope["path"], context, seconds)
            _write(scope, context, seconds)


def _write(scope: Scope, context: RequestContext, seconds: float) -> None:
    path = _path(scope)
    write = log.debug if path in QUIET else log.info
    write(
        "request",
        method=scope["method"],
        path=path,
        status=context.outcome,
        ms=round(seconds * 1000, 1),
        **({"component": context.component} if context.component else {}),
    )


def _path(scope: Scope) -> str:
    route = scope.get("route")
    if route is not None:
        return str(route.path)
    # Refused before a route was found: what follows the first part may name a user.
    first, _, rest = scope["path"].removeprefix("/").partition("/")
    return f"/{first[:LONGEST_PATH]}" + ("/…" if rest else "")

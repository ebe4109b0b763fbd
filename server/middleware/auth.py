"""Nobody without a key gets past here, nor has a body read."""

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.context import context_of
from server.errors import error_response
from server.keys import Keys
from server.limiter import Limiter
from server.metrics import Metrics
from server.unread import answer_unread

log = structlog.get_logger(__name__)

HEADER = "X-API-Key"


class Auth:
    """Asks for `X-API-Key` or `Authorization: Bearer`, except on `open_paths` with GET or HEAD.

    Wrong keys are counted per address, and beyond the limit answered with 429. A right key is
    served whatever was counted: the address may be shared with the one who guesses.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: Keys,
        failures: Limiter,
        *,
        open_paths: frozenset[str],
        metrics: Metrics,
    ) -> None:
        self.app = app
        self._keys = keys
        self._failures = failures
        self._open_paths = open_paths
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = _sent(scope)
        caller = None if sent is None else self._keys.match(sent.encode("latin-1"))
        context_of(scope).caller = caller
        wait = None
        if sent is not None and caller is None:
            self._metrics.auth_failure("wrong")
            wait = await self._failures.hit(_address(scope))
        if caller is not None or self._is_open(scope):
            await self.app(scope, receive, send)
        else:
            if sent is None:
                self._metrics.auth_failure("missing")
            await self._refuse(scope, receive, send, wait)

    def _is_open(self, scope: Scope) -> bool:
        return scope["method"] in ("GET", "HEAD") and scope["path"] in self._open_paths

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, wait: int | None) -> None:
        if wait is None:
            response = error_response(
                scope,
                401,
                "unauthorized",
                f"send your key in the header {HEADER}",
                {"WWW-Authenticate": "ApiKey"},
            )
        else:
            log.warning("too many wrong keys", address=_address(scope))
            detail = f"too many wrong keys from this address; try again in {wait} s"
            response = error_response(
                scope, 429, "too_many_wrong_keys", detail, {"Retry-After": str(wait)}
            )
        await answer_unread(response, scope, receive, send)


def _sent(scope: Scope) -> str | None:
    headers = Headers(scope=scope)
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if HEADER not in headers and scheme.lower() == "bearer":
        return token.strip()
    return headers.get(HEADER)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"

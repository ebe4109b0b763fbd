"""So many requests a key, and no more."""

from starlette.types import ASGIApp, Receive, Scope, Send

from server.context import context_of
from server.errors import error_response
from server.limiter import Limiter
from server.unread import answer_unread


class RateLimit:
    """Counts the requests of each key, not of each address: the orchestrator is one address.

    What is open to everyone is not counted.
    """

    def __init__(self, app: ASGIApp, limiter: Limiter, open_paths: frozenset[str]) -> None:
        self.app = app
        self._limiter = limiter
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait = None
        if scope["type"] == "http" and scope["path"] not in self._open_paths:
            wait = await self._limiter.hit(context_of(scope).caller or "")
        if wait is None:
            await self.app(scope, receive, send)
            return
        detail = f"the rate limit of this key is reached; try again in {wait} s"
        headers = {"Retry-After": str(wait)}
        response = error_response(scope, 429, "rate_limited", detail, headers)
        await answer_unread(response, scope, receive, send)

"""So many requests a key, and no more."""

from starlette.types import ASGIApp, Receive, Scope, Send

from server.context import context_of
from server.errors import error_response
from server.limiter import Limiter
from server.unread import answer_unread


class RateLimit:
    """Counts the requests of each key, not of each address: the orchestrator is one address.

    What comes without a key is not counted, nor what machines ask every few seconds.
    """

    def __init__(self, app: ASGIApp, limiter: Limiter, uncounted: frozenset[str]) -> None:
        self.app = app
        self._limiter = limiter
        self._uncounted = uncounted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait = None
        if scope["type"] == "http" and scope["path"] not in self._uncounted:
            caller = context_of(scope).caller
            wait = None if caller is None else await self._limiter.hit(caller)
        if wait is None:
            await self.app(scope, receive, send)
            return
        detail = f"the rate limit of this key is reached; try again in {wait} s"
        headers = {"Retry-After": str(wait)}
        response = error_response(scope, 429, "rate_limited", detail, headers)
        await answer_unread(response, scope, receive, send)

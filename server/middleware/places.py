"""No run for which there is no place has its body read."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from server.context import context_of
from server.errors import ApiError, error_response
from server.gate import Gate
from server.unread import answer_unread


class Places:
    """Refuses runs while the gate is closed; `paths` gives the component of each run's path.

    A refusal is to cost little: whoever is refused comes again soon. A run looks at the gate once
    more when its body has come.
    """

    def __init__(self, app: ASGIApp, gate: Gate, paths: Mapping[str, str]) -> None:
        self.app = app
        self._gate = gate
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        component = self._paths.get(scope["path"]) if scope["type"] == "http" else None
        if component is None or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        try:
            self._gate.check()
        except ApiError as error:
            context_of(scope).component = component
            parts = error.status, error.error, error.detail, error.headers
            await answer_unread(error_response(scope, *parts), scope, receive, send)
        else:
            await self.app(scope, receive, send)

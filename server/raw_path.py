"""Paths that carry names of users, whatever characters those have."""

from urllib.parse import unquote

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope


class RawPathRoute(APIRoute):
    """Matches the path as it was sent, and decodes each parameter by itself.

    So a parameter may hold any character, percent-encoded: `%2F` in it separates nothing.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        sent: bytes | None = scope.get("raw_path")
        if sent is None:
            return super().matches(scope)
        match, found = super().matches({**scope, "path": sent.decode("ascii")})
        if "path_params" in found:
            params = found["path_params"].items()
            found["path_params"] = {name: _decoded(value) for name, value in params}
        return match, found


def _decoded(value: str) -> str:
    # What is no UTF-8 becomes halves of surrogate pairs, which validation refuses by name.
    return unquote(value, errors="surrogateescape")

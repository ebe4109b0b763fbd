"""What the server knows of the request in hand, shared by middlewares and routes."""

from dataclasses import dataclass

from starlette.types import Scope

FIRST_BYTE = "first_byte"
"""Where the state of a scope says when the request began, by the clock of `time.monotonic()`."""
CLIENT_WENT_AWAY = 499  # no status was sent; this is how proxies write it down


@dataclass(slots=True)
class RequestContext:
    """`started` and `deadline` are on the clock of `time.monotonic()`.

    `caller` stands for the key the caller proved to have: its digest, never the key itself.
    `status` is the one sent, and `error` the short name of the error answered, if one was;
    `failed_status` is what a stream would have had if its status had not been sent before the
    error. `body` is what was sent, until a route has read it.
    """

    request_id: str
    started: float
    deadline: float
    caller: str | None = None
    component: str | None = None
    disconnected: bool = False
    status: int | None = None
    error: str | None = None
    failed_status: int | None = None
    body: bytes | bytearray = b""

    @property
    def outcome(self) -> int | None:
        """The status that tells how the request ended; of a caller that went away, 499."""
        return CLIENT_WENT_AWAY if self.disconnected else self.failed_status or self.status

    def take_body(self) -> bytes | bytearray:
        """The body, which is not kept any longer here."""
        body, self.body = self.body, b""
        return body


def attach(scope: Scope, context: RequestContext) -> None:
    scope.setdefault("state", {})["context"] = context


def context_of(scope: Scope) -> RequestContext:
    """The context attached by the outermost middleware."""
    context: RequestContext = scope["state"]["context"]
    return context

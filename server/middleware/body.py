"""The whole body, up to a size, before anything works on it."""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.context import context_of
from server.errors import ApiError, error_response
from server.unread import answer_unread

SILENCE_SECONDS = 10.0  # without a byte of a body that has not ended
SMALL = 64 * 1024  # bytes of each body that are not counted among those of all
LARGEST_AT_ONCE = 8  # bodies of the largest size
RETRY_AFTER = 1
CLOSE = {"Connection": "close"}  # the rest of the body would be taken for the next request


class _WentAway(Exception):
    pass


class Body:
    """Reads the body into the request's context.

    Bytes are counted as they come, so that neither a false nor a missing Content-Length matters:
    those of each body, and those of all requests that are not answered yet. A body is not waited
    for beyond the deadline, nor where nothing of it comes for a while.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self._limit = limit
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        context, body = context_of(scope), bytearray()
        try:
            await self._read(body, receive, context.deadline)
        except _WentAway:
            context.disconnected = True
        except ApiError as refused:
            self._forget(body)
            response = error_response(
                scope, refused.status, refused.error, refused.detail, refused.headers
            )
            await answer_unread(response, scope, receive, send)
        else:
            context.body = body
            await self.app(scope, receive, send)
        finally:
            self._forget(body)

    def _forget(self, body: bytearray) -> None:
        self._held -= _beyond_small(len(body))
        body.clear()

    async def _read(self, body: bytearray, receive: Receive, deadline: float) -> None:
        more = True
        while more:
            message = await _next(receive, deadline)
            if message["type"] == "http.disconnect":
                raise _WentAway
            part = message.get("body", b"")
            before = len(body)
            body += part
            self._held += _beyond_small(len(body)) - _beyond_small(before)
            if len(body) > self._limit:
                detail = f"the body is larger than {self._limit} bytes"
                raise ApiError(413, "body_too_large", detail)
            if len(body) > SMALL and self._held > LARGEST_AT_ONCE * self._limit:
                detail = f"too many large bodies at once; try again in {RETRY_AFTER} s"
                raise ApiError(503, "at_capacity", detail, {"Retry-After": str(RETRY_AFTER)})
            more = message.get("more_body", False)


async def _next(receive: Receive, deadline: float) -> Message:
    left = deadline - time.monotonic()
    try:
        async with asyncio.timeout(min(left, SILENCE_SECONDS)):
            return await receive()
    except TimeoutError:
        if left > SILENCE_SECONDS:
            detail = f"nothing of the body came for {SILENCE_SECONDS:.0f} s"
            raise ApiError(408, "body_timeout", detail, CLOSE) from None
        detail = "the body did not arrive before the deadline"
        raise ApiError(504, "deadline_passed", detail, CLOSE) from None


def _beyond_small(size: int) -> int:
    return max(0, size - SMALL)

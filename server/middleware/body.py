"""The whole body, up to a size, before anything works on it."""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.context import context_of
from server.errors import error_response
from server.unread import answer_unread


class _TooLarge(Exception):
    pass


class _WentAway(Exception):
    pass


class Body:
    """Reads the body and hands it on as one message.

    Bytes are counted as they come, so that neither a false nor a missing Content-Length matters.
    A body that is not there by the deadline is not waited for.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        context = context_of(scope)
        try:
            async with asyncio.timeout(context.deadline - time.monotonic()):
                body = await self._read(receive)
        except _WentAway:
            context.disconnected = True
        except _TooLarge:
            detail = f"the body is larger than {self._limit} bytes"
            response = error_response(scope, 413, "body_too_large", detail)
            await answer_unread(response, scope, receive, send)
        except TimeoutError:
            detail = "the body did not arrive before the deadline"
            response = error_response(scope, 504, "deadline_passed", detail)
            await answer_unread(response, scope, receive, send)
        else:
            await self.app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _WentAway
            body += message.get("body", b"")
            if len(body) > self._limit:
                raise _TooLarge
            more = message.get("more_body", False)
        return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again

"""Answers to requests whose body is not wanted."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

SOON_READ = 64 * 1024  # bytes that are read to their end, so that the connection can serve on
LINGER_SECONDS = 5.0


async def answer_unread(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer before the body has come. The connection of a long or endless one is closed.

    That waits for the body a while: closed with more of it on its way, the connection would be
    reset, which can take the answer from a caller that has not read it yet.
    """
    if not _may_be_long(scope):
        await response(scope, receive, send)
        return
    response.headers["Connection"] = "close"

    async def send_without_end(message: Message) -> None:
        is_body = message["type"] == "http.response.body"
        await send({**message, "more_body": True} if is_body else message)

    await response(scope, receive, send_without_end)
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            await _drop_body(receive)
    await send({"type": "http.response.body", "body": b""})


def _may_be_long(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    told = headers.get("Content-Length", "0")
    return "Transfer-Encoding" in headers or not told.isdigit() or int(told) > SOON_READ


async def _drop_body(receive: Receive) -> None:
    more = True
    while more:
        message = await receive()
        more = message["type"] == "http.request" and message.get("more_body", False)

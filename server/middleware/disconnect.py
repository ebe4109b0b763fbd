"""A caller that goes away takes its run with it."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.context import context_of


class CancelOnDisconnect:
    """Cancels the run of a component, down to its model call, when its caller disconnects.

    Stands inside `Body`: the first message it receives is the whole body.
    """

    def __init__(self, app: ASGIApp, paths: frozenset[str]) -> None:
        self.app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self.app(scope, receive, send)
            return
        body = await receive()
        gone = asyncio.ensure_future(_disconnect(receive))
        run = asyncio.ensure_future(self.app(scope, _body_then(body, gone), send))
        try:
            await asyncio.wait((run, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(run, gone)
        if run.cancelled():
            context_of(scope).disconnected = True
        else:
            run.result()


async def _end(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _body_then(body: Message, gone: asyncio.Future[None]) -> Receive:
    waiting = [body]

    async def receive() -> Message:
        if not waiting:
            await asyncio.wait((gone,))
            return {"type": "http.disconnect"}
        return waiting.pop()

    return receive

"""A caller that goes away takes its run with it."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from server.context import context_of


class CancelOnDisconnect:
    """Cancels the run of a component, down to its model call, when its caller disconnects.

    Stands inside `Body`: what can still be received is the disconnection alone.
    """

    def __init__(self, app: ASGIApp, paths: frozenset[str]) -> None:
        self.app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self.app(scope, receive, send)
            return
        gone = asyncio.ensure_future(_disconnect(receive))
        run = asyncio.ensure_future(self.app(scope, receive, send))
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

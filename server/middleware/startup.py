"""A start that fails ends with one line instead of a traceback."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class StartupError(Exception):
    """The miner cannot start. The message is the line that the operator reads."""


class OneLineStartup:
    """Turns a `StartupError` out of the lifespan into ASGI's `lifespan.startup.failed`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        failures: list[Message] = []

        async def hold_failure(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                failures.append(message)  # its text is a traceback
            else:
                await send(message)

        try:
            await self.app(scope, receive, hold_failure)
        except StartupError as error:
            await send({"type": "lifespan.startup.failed", "message": f"cannot start: {error}"})
        except BaseException:
            for message in failures:
                await send(message)
            raise

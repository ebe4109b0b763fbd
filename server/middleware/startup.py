"""A start that fails ends with one line instead of a traceback."""

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)

FAILED = ("lifespan.startup.failed", "lifespan.shutdown.failed")


class StartupError(Exception):
    """The miner cannot start. The message is the line that the operator reads."""


class OneLineStartup:
    """Tells the server of a failed lifespan without the traceback that the framework adds.

    Of an unforeseen error the log gets type and places.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        failed = FAILED[0]

        async def hold_failure(message: Message) -> None:
            nonlocal failed
            if message["type"] in FAILED:
                failed = message["type"]
            else:
                await send(message)

        try:
            await self.app(scope, receive, hold_failure)
        except StartupError as error:
            await send({"type": failed, "message": f"cannot start: {error}"})
        except Exception as error:
            log.error("start or shutdown failed", exc_info=error)
            await send({"type": failed, "message": ""})

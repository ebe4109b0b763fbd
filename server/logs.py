"""Logging: one format for our lines and those of the libraries, and nothing secret in any.

Libraries stay at warnings whatever the level, because their finer lines hold addresses, bodies
and headers. A traceback is logged as types and places, without the exceptions' messages and
without local variables: both may quote a prompt.
"""

import logging
import sys
import time
import traceback
from typing import IO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from settings import Settings

OURS = ("server", "graphs", "nodes", "memory", "tools", "run", "__main__")
SAID_BETTER_BY_US = (
    "Application startup failed. Exiting.",
    "ASGI callable returned without completing response.",
)
OF_NO_CONCERN = (
    # Of requests that are answered without the upgrade they offered.
    "Unsupported upgrade request.",
    "No supported WebSocket library detected.",
)
TOLD_AGAIN = 60.0  # seconds between two lines of the same warning
OF_THE_MOMENT = frozenset({"request_id", "timestamp"})
MOST_KINDS = 1000


class _Stderr(logging.StreamHandler[IO[str]]):
    """Writes to whatever `sys.stderr` is at the time of the line."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> IO[str]:  # type: ignore[override]  # an attribute of its base
        return sys.stderr


class Seldom(logging.Filter):
    """Lets a warning through when it first comes, and then once in `seconds`.

    What differs only in the request and the time is the same; how often it was not logged is told
    as `unsaid`. Errors are all let through.
    """

    def __init__(self, seconds: float = TOLD_AGAIN) -> None:
        super().__init__()
        self._seconds = seconds
        self._told: dict[object, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        kind, now = _kind(record), time.monotonic()
        at, unsaid = self._told.get(kind, (float("-inf"), 0))
        if now - at < self._seconds:
            self._told[kind] = at, unsaid + 1
            return False
        if len(self._told) >= MOST_KINDS:
            self._told.clear()
        self._told[kind] = now, 0
        if unsaid and isinstance(record.msg, dict):
            record.msg["unsaid"] = unsaid
        return True


def _kind(record: logging.LogRecord) -> object:
    if not isinstance(record.msg, dict):
        return record.name, record.msg
    return frozenset(
        (name, str(value)) for name, value in record.msg.items() if name not in OF_THE_MOMENT
    )


def configure(settings: Settings) -> None:
    """Route structlog and the standard library's loggers to stderr. Calling it again replaces."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _places_only,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _route(_formatter(settings, shared), settings.log_level.upper())


def _formatter(settings: Settings, shared: list[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _renderer(settings),
        ],
    )


def _renderer(settings: Settings) -> Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _route(formatter: logging.Formatter, level: str) -> None:
    handler = _Stderr()
    handler.setFormatter(formatter)
    handler.addFilter(_is_news)
    handler.addFilter(Seldom())
    root = logging.getLogger()
    # A plain handler is what a library leaves there that calls logging.basicConfig on import.
    for old in [old for old in root.handlers if type(old) in (_Stderr, logging.StreamHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level)


def _is_news(record: logging.LogRecord) -> bool:
    if record.name != "uvicorn.error":
        return True
    return not str(record.msg).startswith(SAID_BETTER_BY_US + OF_NO_CONCERN)


def _places_only(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    error = _exception(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = _places(error)
    return event


def _exception(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        error = exc_info[1]
        return error if isinstance(error, BaseException) else None
    return sys.exception() if exc_info else None


def _places(error: BaseException) -> str:
    lines: list[str] = []
    link: BaseException | None = error
    while link is not None:
        kind = f"{type(link).__module__}.{type(link).__qualname__}"
        lines.append(f"{kind}\n{''.join(traceback.format_tb(link.__traceback__))}".rstrip())
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\nafter ".join(lines)

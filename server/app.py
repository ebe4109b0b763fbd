"""The application: what stands in which order around the routes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from graphs.registry import Machines
from memory.errors import MemoryStoreError
from nodes.errors import MinerError
from nodes.miner import Miner
from server import (
    __version__,
    backup,
    chat,
    components,
    docs,
    errors,
    logs,
    metrics,
    openapi,
    service,
    tracing,
    user_data,
)
from server.draining import draining_on_signal
from server.gate import Gate
from server.health import Health
from server.keys import Keys
from server.limiter import Limiter
from server.metrics import Metrics
from server.middleware.access_log import AccessLog
from server.middleware.auth import Auth
from server.middleware.body import Body
from server.middleware.disconnect import CancelOnDisconnect
from server.middleware.last_resort import LastResort
from server.middleware.rate_limit import RateLimit
from server.middleware.request_context import RequestContextMiddleware
from server.middleware.startup import OneLineStartup, StartupError
from server.wire.chat import ChatCompletionChunk, ChatRequest
from server.wire.parse import FORMS
from settings import Settings, SettingsError

PATIENCE = 0.1  # of the deadline, which a run may wait for its place
UNCOUNTED = frozenset({"/health", "/ready", *docs.PATHS})
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The miner as an ASGI application; nothing is opened before its lifespan.

    Without `settings` they are read from the environment and `.env`; a wrong one ends the
    process with its one-line message. Sets up logging for the process.
    """
    if settings is not None:
        return _assembled(settings)
    try:
        return _assembled(Settings.load())
    except SettingsError as error:
        raise SystemExit(f"cannot start: {error}") from None


def _assembled(settings: Settings) -> FastAPI:
    logs.configure(settings)
    guards = _guards(settings)
    shown = docs.PATHS if settings.docs_enabled else ()
    open_paths = frozenset({"/health", "/ready", "/capabilities", *shown})
    app = FastAPI(
        title="Playbook Miner",
        version=__version__,
        lifespan=_lifespan(settings, guards),
        middleware=_middleware(settings, guards, open_paths),
        docs_url=None,
        redoc_url=None,
        openapi_url=docs.SCHEMA if settings.docs_enabled else None,
        redirect_slashes=False,
        # The spans and logs of its own hold whole paths, and so the names of users.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        generate_unique_id_function=lambda route: route.name,
    )
    errors.install(app)
    app.include_router(components.router())
    for routes in (
        chat.routes,
        service.routes,
        metrics.routes,
        user_data.routes,
        backup.routes,
    ):
        app.include_router(routes)
    if settings.docs_enabled:
        app.router.routes.extend(docs.routes)
    openapi.install(app, FORMS, [*user_data.BODIES, ChatRequest, ChatCompletionChunk], open_paths)
    return app


@dataclass(frozen=True, slots=True)
class _Guards:
    """What counts across requests."""

    gate: Gate
    wrong_keys: Limiter
    requests: Limiter
    metrics: Metrics


def _guards(settings: Settings) -> _Guards:
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    metrics = Metrics()
    return _Guards(
        Gate(settings.max_concurrency, PATIENCE * settings.deadline_seconds, metrics),
        Limiter("wrong-keys", settings.auth_failure_limit, redis_url),
        Limiter("requests", settings.rate_limit, redis_url),
        metrics,
    )


def _middleware(
    settings: Settings, guards: _Guards, open_paths: frozenset[str]
) -> list[Middleware]:
    """From the outermost inwards: the cheap refusals come before the body is read."""
    runs = frozenset({chat.PATH, *(f"/{component}" for component in FORMS)})
    origins = settings.origins
    cors = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["X-Request-ID", "Retry-After", *openapi.HEADERS],
    )
    return [
        Middleware(OneLineStartup),
        Middleware(RequestContextMiddleware, settings.deadline_seconds),
        Middleware(AccessLog, guards.metrics),
        *([cors] if origins else []),
        Middleware(LastResort),
        Middleware(
            Auth,
            Keys(settings.api_keys),
            guards.wrong_keys,
            open_paths=open_paths,
            metrics=guards.metrics,
        ),
        *([Middleware(tracing.Tracing)] if tracing.wanted() else []),
        Middleware(RateLimit, guards.requests, UNCOUNTED),
        Middleware(Body, settings.max_body_bytes),
        Middleware(CancelOnDisconnect, runs),
    ]


def _lifespan(settings: Settings, guards: _Guards) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with (
            aclosing(guards.wrong_keys),
            aclosing(guards.requests),
            tracing.exporting(settings),
            _opened(settings) as miner,
            Health.open(miner) as health,
        ):
            miner.conversations.on_loss = guards.metrics.not_remembered.inc
            with draining_on_signal(guards.gate):
                yield {
                    "miner": miner,
                    "machines": Machines(miner),
                    "health": health,
                    "metrics": guards.metrics,
                    "gate": guards.gate,
                }

    return lifespan


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Miner]:
    async with AsyncExitStack() as stack:
        try:
            miner = await stack.enter_async_context(Miner.open(settings))
        except (MinerError, MemoryStoreError, OSError) as error:
            raise StartupError(str(error)) from None
        yield miner

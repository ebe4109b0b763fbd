"""Traces for OpenTelemetry, where the environment names who collects them.

`OTEL_EXPORTER_OTLP_ENDPOINT` and the other standard variables say where to and how much. The
packages are those of `requirements-tracing.txt`.
"""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import structlog
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.context import RequestContext, context_of
from settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = structlog.get_logger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
FLUSH_SECONDS = 5.0  # for the last spans, which a collector that is down must not hold up longer
SERVER_FAULTS = 500


def wanted() -> bool:
    """Whether the environment names a collector, and does not switch traces off."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    none = os.environ.get("OTEL_TRACES_EXPORTER", "otlp") == "none"
    return _first(ENDPOINTS, "") != "" and not off and not none


@asynccontextmanager
async def exporting(settings: Settings) -> AsyncIterator[None]:
    """Send the spans of the block to the collector, if one is wanted and the packages are there."""
    provider = _provider(settings.miner_name) if wanted() else None
    if provider is None:
        yield
        return
    trace.set_tracer_provider(provider)
    # A line for each batch that is lost, and not for each try.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
    try:
        yield
    finally:
        flush = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
        flush.start()
        await asyncio.to_thread(flush.join, FLUSH_SECONDS)


class Tracing:
    """A span for each request that came with a key; it goes on with the trace of its caller."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._tracer = trace.get_tracer("playbook_miner")
        self._w3c = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or context_of(scope).caller is None:
            await self.app(scope, receive, send)
            return
        with self._tracer.start_as_current_span(
            scope["method"],
            self._w3c.extract(Headers(scope=scope)),
            trace.SpanKind.SERVER,
            record_exception=False,  # its words may quote a prompt
            set_status_on_exception=False,
        ) as span:
            try:
                await self.app(scope, receive, send)
            finally:
                _tell(span, scope, context_of(scope))


def _tell(span: trace.Span, scope: Scope, context: RequestContext) -> None:
    """How the request ended. The path is the route's template, which names no user."""
    path = getattr(scope.get("route"), "path", "")
    span.update_name(f"{scope['method']} {path}".rstrip())
    span.set_attributes(
        {
            "http.request.method": scope["method"],
            "http.route": path,
            "http.response.status_code": context.outcome or SERVER_FAULTS,
            "playbook_miner.request_id": context.request_id,
        }
    )
    if (context.outcome or SERVER_FAULTS) >= SERVER_FAULTS:
        span.set_status(trace.StatusCode.ERROR)
        span.set_attribute("error.type", context.error or "internal_error")


def _provider(name: str) -> "TracerProvider | None":
    protocol = _first(PROTOCOLS, "http/protobuf").partition("/")[0]
    found = entry_points(group="opentelemetry_traces_exporter", name=f"otlp_proto_{protocol}")
    if not found:
        log.warning("no traces: pip install -r requirements-tracing.txt", protocol=protocol)
        return None
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.name": name}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(found[f"otlp_proto_{protocol}"].load()()))
    return provider


def _first(names: Sequence[str], otherwise: str) -> str:
    return next((value for name in names if (value := os.environ.get(name))), otherwise)

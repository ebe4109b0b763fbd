"""Spans of a run by OpenTelemetry's API, which keeps none where the server exports none.

They carry names and counts, no prompts and answers, nor an error's words, which may quote them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    SpanKind,
    StatusCode,
    get_current_span,
    get_tracer,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

tracer = get_tracer("playbook_miner")
W3C = TraceContextTextMapPropagator()


@contextmanager
def span(name: str, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """A span around a block of a request that is traced; of an error that leaves it, the type."""
    if not get_current_span().is_recording():
        yield INVALID_SPAN
        return
    with tracer.start_as_current_span(
        name, kind=kind, record_exception=False, set_status_on_exception=False
    ) as opened:
        try:
            yield opened
        except BaseException as error:
            opened.set_status(StatusCode.ERROR)
            opened.set_attribute("error.type", type(error).__qualname__)
            raise


def headers() -> dict[str, str]:
    """What tells another server which span it works for; empty outside of any."""
    told: dict[str, str] = {}
    W3C.inject(told)
    return told

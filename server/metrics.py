"""What Prometheus is told: counts and times of requests and runs, and how much is remembered.

Where several worker processes serve, they count in files of one folder, named by the environment
before they start (`shared_by_workers`), and whichever of them is asked tells the sums.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from graphs.registry import COMPONENTS
from nodes.miner import ModelInfo
from nodes.state import Call, Result
from server.context import RequestContext
from server.health import Health, Snapshot
from settings import SettingsError

PREFIX = "playbook_miner"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 25, 30, 60)
# Label values are ours alone: what a caller can choose would make ever new series.
OTHER_PATHS = "other"
COMPONENT_OF: Mapping[str, str] = {f"/{component}": component for component in COMPONENTS}
PARTS = frozenset({"playbook", "history"})
OTHER_PARTS = "material"


class Metrics:
    """The metrics of one application.

    Raises `SettingsError` where the folder that the environment names does not exist.
    """

    def __init__(self) -> None:
        # A further series for each, of no use in this format.
        disable_created_metrics()
        self._folder = _folder()
        self._registry = CollectorRegistry()
        self._requests = self._counter(
            "requests", "Requests answered, or left by their caller (499)", "component", "status"
        )
        self._request_seconds = self._histogram(
            "request_duration_seconds", "From first byte to last", "component", "status"
        )
        self._errors = self._counter(
            "errors", "Answers in the error form", "component", "error", "status"
        )
        self._auth_failures = self._counter(
            "auth_failures", "Requests with a key missing or wrong", "reason"
        )
        self.in_flight = Gauge(
            f"{PREFIX}_in_flight_runs",
            "Runs of components in work",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._node_seconds = self._histogram(
            "node_duration_seconds", "Steps of runs that gave a result", "component", "node"
        )
        self._calls = self._counter(
            "model_calls", "Answered model calls of runs that gave a result", "node", "provider"
        )
        self._addresses = self._counter(
            "backend_calls", "Of these calls: by the address that answered", "provider", "address"
        )
        self._call_seconds = self._histogram(
            "model_call_duration_seconds", "Of the calls counted in model_calls", "provider"
        )
        self._tokens = self._counter(
            "model_tokens",
            "Of these calls: prompt_cached and prompt_new make up the prompt",
            "provider",
            "kind",
        )
        self._retries = self._counter(
            "model_retries", "Failed attempts before these calls", "provider"
        )
        self._other_backend = self._counter(
            "fallback_model_calls", "Calls that another backend than the first answered", "provider"
        )
        self._fallbacks = self._counter(
            "fallbacks", "Runs where something stood in for the planned way", "component", "kind"
        )
        self._deadline_stops = self._counter(
            "deadline_stops", "Results that the deadline cut short", "component"
        )
        self._truncations = self._counter(
            "truncations", "Results that end before their end", "component", "reason"
        )
        self._cuts = self._counter(
            "prompt_cuts", "Parts of prompts shortened to fit the window", "component", "part"
        )
        self.not_remembered = Counter(
            f"{PREFIX}_not_remembered",
            "Answered requests that could not be kept in their conversation",
            registry=self._registry,
        )

        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """A rate counts from the first value seen: of these the first event must not be lost."""
        for reason in ("missing", "wrong"):
            self._auth_failures.labels(reason)
        for component in COMPONENTS:
            self._requests.labels(component, "200")
            self._deadline_stops.labels(component)

    def ended(self, path: str, context: RequestContext, seconds: float) -> None:
        """A request is over, `seconds` after it began."""
        component = context.component or COMPONENT_OF.get(path, OTHER_PATHS)
        told = "none" if context.outcome is None else str(context.outcome)
        self._requests.labels(component, told).inc()
        self._request_seconds.labels(component, told).observe(seconds)
        if context.error is not None:
            self._errors.labels(component, context.error, told).inc()

    def auth_failure(self, reason: Literal["missing", "wrong"]) -> None:
        self._auth_failures.labels(reason).inc()

    def ran(self, component: str, result: Result, first: ModelInfo) -> None:
        """A run gave a result; `first` is the backend that is asked first."""
        for timing in result.timings:
            self._node_seconds.labels(component, timing.node).observe(timing.seconds)
        for call in result.calls:
            self._called(call, first)
        for fallback in result.fallbacks:
            self._fallbacks.labels(component, fallback).inc()
        if result.stopped_by_deadline:
            self._deadline_stops.labels(component).inc()
        if result.truncated:
            self._truncations.labels(component, result.truncated).inc()
        for part in parts_named(result.cut):
            self._cuts.labels(component, part).inc()

    def _called(self, call: Call, first: ModelInfo) -> None:
        self._calls.labels(call.node, call.provider).inc()
        self._addresses.labels(call.provider, call.address).inc()
        self._call_seconds.labels(call.provider).observe(call.seconds)
        self._retries.labels(call.provider).inc(call.retries)
        new = max(0, call.prompt_tokens - call.cached_tokens)
        self._tokens.labels(call.provider, "prompt_new").inc(new)
        self._tokens.labels(call.provider, "prompt_cached").inc(call.cached_tokens)
        self._tokens.labels(call.provider, "completion").inc(call.completion_tokens)
        if (call.provider, call.model) != (first.provider, first.model):
            self._other_backend.labels(call.provider).inc()

    def text(self, snapshot: Snapshot) -> bytes:
        """All metrics in Prometheus's text format. Reads files: call it in a thread."""
        if self._folder is None:
            return generate_latest(self._registry) + generate_latest(_stores(snapshot))
        _forget_the_dead(self._folder)
        shared = CollectorRegistry()
        MultiProcessCollector(shared, str(self._folder))
        return generate_latest(shared) + generate_latest(_stores(snapshot))

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        return Histogram(
            f"{PREFIX}_{name}", meaning, labels, buckets=SECONDS, registry=self._registry
        )


routes = APIRouter(tags=["the miner itself"])


@routes.head("/metrics", include_in_schema=False)
@routes.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> PlainTextResponse:
    """Prometheus's text format. Sizes of the stores are those of the last look at them."""
    counted: Metrics = request.state.metrics
    health: Health = request.state.health
    text = await asyncio.to_thread(counted.text, health.snapshot())
    return PlainTextResponse(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)


@contextmanager
def shared_by_workers() -> Iterator[None]:
    """Let the worker processes that start within the block count together.

    Each must be a fresh process, not a fork: the library reads the environment as it is imported.
    """
    with tempfile.TemporaryDirectory(prefix="playbook-miner-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


def parts_named(cut: Iterable[str]) -> list[str]:
    """Parts of a prompt by names that are ours: some carry what the caller called an output."""
    return [part if part in PARTS else OTHER_PARTS for part in cut]


def _folder() -> Path | None:
    named = os.environ.get(FOLDER)
    if named is None:
        return None
    if not Path(named).is_dir():
        raise SettingsError(f"{FOLDER}={named!r} is wrong: there is no such folder")
    return Path(named)


def _stores(snapshot: Snapshot) -> CollectorRegistry:
    """What the last look found; what is not known is left out."""
    registry = CollectorRegistry()
    registry.register(_Stores(snapshot))
    return registry


@dataclass(frozen=True, eq=False)
class _Stores:
    snapshot: Snapshot

    def collect(self) -> Iterator[Metric]:
        found = {
            "playbook_entries": ("Entries of all playbooks", self.snapshot.playbook_entries),
            "conversations": ("Conversations remembered", self.snapshot.conversations),
            "memory_available": ("Whether the stores answer", self.snapshot.memory_available),
            "llm_available": ("Whether the LLM backend answers", self.snapshot.llm_available),
        }
        for name, (meaning, value) in found.items():
            if value is not None:
                yield GaugeMetricFamily(f"{PREFIX}_{name}", meaning, value=float(value))


def _forget_the_dead(folder: Path) -> None:
    """A worker that was killed has no runs in work any more; what it counted stays."""
    for path in folder.glob("gauge_live*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not _alive(pid):
            mark_process_dead(pid, str(folder))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

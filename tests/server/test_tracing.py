"""Traces, as a collector gets them over OTLP."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from running_miner import COMPLETE, KEY, client_of, miner_process, miner_settings
from scripted import Scripted, Status

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ASKED = {**COMPLETE, "cid": "ann-of-the-traces"}
PARENT = {"traceparent": f"00-{TRACE}-{CALLER}-01"}


class Collector:
    """What came at `/v1/traces`, and the resource that it came from."""

    def __init__(self) -> None:
        self.raw = b""
        self.spans: list[Span] = []
        self.services: set[str] = set()

    async def take(self, request: web.Request) -> web.Response:
        sent = await request.read()
        self.raw += sent
        for each in ExportTraceServiceRequest.FromString(sent).resource_spans:
            told = {pair.key: pair.value.string_value for pair in each.resource.attributes}
            self.services.add(told["service.name"])
            self.spans += [span for scope in each.scope_spans for span in scope.spans]
        return web.Response()

    def parents(self) -> list[tuple[str, str]]:
        """The spans of the caller's trace as they began: what each is in, and its name."""
        ours = [span for span in self.spans if span.trace_id.hex() == TRACE]
        names = {span.span_id: span.name for span in ours}
        ordered = sorted(ours, key=lambda span: span.start_time_unix_nano)
        return [(names.get(span.parent_span_id, ""), span.name) for span in ordered]


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    """A collector on loopback, which the environment names."""
    found, app = Collector(), web.Application()
    app.router.add_post("/v1/traces", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{site.port}")
    yield found
    await runner.cleanup()


def attributes(span: Span) -> dict[str, object]:
    values = {pair.key: pair.value for pair in span.attributes}
    return {key: value.string_value or value.int_value for key, value in values.items()}


async def test_a_request_is_one_trace_from_its_caller_to_the_backend(
    tmp_path: Path, backend: Scripted, collector: Collector
) -> None:
    backend.reply(Status(500), "Paris", "PASS")
    settings = miner_settings(tmp_path / "data", backend, complete_strategy="check")
    async with miner_process(settings) as miner:
        async with client_of(miner.address) as client, client_of(miner.address, None) as stranger:
            assert (await stranger.post("/complete", json=ASKED)).status_code == 401
            answer = await client.post("/complete", json=ASKED, headers=PARENT)
            assert answer.json()["response"] == "Paris"
            assert (await client.get(f"/playbook/{ASKED['cid']}")).status_code == 200
        miner.process.send_signal(signal.SIGTERM)
        assert await miner.ended() == -signal.SIGTERM
        assert "model call failed" in miner.logged()
    assert collector.parents() == [
        ("", "POST /complete"),
        ("POST /complete", "recall"),
        ("POST /complete", "draft"),
        ("draft", "chat scripted-model"),
        ("draft", "chat scripted-model"),
        ("POST /complete", "check"),
        ("check", "chat scripted-model"),
        ("POST /complete", "remember"),
    ]
    [other] = [span.name for span in collector.spans if span.trace_id.hex() != TRACE]
    assert other == "GET /playbook/{cid}"
    assert collector.services == {"playbook-miner"}
    spans = {span.name: span for span in collector.spans}
    asked = spans["POST /complete"]
    assert (asked.parent_span_id.hex(), asked.kind) == (CALLER, Span.SPAN_KIND_SERVER)
    assert attributes(asked)["http.response.status_code"] == 200
    assert attributes(asked)["playbook_miner.request_id"] == answer.headers["X-Request-ID"]
    calls = [span for span in collector.spans if span.name.startswith("chat ")]
    passed_on = [request.headers["traceparent"] for request in backend.requests]
    assert sorted(passed_on) == sorted(f"00-{TRACE}-{span.span_id.hex()}-01" for span in calls)
    errors = [attributes(span).get("error.type") for span in calls]
    assert sorted(errors, key=str) == ["BackendUnavailable", None, None]
    for secret in (KEY, *ASKED.values(), "Paris", "scripted error"):
        assert secret.encode() not in collector.raw


async def test_where_no_exporter_is_installed_a_line_says_so(
    tmp_path: Path, backend: Scripted, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "pigeon")
    backend.default("Paris")
    async with miner_process(miner_settings(tmp_path / "data", backend)) as miner:
        assert "pip install -r requirements-tracing.txt" in miner.logged()
        async with client_of(miner.address) as client:
            assert (await client.post("/complete", json=ASKED)).status_code == 200
    assert "traceparent" not in backend.requests[0].headers
    assert not collector.spans

"""What Prometheus is told, read with its official parser after known traffic."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from graphs.registry import COMPONENTS
from running_miner import COMPLETE, KEY, client_of, miner_settings, serving
from scripted import Hang, HangAfter, Held, Scripted, Status, Text, Truncated, tokens, until
from settings import SettingsError
from stores import chroma
from worker_processes import worker_processes

EVENTS = {"Accept": "text/event-stream"}
ALWAYS_THERE = (
    "requests",
    "request_duration_seconds",
    "errors",
    "auth_failures",
    "in_flight_runs",
    "node_duration_seconds",
    "model_calls",
    "backend_calls",
    "model_call_duration_seconds",
    "model_tokens",
    "model_retries",
    "fallback_model_calls",
    "fallbacks",
    "deadline_stops",
    "truncations",
    "prompt_cuts",
    "not_remembered",
)


class Scraped:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """The sample with exactly these labels; None if there is none."""
        return self._samples.get((f"playbook_miner_{name}", frozenset(labels.items())))

    @property
    def requests(self) -> float:
        """Requests of components, however they ended."""
        return sum(
            value
            for (name, labels), value in self._samples.items()
            if name == "playbook_miner_requests_total" and ("component", "other") not in labels
        )

    def labels(self, name: str) -> set[str]:
        """Every value of this label."""
        return {value for _, labels in self._samples for label, value in labels if label == name}


async def scrape(client: httpx.AsyncClient) -> Scraped:
    response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return Scraped(response.text)


async def scrape_until(client: httpx.AsyncClient, condition: Callable[[Scraped], bool]) -> Scraped:
    """The first scrape for which the condition holds.

    A request is counted when it is over, which its caller may see a moment earlier.
    """
    async with asyncio.timeout(20):
        while True:
            if condition(seen := await scrape(client)):
                return seen
            await asyncio.sleep(0.02)


async def scrape_after(client: httpx.AsyncClient, requests: int) -> Scraped:
    """A scrape that counts so many requests of components, however they ended."""
    return await scrape_until(client, lambda seen: seen.requests == requests)


@asynccontextmanager
async def miner(
    data_dir: Path, backend: Scripted, **settings: object
) -> AsyncIterator[httpx.AsyncClient]:
    with serving(miner_settings(data_dir, backend, **settings)) as address:
        async with client_of(address) as client:
            yield client


async def test_requests_nodes_calls_and_tokens_are_counted(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.reply(Text("Paris", cached_tokens=7), Status(500), "Paris it is", "Paris", "French.")
    backend.reply("2", "1")  # The revision, compared with the output in both orders.
    async with miner(tmp_path, backend) as client:
        for _ in range(2):
            assert (await client.post("/complete", json=COMPLETE)).status_code == 200
        streamed = await client.post("/complete", json=COMPLETE, headers=EVENTS)
        assert "event: result" in streamed.text
        assert (await client.post("/complete", json={**COMPLETE, "task": 7})).status_code == 422
        body = {**COMPLETE, "output": "Paris", "feedbacks": []}
        assert (await client.post("/refine", json=body)).status_code == 200
        seen = await scrape_after(client, 5)
    assert seen.value("requests_total", component="complete", status="200") == 3
    assert seen.value("requests_total", component="complete", status="422") == 1
    assert seen.value("requests_total", component="refine", status="200") == 1
    assert seen.value("requests_total", component="summary", status="200") == 0
    complete = {"component": "complete", "status": "200"}
    assert seen.value("request_duration_seconds_count", **complete) == 3
    assert seen.value("request_duration_seconds_bucket", **complete, le="+Inf") == 3
    assert 0 < (seen.value("request_duration_seconds_sum", **complete) or 0) < 60
    for node in ("recall", "draft", "remember"):
        ran = {"component": "complete", "node": node}
        assert seen.value("node_duration_seconds_count", **ran) == 3
    assert seen.value("node_duration_seconds_count", component="refine", node="rewrite") == 1
    assert seen.value("model_calls_total", node="draft", provider="vllm") == 3
    assert seen.value("model_calls_total", node="rewrite", provider="vllm") == 1
    address = urlsplit(backend.base_url).netloc
    assert seen.value("backend_calls_total", provider="vllm", address=address) == 6
    assert seen.value("model_call_duration_seconds_count", provider="vllm") == 6
    assert seen.value("model_retries_total", provider="vllm") == 1
    answered = [request for at, request in enumerate(backend.requests) if at != 1]
    asked = sum(len(tokens(request.prompt)) for request in answered)
    assert seen.value("model_tokens_total", provider="vllm", kind="prompt_cached") == 7
    assert seen.value("model_tokens_total", provider="vllm", kind="prompt_new") == asked - 7
    assert seen.value("model_tokens_total", provider="vllm", kind="completion") == 1 + 3 + 1 + 1 + 2


async def test_names_and_types_are_those_of_prometheus(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("Paris")
    await client.post("/complete", json=COMPLETE)
    seen = await scrape(client)
    assert {f"playbook_miner_{name}" for name in ALWAYS_THERE} <= set(seen.families)
    for name, family in seen.families.items():
        assert name.startswith("playbook_miner_")
        assert family.documentation
        assert family.type in ("counter", "gauge", "histogram")
        assert (family.type == "histogram") == name.endswith("_seconds")
        if family.type == "counter":
            assert {sample.name for sample in family.samples} <= {f"{name}_total"}


async def test_failures_are_counted_by_what_the_caller_was_told(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default(Status(401))
    async with miner(tmp_path, backend, deadline_seconds=4) as client:
        assert (await client.post("/complete", json=COMPLETE)).status_code == 502
        streamed = await client.post("/complete", json=COMPLETE, headers=EVENTS)
        assert streamed.status_code == 200
        assert "event: error" in streamed.text
        assert (await client.get("/nowhere")).status_code == 404
        backend.default(Status(500))
        assert (await client.post("/feedback", json={**COMPLETE, "output": "x"})).status_code == 503
        seen = await scrape_after(client, 3)
    refused = {"component": "complete", "status": "502"}
    assert seen.value("requests_total", **refused) == 2
    assert seen.value("errors_total", **refused, error="backend_refused") == 2
    failed = {"component": "feedback", "status": "503"}
    assert seen.value("errors_total", **failed, error="backend_unavailable") == 1
    assert seen.value("errors_total", component="other", status="404", error="not_found") == 1
    assert seen.value("requests_total", component="complete", status="200") == 0


async def test_wrong_keys_and_limits_are_counted(tmp_path: Path, backend: Scripted) -> None:
    backend.default("Paris")
    limits = {
        "rate_limit": "2/day",
        "miner_api_key": f"{KEY},second",
        "auth_failure_limit": "1/day",
    }
    with serving(miner_settings(tmp_path, backend, **limits)) as address:
        async with (
            client_of(address) as client,
            client_of(address, "wrong") as guesser,
            client_of(address, None) as stranger,
            client_of(address, "second") as scraper,
        ):
            before = await scrape(scraper)
            assert before.value("auth_failures_total", reason="wrong") == 0
            statuses = [(await client.get("/conversations")).status_code for _ in range(3)]
            assert statuses == [200, 200, 429]
            assert (await guesser.get("/health")).status_code == 200
            assert (await guesser.post("/complete", json=COMPLETE)).status_code == 429
            assert (await stranger.post("/complete", json=COMPLETE)).status_code == 401
            assert (await stranger.get("/health")).status_code == 200
            seen = await scrape_after(scraper, 2)
    assert seen.value("auth_failures_total", reason="wrong") == 2
    assert seen.value("auth_failures_total", reason="missing") == 1
    limited = {"component": "other", "status": "429", "error": "rate_limited"}
    assert seen.value("errors_total", **limited) == 1
    guessed = {"component": "complete", "status": "429", "error": "too_many_wrong_keys"}
    assert seen.value("errors_total", **guessed) == 1
    unknown = {"component": "complete", "status": "401", "error": "unauthorized"}
    assert seen.value("errors_total", **unknown) == 1


async def test_runs_in_work_are_shown_until_they_end(tmp_path: Path, backend: Scripted) -> None:
    backend.default(Hang())
    async with miner(tmp_path, backend, max_concurrency=2) as client:
        assert (await scrape(client)).value("in_flight_runs") == 0
        plain = asyncio.create_task(client.post("/complete", json=COMPLETE))
        await until(lambda: backend.in_flight == 1)
        streamed = asyncio.create_task(client.post("/complete", json=COMPLETE, headers=EVENTS))
        await until(lambda: backend.in_flight == 2)
        assert (await client.post("/complete", json=COMPLETE)).status_code == 503
        assert (await scrape(client)).value("in_flight_runs") == 2
        plain.cancel()
        streamed.cancel()
        await until(lambda: backend.in_flight == 0)
        seen = await scrape_after(client, 3)
    assert seen.value("in_flight_runs") == 0
    assert seen.value("requests_total", component="complete", status="499") == 2
    full = {"component": "complete", "status": "503", "error": "at_capacity"}
    assert seen.value("errors_total", **full) == 1


async def test_what_the_deadline_cut_short_is_counted(tmp_path: Path, backend: Scripted) -> None:
    backend.reply(HangAfter("Paris is the"), Hang())
    async with miner(tmp_path, backend, deadline_seconds=1.5) as client:
        assert (await client.post("/complete", json=COMPLETE)).status_code == 200
        assert (await client.post("/complete", json=COMPLETE)).status_code == 504
        seen = await scrape_after(client, 2)
    assert seen.value("deadline_stops_total", component="complete") == 1
    assert seen.value("deadline_stops_total", component="refine") == 0
    assert seen.value("truncations_total", component="complete", reason="deadline") == 1
    late = {"component": "complete", "status": "504", "error": "deadline_passed"}
    assert seen.value("errors_total", **late) == 1


async def test_truncations_and_fallbacks_are_counted_by_kind(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.reply(
        Truncated("Paris is the"),
        "It is too short for the task.",
        "PROBLEM: short\nSUGGESTION: longer",
    )
    async with miner(tmp_path, backend) as client:
        assert (await client.post("/complete", json=COMPLETE)).status_code == 200
        reviewed = await client.post("/feedback", json={**COMPLETE, "output": "Paris"})
        kind = reviewed.headers["X-Miner-Fallback"]
        seen = await scrape_after(client, 2)
    assert seen.value("truncations_total", component="complete", reason="length") == 1
    assert seen.value("fallbacks_total", component="feedback", kind=kind) == 1
    assert seen.labels("kind") >= {kind}


async def test_answers_of_another_backend_are_counted(tmp_path: Path, backend: Scripted) -> None:
    with Scripted(("second-model",)) as second:
        backend.default(Status(401))
        second.default("Paris")
        other = {"llm_fallback_provider": "local", "local_api_base": second.base_url}
        async with miner(tmp_path, backend, **other) as client:
            assert (await client.post("/complete", json=COMPLETE)).status_code == 200
            seen = await scrape_after(client, 1)
    assert seen.value("fallback_model_calls_total", provider="local") == 1
    assert seen.value("model_calls_total", node="draft", provider="local") == 1
    assert seen.value("model_calls_total", node="draft", provider="vllm") is None


async def test_labels_are_never_a_callers_words(tmp_path: Path, backend: Scripted) -> None:
    backend.max_model_len = 2048
    backend.default("Paris")
    earlier = {
        "task": "t",
        "input": [],
        "component": "a-component-of-mine",
        "output": {"immediate_response": "word " * 9_000, "notebook": "no update"},
    }
    unified = {
        "cid": "a-cid-of-mine",
        "task": "Answer",
        "input": [{"user_query": "What is the capital of France?"}],
        "previous_outputs": [earlier],
    }
    async with miner(tmp_path, backend) as client:
        answered = await client.post("/complete", json=unified)
        assert "a-component-of-mine" in answered.headers["X-Miner-Cut"]
        await client.get("/playbook/a-cid-of-mine")
        await client.get("/a-path-of-mine")
        await client.request("BREW", "/complete")
        await client.post("/complete/a-path-of-mine", json=COMPLETE)
        text = (await client.get("/metrics")).text
    assert "of-mine" not in text
    assert "BREW" not in text
    seen = Scraped(text)
    assert seen.labels("component") <= {*COMPONENTS, "other"}
    assert seen.value("prompt_cuts_total", component="complete", part="material") == 1


async def test_sizes_are_those_of_the_last_look(tmp_path: Path, backend: Scripted) -> None:
    backend.default("Paris")
    async with miner(tmp_path, backend) as client:
        for content in ("one", "two"):
            await client.post("/playbook/c", json={"content": content})
        await client.post("/complete", json=COMPLETE)
        asked = len(backend.model_requests)
        # Before the first look nothing is known, and nothing is claimed.
        assert (await scrape(client)).value("playbook_entries") is None
        seen = await scrape_until(client, lambda seen: seen.value("playbook_entries") is not None)
        assert len(backend.model_requests) == asked + 1
    assert seen.value("playbook_entries") == 2
    assert seen.value("conversations") == 1
    assert seen.value("llm_available") == 1
    assert seen.value("memory_available") == 1


async def test_each_miner_counts_for_itself(tmp_path: Path, backend: Scripted) -> None:
    backend.default("Paris")
    async with miner(tmp_path / "one", backend) as one, miner(tmp_path / "two", backend) as two:
        await one.post("/complete", json=COMPLETE)
        assert (await scrape_after(one, 1)).requests == 1
        assert (await scrape(two)).requests == 0


def pids(data_dir: Path) -> set[int]:
    """The processes that have begun to count and are not known to be dead."""
    found = data_dir.glob("playbook-miner-metrics-*/gauge_livesum_*.db")
    return {int(path.stem.rpartition("_")[2]) for path in found}


async def fresh(address: str, method: str, path: str, body: object = None) -> httpx.Response:
    """A request on a connection of its own, which any worker may take."""
    async with client_of(address) as client:
        return await client.request(method, path, json=body)


async def idle(address: str) -> Scraped:
    """A scrape, by any of the workers, in which no run is in work."""
    async with client_of(address) as client:
        return await scrape_until(client, lambda seen: seen.value("in_flight_runs") == 0)


async def one_run_in_each(
    address: str, body: object, backend: Scripted, workers: int
) -> list[asyncio.Task[httpx.Response]]:
    """A run that goes on in each of the workers, which have one place for it each."""
    running: list[asyncio.Task[httpx.Response]] = []
    while len(running) < workers:
        call = asyncio.create_task(fresh(address, "POST", "/complete", body))
        await until(lambda call=call: call.done() or backend.in_flight > len(running))
        if call.done():
            assert (await call).status_code == 503
        else:
            running.append(call)
    return running


async def test_workers_tell_the_sum_of_all_and_forget_the_runs_of_the_dead(
    tmp_path: Path, backend: Scripted
) -> None:
    released = threading.Event()
    backend.when("slow", Held("Paris", released)).default("Paris")
    slow = {**COMPLETE, "task": "slow"}
    async with chroma(tmp_path / "chroma") as url:
        settings = miner_settings(tmp_path, backend, chroma_url=url, max_concurrency=1)
        async with worker_processes(settings, 2) as workers:
            await until(lambda: len(pids(tmp_path)) == 2)
            running = await one_run_in_each(workers.address, slow, backend, workers=2)
            async with client_of(workers.address) as client:
                assert (await scrape(client)).value("in_flight_runs") == 2
            killed, left = sorted(pids(tmp_path))
            os.kill(killed, signal.SIGKILL)
            async with client_of(workers.address) as client:
                await scrape_until(client, lambda seen: seen.value("in_flight_runs") == 1)
            released.set()
            ended = await asyncio.gather(*running, return_exceptions=True)
            answered = [end for end in ended if isinstance(end, httpx.Response)]
            assert [response.status_code for response in answered] == [200]
            await until(lambda: len(pids(tmp_path)) == 2, 60)
            assert left in pids(tmp_path)
            for _ in range(8):
                await idle(workers.address)
                answer = await fresh(workers.address, "POST", "/complete", COMPLETE)
                assert answer.status_code == 200
            for _ in range(8):
                seen = await idle(workers.address)
                done = {"component": "complete", "status": "200"}
                assert seen.value("requests_total", **done) == 9
                assert seen.value("request_duration_seconds_count", **done) == 9
                assert seen.value("model_calls_total", node="draft", provider="vllm") == 9


async def test_a_folder_to_share_must_exist(
    tmp_path: Path, backend: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "nowhere"))
    with (
        pytest.raises(SettingsError, match="there is no such folder"),
        serving(miner_settings(tmp_path, backend)),
    ):
        pass

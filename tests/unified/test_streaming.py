"""Server-Sent Events over a real socket: their order, what they tell, and how a stream ends."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import httpx
import pytest

from orchestrator import Component, Json, body, checked
from running_miner import client_of, miner_settings, serving
from scripted import Disconnect, Hang, HangAfter, Held, Scripted, Slow, Status, Text, until
from scripted import Json as JsonReply

COMPONENTS: tuple[str, ...] = get_args(Component)
EVENTS = {"Accept": "text/event-stream"}
ESSAY = "There is much to be said on either side of this question, and no short answer to it. " * 2
EARLIER: Json = {
    "task": "t",
    "input": [{"user_query": "q"}],
    "output": {"immediate_response": ESSAY, "notebook": "no update"},
    "component": "complete",
}


@dataclass
class Event:
    """One event of a stream; a comment has the name `:`."""

    name: str
    data: Any


async def read(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """The events of a stream, by the rules of the HTML standard."""
    name, data = "message", ""
    async for line in lines:
        if line.startswith(":"):
            yield Event(":", line[1:].strip())
        elif not line and data:
            yield Event(name, json.loads(data))
            name, data = "message", ""
        elif line:
            field, _, value = line.partition(": ")
            assert field in ("event", "data")
            name, data = (value, data) if field == "event" else (name, data + value)


async def events(client: httpx.AsyncClient, component: str, sent: Json) -> list[Event]:
    async with client.stream("POST", f"/{component}", json=sent, headers=EVENTS) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Request-ID"]
        return [event async for event in read(response.aiter_lines())]


def asked(cid: str = "c", **more: object) -> Json:
    fixed = {"use_conversation_history": False, **more}
    return body(cid, "Write", ["A line."], [EARLIER, EARLIER], **fixed)


def told(stream: list[Event], node: str | None = None, **wanted: object) -> str:
    """The tokens of a stream put together."""
    return "".join(
        event.data["text"]
        for event in stream
        if event.name == "token"
        and (node is None or event.data["node"] == node)
        and all(event.data[name] == value for name, value in wanted.items())
    )


def nodes(stream: list[Event]) -> list[tuple[str, str]]:
    return [(e.data["node"], e.data["state"]) for e in stream if e.name == "node"]


@pytest.fixture(scope="module")
def _checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    with Scripted() as backend:
        backend.max_model_len = 32_768
        data = tmp_path_factory.mktemp("data")
        settings = miner_settings(
            data, backend, complete_strategy="check", max_revisions=2, deadline_seconds=8
        )
        with serving(settings) as address:
            yield SimpleNamespace(backend=backend, address=address)


@pytest.fixture
def model(_checking: SimpleNamespace) -> Scripted:
    backend: Scripted = _checking.backend
    backend.reset()
    return backend


@pytest.fixture
async def checking(_checking: SimpleNamespace, model: Scripted) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of a miner that checks its answers."""
    async with client_of(str(_checking.address)) as client:
        yield client


def script(model: Scripted) -> None:
    """Make every component do all it can do, in words that tell what they are."""
    learnt = {"content": "Answers in French", "category": "language", "about": 0}
    model.when(
        lambda request: "response_format" in request.body,
        JsonReply({"preferences": [{**learnt, "quote": "answers in French"}]}),
    )
    model.when(
        "Reply with 1", lambda request: "2" if "Answer 2:\nThe better" in request.prompt else "1"
    )
    model.when("PASS if it is correct", "REVISE: SECRET-FAULT", "PASS")
    model.when("Something is wrong with your answer", "The better line, which is longer.")
    model.when("These points are still not dealt with", "The edited line, once more.")
    model.when("OPEN: none", "OPEN: 1", "OPEN: none")
    model.when("careful editor", "The edited line.")
    model.default("The first line, without an end")


async def test_the_events_of_a_run_come_in_order(
    checking: httpx.AsyncClient, model: Scripted
) -> None:
    script(model)
    stream = await events(checking, "complete", asked())
    assert [event.name for event in stream[-2:]] == ["miner", "result"]
    assert {event.name for event in stream[:-2]} == {"node", "token"}
    steps = ["recall", "draft", "check", "revise", "compare", "check", "remember"]
    expected = [(step, state) for step in steps for state in ("started", "finished")]
    assert nodes(stream) == expected
    drafting = stream.index(Event("node", {"node": "draft", "state": "started"}))
    drafted = stream.index(Event("node", {"node": "draft", "state": "finished"}))
    assert all(event.name == "token" for event in stream[drafting + 1 : drafted])
    assert drafted - drafting > 1


async def test_tokens_tell_draft_and_revision_apart(
    checking: httpx.AsyncClient, model: Scripted
) -> None:
    script(model)
    stream = await events(checking, "complete", asked())
    assert told(stream, kind="draft") == "The first line, without an end"
    assert told(stream, kind="revision") == "The better line, which is longer."
    assert told(stream, "draft", call=1) == "The first line, without an end"
    assert told(stream, "revise", call=2) == "The better line, which is longer."
    assert stream[-1].data["output"]["immediate_response"] == "The better line, which is longer."


async def test_rounds_of_revising_are_told_apart(
    checking: httpx.AsyncClient, model: Scripted
) -> None:
    script(model)
    review = {**EARLIER, "component": "feedback"}
    sent = body("c", "Write", ["A shorter line."], [EARLIER, review])
    stream = await events(checking, "refine", sent)
    assert told(stream, kind="draft") == "The edited line."
    assert told(stream, kind="revision") == "The edited line, once more."


@pytest.mark.parametrize(
    "written",
    [
        "<think>\nSECRET thoughts\n</think>\n\nAnswer: 5",
        "  <think>SECRET</think>\n<think>SECRET\n</think>Answer: 5",
        "SECRET thoughts\n</think>\n\nAnswer: 5",
        Text("Answer: 5", thoughts="SECRET thoughts"),
        Slow("<think>\nSECRET thoughts\n</think>\n\nAnswer: 5", 0.01),
    ],
)
async def test_thoughts_are_not_told(
    checking: httpx.AsyncClient, model: Scripted, written: str | Text | Slow
) -> None:
    # A template that opens the thoughts is known by the first answer.
    model.reply(written).default(written)
    await checking.post("/summary", json=asked())
    for component in ("complete", "summary"):
        stream = await events(checking, component, asked())
        assert "SECRET" not in json.dumps([event.data for event in stream])
        assert told(stream, call=1) == "Answer: 5"
    model.default("Hello!")
    await checking.post("/summary", json=asked())


async def test_thoughts_of_a_revision_are_not_told(
    checking: httpx.AsyncClient, model: Scripted
) -> None:
    model.when("PASS if it is correct", "REVISE: dull", "PASS").when("Reply with 1", "2", "1")
    model.when("Something is wrong", "<think>SECRET</think>\n\nThe better line.")
    model.default("<think>SECRET</think>\n\nThe first line.")
    stream = await events(checking, "complete", asked())
    assert told(stream, kind="draft") == "The first line."
    assert told(stream, kind="revision") == "The better line."


@pytest.mark.parametrize("component", COMPONENTS)
async def test_no_words_of_checks_and_structured_calls_leak(
    checking: httpx.AsyncClient, model: Scripted, component: str
) -> None:
    script(model)
    stream = await events(checking, component, asked())
    tokens = told(stream)
    for words in ("{", "REVISE", "SECRET-FAULT", "OPEN", "PASS", "preferences"):
        assert words not in tokens
    if component in ("human_feedback", "internet_search"):
        assert not tokens


@pytest.mark.parametrize("strategy", ["vote"])
async def test_only_one_of_several_samples_is_told(
    tmp_path: Path, backend: Scripted, strategy: str
) -> None:
    backend.default("Seven and more.\nAnswer: 7")
    settings = miner_settings(tmp_path, backend, complete_strategy=strategy, vote_samples=3)
    with serving(settings) as address:
        async with client_of(address) as client:
            stream = await events(client, "complete", asked())
    assert len(backend.requests) == 3
    # The draft is broken off, too, once the others have decided.
    assert "Seven and more.\nAnswer: 7".startswith(told(stream))
    assert stream[-1].data["output"]["immediate_response"] == "Seven and more.\nAnswer: 7"


@pytest.mark.parametrize("component", COMPONENTS)
async def test_the_result_is_what_the_plain_call_returns(
    checking: httpx.AsyncClient, model: Scripted, component: str
) -> None:
    headers = []
    for cid in ("plain", "streamed"):
        model.reset()
        script(model)
        sent = asked(cid)
        if cid == "plain":
            response = await checking.post(f"/{component}", json=sent)
            plain = response.json()
            headers.append({k: v for k, v in response.headers.items() if k.startswith("x-miner")})
        else:
            stream = await events(checking, component, sent)
            headers.append({name.lower(): value for name, value in stream[-2].data.items()})
            result = checked(sent, component, stream[-1].data)
    if component == "human_feedback":
        for each in (plain, result):
            actions = json.loads(each["output"]["notebook"])
            each["output"]["notebook"] = [{**action, "node_id": ""} for action in actions]
    assert result == {**plain, "cid": "streamed"}
    assert headers[0] == headers[1]


async def test_the_flat_form_streams_too(checking: httpx.AsyncClient, model: Scripted) -> None:
    said = "Paris, of course, is the one."
    model.when("PASS if", "PASS").default(said)
    flat = {"cid": "flat", "task": "Capital?", "input": "France"}
    stream = await events(checking, "complete", flat)
    assert stream[-1] == Event(
        "result", {"response": "Paris, of course, is the one.", "actions": []}
    )


@pytest.mark.parametrize(
    "accept",
    ["text/event-stream", "Text/Event-Stream;q=0.9", "application/json, text/event-stream"],
)
async def test_an_accept_header_may_name_other_types_too(
    checking: httpx.AsyncClient, model: Scripted, accept: str
) -> None:
    script(model)
    response = await checking.post("/summary", json=asked(), headers={"Accept": accept})
    assert response.headers["Content-Type"].startswith("text/event-stream")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "", "text/event-stream;q=0"])
async def test_who_does_not_ask_for_events_gets_none(
    checking: httpx.AsyncClient, model: Scripted, accept: str
) -> None:
    script(model)
    response = await checking.post("/summary", json=asked(), headers={"Accept": accept})
    assert response.headers["Content-Type"] == "application/json"


async def test_odd_characters_do_not_break_an_event(
    checking: httpx.AsyncClient, model: Scripted
) -> None:
    odd = "a\n\nevent: error\ndata: {}\r\r\u2028 b 😀 \u0085 data: x"
    model.default(odd)
    stream = await events(checking, "summary", asked())
    assert told(stream) == odd
    assert stream[-1].data["output"]["immediate_response"] == odd


async def test_a_wrong_request_is_refused_before_the_stream(checking: httpx.AsyncClient) -> None:
    response = await checking.post("/complete", json={**asked(), "task": 7}, headers=EVENTS)
    assert response.status_code == 422
    assert response.json()["detail"][0]["field"] == "task"


@pytest.mark.parametrize(
    ("status", "name"), [(401, "backend_refused"), (500, "backend_unavailable")]
)
async def test_an_error_is_an_event_in_the_error_form(
    checking: httpx.AsyncClient, model: Scripted, status: int, name: str
) -> None:
    model.default(Status(status, message="SECRET of the backend"))
    stream = await events(checking, "complete", asked())
    [error] = [event for event in stream if event.name == "error"]
    assert stream[-1] is error
    assert set(error.data) == {"error", "detail", "request_id"}
    assert error.data["error"] == name
    assert error.data["request_id"]
    assert "SECRET" not in json.dumps([event.data for event in stream])


async def test_a_backend_that_is_down_is_an_event(tmp_path: Path, backend: Scripted) -> None:
    settings = miner_settings(tmp_path, backend, deadline_seconds=3)
    with serving(settings) as address:
        backend.stop()
        try:
            async with client_of(address) as client:
                stream = await events(client, "complete", asked())
        finally:
            backend.start()
    assert stream[-1].name == "error"
    assert stream[-1].data["error"] == "backend_unavailable"


async def test_a_call_that_broke_off_is_told_from_the_one_made_again(
    checking: httpx.AsyncClient, model: Scripted
) -> None:
    model.when("You summarise", Disconnect("Half of "), "The whole of it.")
    stream = await events(checking, "summary", asked())
    assert told(stream, call=1) == "Half of "
    assert told(stream, call=2) == "The whole of it."
    assert stream[-1].data["output"]["immediate_response"] == "The whole of it."


@pytest.mark.parametrize("reply", [Hang(), HangAfter("The first words"), Slow("word " * 500, 0.05)])
@pytest.mark.parametrize("component", ["complete", "summary"])
async def test_a_client_that_goes_away_ends_the_model_call(
    checking: httpx.AsyncClient, model: Scripted, component: str, reply: Hang | HangAfter | Slow
) -> None:
    model.default(reply)

    async def leave_after_the_first_event() -> None:
        async with checking.stream(
            "POST", f"/{component}", json=asked(), headers=EVENTS
        ) as response:
            async for _ in response.aiter_lines():
                await until(lambda: model.in_flight)
                return

    await leave_after_the_first_event()
    await until(lambda: model.requests[0].disconnected)
    assert model.in_flight == 0
    model.when("after", "Still here.").default("Still here.")
    answer = await checking.post("/summary", json=asked())
    assert answer.status_code == 200


async def test_a_client_that_leaves_a_structured_call_ends_it_too(
    checking: httpx.AsyncClient, model: Scripted
) -> None:
    model.default(Hang())
    call = asyncio.create_task(events(checking, "human_feedback", asked()))
    await until(lambda: model.in_flight)
    call.cancel()
    await until(lambda: model.requests[0].disconnected)


async def test_silence_is_filled_with_comments(tmp_path: Path, backend: Scripted) -> None:
    released = threading.Event()
    backend.default(Held("At last.", released))
    settings = miner_settings(tmp_path, backend, deadline_seconds=60)
    seen: list[Event] = []
    with serving(settings) as address:
        async with (
            client_of(address) as client,
            client.stream("POST", "/summary", json=asked(), headers=EVENTS) as response,
        ):
            async for event in read(response.aiter_lines()):
                seen.append(event)
                if event.name == ":":
                    released.set()
    assert any(event.name == ":" for event in seen)
    assert seen[-1].data["output"]["immediate_response"] == "At last."


async def test_the_deadline_ends_a_stream_with_what_had_come(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default(HangAfter("The first words"))
    settings = miner_settings(tmp_path, backend, deadline_seconds=2)
    with serving(settings) as address:
        async with client_of(address) as client, asyncio.timeout(10):
            stream = await events(client, "complete", asked())
    assert told(stream) == "The first words"
    assert stream[-1].data["output"]["immediate_response"] == "The first words"
    assert stream[-2].data["X-Miner-Stopped-By-Deadline"] == "true"


async def test_the_deadline_without_any_answer_is_an_error_event(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default(Hang())
    settings = miner_settings(tmp_path, backend, deadline_seconds=1)
    with serving(settings) as address:
        async with client_of(address) as client, asyncio.timeout(10):
            stream = await events(client, "complete", asked())
    assert stream[-1].name == "error"
    assert stream[-1].data["error"] == "deadline_passed"


async def test_half_a_revision_at_the_deadline_leaves_the_document(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default(HangAfter("# Half"))
    settings = miner_settings(tmp_path, backend, deadline_seconds=2)
    output = {"immediate_response": "Written.", "notebook": "# Whole\n"}
    sent = body("c", "Edit", ["Better."], [{**EARLIER, "output": output}])
    with serving(settings) as address:
        async with client_of(address) as client:
            response = await client.post("/refine", json=sent)
    got = response.json()["output"]
    assert got["immediate_response"].endswith("# Half")
    assert got["notebook"] == "# Whole\n"
    assert response.headers["X-Miner-Truncated"] == "deadline"

"""The client of the native API, speaking to a miner and to what is none."""

import pytest
from answering import Answering, sending, serving

from pages import block
from running_miner import KEY
from scripted import Scripted
from tools.client import (
    AsyncClient,
    Client,
    ClientError,
    Headers,
    NodeEvent,
    Refused,
    Result,
    Token,
    Unreachable,
    Unusable,
    calls,
    same_miner,
)
from tools.client.answers import Completion, FeedbackItem

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASKED = calls.complete("c", "What is the capital of France?", "One word.")


async def streamed(url: str, key: str = "") -> list[object]:
    async with AsyncClient(url, key) as client:
        return [event async for event in client.stream(ASKED)]


async def test_a_run_is_told_event_by_event(miner: str, backend: Scripted) -> None:
    backend.when("Check your answer", "PASS").default("Paris it is")
    found = await streamed(miner, KEY)
    assert found[0] == NodeEvent("recall", "started")
    tokens = [event for event in found if isinstance(event, Token)]
    assert "".join(token.text for token in tokens) == "Paris it is"
    *_, headers, result = found
    assert isinstance(headers, Headers)
    assert headers.values["X-Miner-Strategy"]
    assert result == Result(Completion(response="Paris it is"))


async def test_sync_and_async_give_the_same(miner: str, backend: Scripted) -> None:
    backend.when("Check your answer", "PASS").default("Paris it is")
    with Client(miner, KEY) as client:
        reply = client.reply(ASKED)
        *_, last = client.stream(ASKED)
    async with AsyncClient(miner, KEY) as other:
        assert await other.send(ASKED) == reply.value
    assert reply.value.response == "Paris it is"
    assert last == Result(reply.value)
    assert int(reply.headers["x-miner-model-calls"]) >= 1


async def test_every_component_is_called_and_read(miner: str, backend: Scripted) -> None:
    backend.when("strict and fair reviewer", "PROBLEM: It is short.\nSUGGESTION: Say more.")
    backend.when("careful editor", "A longer text.").default("OPEN: none")
    with Client(miner, KEY) as client:
        [said] = client.send(calls.feedback("d", "Write", "a text", "A text.")).feedbacks
        assert said == FeedbackItem(problem="It is short.", suggestion="Say more.")
        revision = client.send(calls.refine("d", "Write", "a text", "A text.", [said]))
        assert revision.output
        earlier = [calls.previous_output("complete", "Add", text) for text in ("Answer: 4",) * 2]
        vote = client.send(
            calls.unified("aggregate", "d", "Add", ["2 + 2"], previous_outputs=earlier)
        )
        assert "4" in vote.output.immediate_response
        again = calls.unified("aggregate", "d", "Add", ["2 + 2"], previous_outputs=[vote, vote])
        assert client.send(again).component == "aggregate"


async def test_what_is_remembered_is_read_changed_and_erased(miner: str, backend: Scripted) -> None:
    cid = "a/b c"
    with Client(miner, KEY) as client:
        added = client.send(calls.add_preference(cid, "Answer in French", "language"))
        edited = client.send(calls.edit_preference(cid, added, "Answer in German"))
        assert (edited.content, edited.category, edited.version) == (
            "Answer in German",
            "language",
            2,
        )
        with pytest.raises(Refused) as stale:
            client.send(calls.edit_preference(cid, added, "Answer in Dutch"))
        assert stale.value.status == 409
        assert client.send(calls.playbook(cid)).entries == [edited]
        assert client.send(calls.remove_preference(cid, edited)).entries == 1
        with pytest.raises(Refused) as unknown:
            client.send(calls.conversation(cid))
        assert unknown.value.status == 404
        assert client.send(calls.health()).status == "healthy"
        assert "complete" in client.send(calls.capabilities()).components


async def test_a_miner_that_does_not_stream_gives_the_same_at_the_end() -> None:
    plain = sending(200, b'{"response": "Paris"}', X_Miner_Rounds="1", Content_Type="a/json")
    with serving(plain) as address:
        found = await streamed(address)
    assert found == [Headers({"X-Miner-Rounds": "1"}), Result(Completion(response="Paris"))]


async def test_an_error_has_the_fields_of_the_api(miner: str, backend: Scripted) -> None:
    with Client(miner, KEY) as client, pytest.raises(Refused) as refused:
        client.send(calls.human_feedback("c", ""))
    assert (refused.value.status, refused.value.error) == (422, "invalid_request")
    assert refused.value.detail[0]["field"] == "human_feedback"
    assert refused.value.request_id


async def test_the_time_to_wait_is_kept() -> None:
    busy = sending(503, b'{"error": "overloaded", "detail": "later"}', Retry_After="7")
    with serving(busy) as address, pytest.raises(Refused) as refused:
        await streamed(address)
    assert refused.value.retry_after == "7"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (sending(200, b"<html>welcome</html>"), "not a miner"),
        (sending(200, b'{"welcome": "here"}'), "not a miner"),
        (sending(404, b'{"detail": "Not Found"}'), r"not a miner \(status 404\)"),
        (sending(307, b"", Location="http://127.0.0.1:1/"), r"not a miner \(status 307\)"),
        (sending(200, b"event: node\n", Content_Type="text/event-stream"), "before the answer"),
        (
            sending(200, b"event: node\ndata: nonsense\n\n", Content_Type="text/event-stream"),
            "not a miner",
        ),
        (
            sending(200, b"event: node\ndata: {}\n\n", Content_Type="text/event-stream"),
            "not a miner",
        ),
        (lambda handler: handler.connection.close(), "cannot be reached"),
    ],
    ids=["a page", "json", "another service", "a redirect", "cut off", "nonsense", "no", "hung up"],
)
async def test_what_is_no_miner_is_told_from_one(answer: Answering, complaint: str) -> None:
    with serving(answer) as address:
        with pytest.raises(Unreachable, match=complaint):
            await streamed(address, KEY)
        with Client(address, KEY) as client, pytest.raises(Unreachable, match=complaint):
            list(client.stream(ASKED))


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("", KEY),
        ("localhost:8001", KEY),
        ("http://", KEY),
        ("http://user:secret@localhost", KEY),
        ("http://localhost:1?key=secret", KEY),
        ("http://local host", KEY),
        ("http://localhost:70000", KEY),
        ("http://localhost:1", "schlüssel"),
        ("http://localhost:1", "two\nlines"),
    ],
)
async def test_what_cannot_be_sent_is_refused_without_being_shown(url: str, key: str) -> None:
    for client in (Client, AsyncClient):
        with pytest.raises(Unusable) as refused:
            client(url, key)
        assert key not in str(refused.value)
        assert "secret" not in str(refused.value)


async def test_the_example_of_the_documentation_runs(
    miner: str,
    backend: Scripted,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend.when("strict and fair reviewer", "PROBLEM: It is short.\nSUGGESTION: Say more.")
    backend.when("Check your answer", "PASS").default("Machines learn from examples.")
    monkeypatch.setenv("MINER_API_KEY", KEY)
    example = block("docs/engineers.md", "from tools.client import")
    exec(example.replace("http://localhost:8001", miner), {})
    assert "It is short. -> Say more." in capsys.readouterr().out


async def test_no_error_shows_the_key() -> None:
    wrong: list[ClientError] = []
    with serving(sending(500, b"test-key")) as address:
        for url in (address, "http://127.0.0.1:9"):
            with Client(url, KEY) as client, pytest.raises(ClientError) as error:
                client.send(calls.health())
            wrong.append(error.value)
    assert KEY not in f"{wrong}"


@pytest.mark.parametrize(
    ("url", "alike"),
    [
        ("http://127.0.0.1:8001/", True),
        ("http://[::1]:8001", True),
        ("http://localhost:8002", False),
        ("https://localhost:8001", False),
        ("http://localhost.evil.net:8001", False),
        ("http://user@evil.net:8001", False),
        ("", False),
    ],
)
async def test_addresses_are_alike_only_where_surely_of_one_miner(url: str, alike: bool) -> None:
    assert same_miner(url, "http://localhost:8001") is alike

"""Speaking to a miner, and to what is none."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest

from running_miner import COMPLETE, KEY
from scripted import Scripted
from tools.playground.client import (
    Answer,
    Headers,
    Miner,
    NodeEvent,
    PlaygroundError,
    Refused,
    Token,
    Unreachable,
    Unusable,
    same_miner,
)
from tools.playground.lent import Lent
from tools.playground.runs import follow

pytestmark = pytest.mark.asyncio(loop_scope="session")

Answering = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answering) -> Iterator[str]:
    """A server that gives this answer to every POST and GET."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            answer(self)

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sending(status: int, content: bytes, **headers: str) -> Answering:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


async def events(miner: Miner) -> list[object]:
    return [event async for event in miner.run("complete", COMPLETE)]


async def test_a_run_is_told_event_by_event(miner: str, backend: Scripted) -> None:
    backend.when("Check your answer", "PASS").default("Paris it is")
    found = await events(Miner(miner, KEY))
    assert found[0] == NodeEvent("recall", "started")
    tokens = [event for event in found if isinstance(event, Token)]
    assert "".join(token.text for token in tokens) == "Paris it is"
    *_, headers, answer = found
    assert isinstance(headers, Headers)
    assert headers.values["X-Miner-Strategy"]
    assert answer == Answer({"response": "Paris it is", "actions": []})


async def test_a_miner_that_does_not_stream_gives_the_same_at_the_end() -> None:
    plain = sending(200, b'{"response": "Paris"}', X_Miner_Rounds="1", Content_Type="a/json")
    with serving(plain) as address:
        found = await events(Miner(address))
    assert found == [Headers({"X-Miner-Rounds": "1"}), Answer({"response": "Paris"})]


async def test_an_error_has_the_fields_of_the_api(miner: str, backend: Scripted) -> None:
    with pytest.raises(Refused) as refused:
        await Miner(miner, KEY).ask("POST", "/complete", {"cid": "c", "task": "", "input": ""})
    assert (refused.value.status, refused.value.error) == (422, "invalid_request")
    assert refused.value.detail[0]["field"] == "task"
    assert refused.value.request_id


async def test_the_time_to_wait_is_kept() -> None:
    busy = sending(503, b'{"error": "overloaded", "detail": "later"}', Retry_After="7")
    with serving(busy) as address, pytest.raises(Refused) as refused:
        await events(Miner(address))
    assert refused.value.retry_after == "7"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (sending(200, b"<html>welcome</html>"), "not a miner"),
        (sending(404, b'{"detail": "Not Found"}'), r"not a miner \(status 404\)"),
        (sending(307, b"", Location="http://127.0.0.1:1/"), r"not a miner \(status 307\)"),
        (sending(200, b"event: node\n", Content_Type="text/event-stream"), "before the answer"),
        (
            sending(200, b"event: node\ndata: nonsense\n\n", Content_Type="text/event-stream"),
            "not a miner",
        ),
        (lambda handler: handler.connection.close(), "cannot be reached"),
    ],
    ids=["a page", "another service", "a redirect", "cut off", "nonsense", "hung up"],
)
async def test_what_is_no_miner_is_told_from_one(answer: Answering, complaint: str) -> None:
    with serving(answer) as address, pytest.raises(Unreachable, match=complaint):
        await events(Miner(address, KEY))


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
    with pytest.raises(Unusable) as refused:
        await Miner(url, key).ask("GET", "/health")
    assert key not in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_a_run_that_fails_says_why(miner: str, backend: Scripted) -> None:
    *_, last = [run async for run in follow(Miner(miner, "wrong"), "complete", COMPLETE)]
    assert isinstance(last.error, Refused)
    assert last.error.status == 401
    assert last.ended is not None


async def test_the_path_is_that_of_the_steps(miner: str, backend: Scripted) -> None:
    backend.when("Check your answer", "PASS").default("Paris it is")
    *_, last = [run async for run in follow(Miner(miner, KEY), "complete", COMPLETE)]
    path = ["__start__", "recall", "draft", "check", "remember", "__end__"]
    assert set(last.taken) == set(pairwise(path))
    assert all(step.ended is not None for step in last.steps)


async def test_no_error_shows_the_key() -> None:
    wrong: list[PlaygroundError] = []
    with serving(sending(500, b"test-key")) as address:
        for url in (address, "http://127.0.0.1:9", "nowhere"):
            try:
                await Miner(url, KEY).ask("GET", "/health")
            except PlaygroundError as error:
                wrong.append(error)
    assert len(wrong) == 3
    assert KEY not in f"{wrong}{Miner('u', KEY)}{Lent('u', KEY)}"


@pytest.mark.parametrize(
    ("url", "lent"),
    [
        ("http://localhost:8001", True),
        ("http://127.0.0.1:8001/", True),
        ("http://[::1]:8001", True),
        ("http://localhost:8002", False),
        ("https://localhost:8001", False),
        ("http://localhost.evil.net:8001", False),
        ("http://user@evil.net:8001", False),
        ("", False),
    ],
)
async def test_the_key_of_the_settings_goes_to_their_miner_alone(url: str, lent: bool) -> None:
    own = Lent("http://localhost:8001", KEY)
    assert own.miner(url, "").key == (KEY if lent else "")
    assert own.miner(url, "typed").key == "typed"
    assert same_miner(url, own.url) is lent

"""What the start-up canary finds out of a backend, and a start without one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from machine_room import settings_for
from nodes.errors import BackendRefused, BackendUnavailable, MinerError
from nodes.llm.backend import connect
from nodes.llm.model import Model
from nodes.llm.probe import CANARY_SECONDS, watch
from nodes.llm.providers import DEFAULT_MODELS, endpoints
from nodes.llm.turns import Turn
from scripted import Answer, BrokenJson, Hang, Json, Refuse, Scripted, Status, Text, until

HELLO = [Turn(role="user", content="Say hello.")]


@pytest.mark.parametrize(
    ("canary", "honoured"),
    [
        (Json({"colour": "heliotrope"}), True),
        (Json({"colour": "red"}), False),
        ("Hello, reader!", False),
        (Text('{"colour": "helio', finish_reason="length"), False),
        (BrokenJson(), False),
        (Refuse("response_format"), False),
    ],
)
async def test_the_canary_shows_whether_a_schema_constrains(
    tmp_path: Path, backend: Scripted, canary: Answer, honoured: bool
) -> None:
    backend.canary = canary
    async with Model.open(settings_for(tmp_path, backend)) as model:
        assert model.honours_schema is honoured


@pytest.mark.parametrize("failure", [Status(400), Status(500)])
async def test_a_backend_that_fails_on_schemas_only_is_told_from_one_that_is_down(
    tmp_path: Path, backend: Scripted, failure: Status
) -> None:
    backend.canary = lambda asked: failure if asked.schema_name else "Hello, reader!"
    async with Model.open(settings_for(tmp_path, backend)) as model:
        assert not model.honours_schema
        backend.reply("Hello!")
        assert (await model.ask("test", HELLO, deadline=time.monotonic() + 5)).text == "Hello!"


async def test_the_single_model_served_replaces_the_default_name(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default("Hello!")
    async with Model.open(settings_for(tmp_path, backend)) as model:
        assert model.describe().model == "scripted-model"
        await model.ask("test", HELLO, deadline=time.monotonic() + 5)
    assert backend.requests[0].body["model"] == "scripted-model"


@pytest.mark.parametrize(
    ("served", "chosen", "asked"),
    [
        (["a", "b"], None, DEFAULT_MODELS["vllm"]),
        (["a"], "b", "b"),
        (["a", "b"], "b", "b"),
    ],
)
async def test_a_chosen_name_and_a_choice_of_several_are_left_alone(
    tmp_path: Path, backend: Scripted, served: list[str], chosen: str | None, asked: str
) -> None:
    backend.models = served
    async with Model.open(settings_for(tmp_path, backend, model_name=chosen)) as model:
        assert model.describe().model == asked


async def test_the_reported_window_is_used(tmp_path: Path, backend: Scripted) -> None:
    backend.max_model_len = 4321
    async with Model.open(settings_for(tmp_path, backend)) as model:
        assert model.context_length == 4321
    async with Model.open(settings_for(tmp_path, backend, max_context_tokens=2000)) as model:
        assert model.context_length == 2000
    async with Model.open(settings_for(tmp_path, backend, max_context_tokens=9000)) as model:
        assert model.context_length == 4321


@pytest.mark.parametrize("reply", [Status(404), Json({"models": []}), Json([]), Json("no")])
async def test_a_backend_without_a_list_of_models_is_used_all_the_same(
    tmp_path: Path, backend: Scripted, reply: Status | Text
) -> None:
    backend.models_reply = reply
    async with Model.open(settings_for(tmp_path, backend, model_name="mine")) as model:
        backend.reply("Hello!")
        assert await model.ping()
        reply_ = await model.ask("test", HELLO, deadline=time.monotonic() + 5)
        assert (reply_.text, model.describe().model) == ("Hello!", "mine")


async def test_a_backend_that_is_down_at_the_start_is_used_once_it_is_up(
    tmp_path: Path, backend: Scripted
) -> None:
    settings = settings_for(tmp_path, backend)
    await asyncio.to_thread(backend.stop)
    async with Model.open(settings) as model:
        assert not await model.ping()
        with pytest.raises(BackendUnavailable):
            await model.ask("test", HELLO, deadline=time.monotonic() + 1.5)
        await asyncio.to_thread(backend.start)
        backend.reply("Hello!")
        assert await model.ping()
        assert (await model.ask("test", HELLO, deadline=time.monotonic() + 5)).text == "Hello!"


async def test_a_backend_that_came_up_late_is_asked_what_it_is(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.max_model_len = 4321
    backend.models_reply = Status(503)
    row = endpoints(settings_for(tmp_path, backend))[0]
    late = await asyncio.to_thread(connect, row)
    watching = asyncio.create_task(watch(late, every=0.02))
    try:
        await until(lambda: len(backend.model_requests) > 1)
        assert late.honours_schema is None
        backend.models_reply = None
        async with asyncio.timeout(10):
            await watching
        assert (late.model, late.context_length, late.honours_schema) == (
            *("scripted-model", 4321),
            True,
        )
    finally:
        watching.cancel()
        await late.wire.close()


async def test_who_answered_lately_is_known_without_asking(
    tmp_path: Path, backend: Scripted
) -> None:
    await asyncio.to_thread(backend.stop)
    async with Model.open(settings_for(tmp_path, backend)) as model:
        assert not model.answered_lately()
        await asyncio.to_thread(backend.start)
        await model.ping()
        assert model.answered_lately()
        assert not model.answered_lately(within=0)


@pytest.mark.parametrize("silent", ["models_reply", "canary"])
async def test_a_backend_that_hangs_at_the_start_does_not_hold_it_up(
    tmp_path: Path, backend: Scripted, silent: str
) -> None:
    backend.max_model_len = 4321
    setattr(backend, silent, Hang())
    async with asyncio.timeout(CANARY_SECONDS):
        async with Model.open(settings_for(tmp_path, backend)) as model:
            asked = backend.model_requests if silent == "models_reply" else backend.canaries
            # What it told before it fell silent is known, and it is asked on beside the requests.
            assert (model.context_length == 4321) is (silent == "canary")
            await until(lambda: len(asked) > 1)
            backend.default("Hello!")
            answer = await model.ask("test", HELLO, deadline=time.monotonic() + 8)
            assert answer.text == "Hello!"


@asynccontextmanager
async def answering(body: bytes) -> AsyncIterator[str]:
    """The address of a server that answers everything with this JSON."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        writer.write(f"{head}\r\nconnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield "http://127.0.0.1:{1}/v1".format(*server.sockets[0].getsockname())


@pytest.mark.parametrize("body", [b'{"choices": []}', b'{"choices": [5]}', b"5", b"null"])
async def test_a_backend_that_makes_no_sense_is_watched(
    tmp_path: Path, backend: Scripted, body: bytes
) -> None:
    async with answering(body) as address:
        settings = settings_for(tmp_path, backend).model_copy(update={"vllm_api_base": address})
        async with Model.open(settings) as model:
            await model.ping()
            for keep_partial in (False, True):
                with pytest.raises(MinerError):
                    await model.ask(
                        "test", HELLO, deadline=time.monotonic() + 5, keep_partial=keep_partial
                    )
        late = await asyncio.to_thread(connect, endpoints(settings)[0])
        watching = asyncio.create_task(watch(late, every=0.02))
        await asyncio.wait([watching], timeout=0.3)
        assert not watching.done()
        watching.cancel()
        await late.wire.close()


async def test_the_key_of_the_provider_is_sent(tmp_path: Path, backend: Scripted) -> None:
    backend.api_key = "sk-test"
    async with Model.open(settings_for(tmp_path, backend, "openai")) as model:
        assert await model.ping()
        assert len(backend.canaries) == 1
    async with Model.open(settings_for(tmp_path, backend, "vllm")) as model:
        assert not await model.ping()


async def test_a_key_that_is_refused_is_named_at_the_start_and_in_the_answer(
    tmp_path: Path, backend: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.canary = Status(401)
    backend.default(Status(401))
    settings = settings_for(tmp_path, backend)
    async with Model.open(settings) as model:
        with pytest.raises(BackendRefused, match="refuses the key of this miner"):
            await model.ask("test", HELLO, deadline=time.monotonic() + 5)
    # On which of the two it stands depends on whether an earlier test has configured logging.
    lines = "".join(capsys.readouterr()).splitlines()
    [told] = [line for line in lines if "backend refuses the key; " in line]
    assert f"{settings.llm_provider.upper()}_API_KEY" in told
    assert "error" in told

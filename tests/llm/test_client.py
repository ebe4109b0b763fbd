"""One call: retried, bounded in time and in length, and honest about what came."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from machine_room import settings_for
from nodes.errors import BackendRefused, BackendUnavailable, DeadlinePassed
from nodes.llm.failures import SchemaRefused
from nodes.llm.model import Model
from nodes.llm.tokens import TokenCounter
from nodes.llm.turns import Reply, Turn
from scripted import (
    Disconnect,
    Hang,
    HangAfter,
    Json,
    Refuse,
    Scripted,
    Slow,
    Status,
    Text,
    Truncated,
    until,
)

SCHEMA: dict[str, Any] = {"title": "thing", "type": "object", "properties": {}}
HELLO = [Turn(role="user", content="Say hello.")]


BOTH_PROVIDERS = pytest.mark.parametrize("model", ["vllm", "openai"], indirect=True)


@pytest.fixture(params=["vllm"])
async def model(
    request: pytest.FixtureRequest, tmp_path: Path, backend: Scripted, tokens: TokenCounter
) -> AsyncIterator[Model]:
    backend.max_model_len = 32_768
    async with Model.open(settings_for(tmp_path, backend, request.param), tokens) as model:
        yield model


async def ask(model: Model, seconds: float = 10, **options: Any) -> Reply:  # noqa: ANN401
    """Ask, and fail the test if the deadline does not hold."""
    async with asyncio.timeout(seconds + 5):
        return await model.ask("test", HELLO, deadline=time.monotonic() + seconds, **options)


WORTH_ANOTHER_TRY = [
    Status(429, retry_after=0.1),
    Status(429),
    Status(408),
    Status(500),
    Status(503),
    Disconnect(),
    Text(""),
    Text("  \n"),
    Text("<think>Hm.</think>"),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("failure", WORTH_ANOTHER_TRY)
async def test_a_passing_failure_is_tried_again(
    model: Model, backend: Scripted, failure: Status | Text | Disconnect, streamed: bool
) -> None:
    backend.reply(failure, "Hello!")
    reply = await ask(model, keep_partial=streamed)
    assert (reply.text, reply.call.retries, reply.truncated) == ("Hello!", 1, "")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_not_tried_again(model: Model, backend: Scripted, status: int) -> None:
    backend.reply(Status(status))
    with pytest.raises(BackendRefused):
        await ask(model)
    assert len(backend.requests) == 1


async def test_tries_go_on_while_one_could_still_bring_an_answer(
    model: Model, backend: Scripted
) -> None:
    backend.reply(*[Status(500)] * 4, "Hello!")
    reply = await ask(model)
    assert (reply.text, reply.call.retries) == ("Hello!", 4)


async def test_tries_end_before_the_deadline(model: Model, backend: Scripted) -> None:
    backend.default(Status(500))
    with pytest.raises(BackendUnavailable):
        await ask(model, seconds=2)
    assert 2 < len(backend.requests) < 10


async def test_an_empty_answer_is_not_bought_for_ever(model: Model, backend: Scripted) -> None:
    backend.default("")
    with pytest.raises(BackendUnavailable):
        await ask(model)
    assert len(backend.requests) == 3


async def test_reasoning_is_the_answer_if_there_is_nothing_else(
    model: Model, backend: Scripted
) -> None:
    backend.default(Text("", thoughts="It is 7."))
    assert (await ask(model)).text == "It is 7."
    assert len(backend.requests) == 2


async def test_a_wait_beyond_the_deadline_is_not_begun(model: Model, backend: Scripted) -> None:
    backend.reply(Status(429, retry_after=60))
    with pytest.raises(BackendUnavailable) as failure:
        await ask(model, seconds=5)
    assert failure.value.retry_after == 60
    assert len(backend.requests) == 1


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_hang_ends_at_the_deadline(model: Model, backend: Scripted, streamed: bool) -> None:
    backend.reply(Hang())
    with pytest.raises(DeadlinePassed):
        await ask(model, seconds=1.5, keep_partial=streamed)
    await until(lambda: backend.requests[0].disconnected)


async def test_a_failure_and_a_hang_end_at_the_same_deadline(
    model: Model, backend: Scripted
) -> None:
    backend.reply(Status(500), Hang())
    with pytest.raises(DeadlinePassed):
        await ask(model, seconds=2.5)


async def test_no_time_left_is_no_call(model: Model, backend: Scripted) -> None:
    with pytest.raises(DeadlinePassed):
        await ask(model, seconds=0.1)
    assert backend.requests == []


@BOTH_PROVIDERS
async def test_a_stream_that_stalls_gives_what_came(model: Model, backend: Scripted) -> None:
    backend.reply(HangAfter("Once upon a"))
    reply = await ask(model, seconds=1.5, keep_partial=True)
    assert (reply.text, reply.truncated) == ("Once upon a", "deadline")
    await until(lambda: backend.requests[0].disconnected)


async def test_thoughts_alone_are_no_answer_at_the_deadline(
    model: Model, backend: Scripted
) -> None:
    backend.reply(HangAfter("<think>Let me see"))
    with pytest.raises(DeadlinePassed):
        await ask(model, seconds=1.5, keep_partial=True)


async def test_a_stall_says_nothing_about_the_pace(model: Model, backend: Scripted) -> None:
    backend.reply("word " * 20, HangAfter("word " * 20), "An answer.")
    await ask(model, keep_partial=True)
    await ask(model, seconds=2, keep_partial=True)
    await ask(model, keep_partial=True)
    first, *_, last = (request.limit for request in backend.requests)
    assert first == last


async def test_a_broken_stream_is_tried_again_and_its_longest_part_kept(
    model: Model, backend: Scripted
) -> None:
    backend.reply(Disconnect("Once"), Disconnect("Once upon")).default(Status(500))
    reply = await ask(model, seconds=2, keep_partial=True)
    assert (reply.text, reply.truncated) == ("Once upon", "connection")
    assert reply.call.retries == len(backend.requests) > 2


async def test_a_slow_backend_is_asked_for_what_it_can_deliver(
    model: Model, backend: Scripted
) -> None:
    backend.reply(Slow("word " * 20, 0.02), "Short.")
    await ask(model, keep_partial=True)
    await ask(model, seconds=4, keep_partial=True)
    fast, slow = (request.limit for request in backend.requests)
    assert fast
    assert slow
    assert 64 <= slow[1] < 200 < fast[1]


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_cut_at_its_length_says_so(
    model: Model, backend: Scripted, streamed: bool
) -> None:
    backend.reply(Truncated("Once upon"))
    reply = await ask(model, keep_partial=streamed)
    assert (reply.text, reply.truncated) == ("Once upon", "length")


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_without_end_is_cut_where_no_caller_could_take_more(
    model: Model, backend: Scripted, streamed: bool
) -> None:
    word = "w" * 9_999 + " "
    backend.reply(word * 150)
    reply = await ask(model, keep_partial=streamed)
    assert reply.truncated == "length"
    assert (word * 150).startswith(reply.text)
    assert len(word) * 100 < len(reply.text) < len(word) * 150


async def test_a_structured_answer_cut_at_its_length_is_not_asked_again(
    model: Model, backend: Scripted
) -> None:
    backend.reply(Truncated('{"a": "b'))
    reply = await ask(model, schema=SCHEMA)
    assert (reply.text, reply.truncated) == ('{"a": "b', "length")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("<think>Hm.\nSo.</think>\n\nHello!", "Hello!"),
        ("Hm. So.\n</think>\n\nHello!", "Hello!"),
        ("Use the <think> tag.", "Use the <think> tag."),
        ("Close it with </think> here.", "Close it with </think> here."),
        ("Use <think> and </think>\nfor thoughts.", "Use <think> and </think>\nfor thoughts."),
    ],
)
async def test_thoughts_are_not_part_of_the_answer(
    model: Model, backend: Scripted, written: str, seen: str, streamed: bool
) -> None:
    backend.reply(written)
    assert (await ask(model, keep_partial=streamed)).text == seen


@BOTH_PROVIDERS
async def test_a_refused_temperature_is_left_out_from_then_on(
    model: Model, backend: Scripted
) -> None:
    backend.reply(Refuse("temperature"), "Hello!", "Hello again!")
    assert (await ask(model, temperature=0.0)).text == "Hello!"
    await ask(model, temperature=0.0)
    assert ["temperature" in request.body for request in backend.requests] == [True, False, False]


@BOTH_PROVIDERS
async def test_a_refused_name_of_the_limit_is_changed_for_the_other(
    model: Model, backend: Scripted
) -> None:
    backend.reply(Refuse("max_tokens"), "Hello!", "Hello again!")
    await ask(model, limit=100)
    await ask(model, limit=100)
    assert [request.limit for request in backend.requests] == [
        ("max_tokens", 100),
        ("max_completion_tokens", 100),
        ("max_completion_tokens", 100),
    ]


async def test_both_names_of_the_limit_refused_is_a_refusal(
    model: Model, backend: Scripted
) -> None:
    backend.reply(Refuse("max_tokens"), Refuse("max_completion_tokens"))
    with pytest.raises(BackendRefused):
        await ask(model)


@BOTH_PROVIDERS
async def test_a_schema_is_sent_and_a_refusal_of_it_is_known_as_such(
    model: Model, backend: Scripted
) -> None:
    backend.reply(Json({}), Refuse("response_format"))
    await ask(model, schema=SCHEMA)
    assert backend.requests[0].schema_name == "thing"
    assert model.honours_schema
    with pytest.raises(SchemaRefused):
        await ask(model, schema=SCHEMA)
    assert not model.honours_schema


@BOTH_PROVIDERS
async def test_a_cancelled_call_ends_at_the_backend(model: Model, backend: Scripted) -> None:
    backend.reply(Hang())
    call = asyncio.create_task(ask(model))
    await until(lambda: backend.requests)
    call.cancel()
    await asyncio.wait([call])
    await until(lambda: backend.requests[0].disconnected)
    assert call.cancelled()


@BOTH_PROVIDERS
async def test_a_call_is_recorded_for_the_metrics(model: Model, backend: Scripted) -> None:
    backend.reply(Text("Hello there!", cached_tokens=1))
    call = (await ask(model)).call
    assert (call.node, call.model, call.retries, call.truncated) == (
        "test",
        model.describe().model,
        0,
        "",
    )
    assert (call.prompt_tokens, call.cached_tokens, call.completion_tokens) == (2, 1, 2)
    assert call.seconds > 0

"""A second provider that takes over, for a while."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from machine_room import settings_for
from nodes.errors import BackendError, BackendRefused, BackendUnavailable, DeadlinePassed
from nodes.llm.model import Model
from nodes.llm.turns import Reply, Turn
from scripted import Disconnect, Hang, HangAfter, Scripted, Status

HELLO = [Turn(role="user", content="Say hello.")]


@pytest.fixture
async def model(tmp_path: Path, backend: Scripted, other: Scripted) -> AsyncIterator[Model]:
    """A model with `backend` as vLLM first, and `other` as OpenAI behind it."""
    settings = settings_for(
        tmp_path,
        backend,
        llm_fallback_provider="openai",
        openai_base_url=other.base_url,
        openai_api_key="sk-test",
    )
    async with Model.open(settings) as model:
        yield model


async def ask(model: Model, seconds: float = 10, **options: Any) -> Reply:  # noqa: ANN401
    async with asyncio.timeout(seconds + 5):
        return await model.ask("test", HELLO, deadline=time.monotonic() + seconds, **options)


@pytest.mark.parametrize("failure", [Status(500), Status(401), Status(404), Disconnect()])
async def test_the_second_takes_over_and_a_first_that_goes_on_failing_rests(
    model: Model, backend: Scripted, other: Scripted, failure: Status | Disconnect
) -> None:
    backend.default(failure)
    other.default("Hello from the other!")
    for _ in range(6):
        reply = await ask(model)
        assert (reply.text, reply.call.provider) == ("Hello from the other!", "openai")
    asked = len(backend.requests)
    assert asked >= 4
    await ask(model)
    assert len(backend.requests) == asked
    assert other.requests[0].body["model"] == "other-model"


async def test_one_failure_is_no_reason_to_rest(
    model: Model, backend: Scripted, other: Scripted
) -> None:
    backend.reply(Status(401), "Hello!")
    other.reply("Hello from the other!")
    await ask(model)
    assert (await ask(model)).call.provider == "vllm"


async def test_who_rests_is_asked_again_when_the_other_fails(
    model: Model, backend: Scripted, other: Scripted
) -> None:
    backend.reply(*[Status(401)] * 4, "Hello again!")
    other.reply(*["Hello from the other!"] * 4, Status(401))
    for _ in range(4):
        await ask(model)
    assert (await ask(model)).text == "Hello again!"


async def test_a_refused_request_is_no_reason_to_rest(
    model: Model, backend: Scripted, other: Scripted
) -> None:
    backend.reply(Status(400), "Hello!")
    other.reply("Hello from the other!")
    assert (await ask(model)).text == "Hello from the other!"
    assert (await ask(model)).text == "Hello!"


async def test_a_deadline_that_was_too_short_is_no_reason_to_rest(
    model: Model, backend: Scripted, other: Scripted
) -> None:
    with pytest.raises(DeadlinePassed):
        await ask(model, seconds=0.1)
    backend.reply(Hang())
    other.reply(Hang())
    with pytest.raises(DeadlinePassed):
        await ask(model, seconds=1.5)
    backend.reply("Hello!")
    assert (await ask(model)).call.provider == "vllm"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_silent_first_leaves_the_second_time_to_answer(
    model: Model, backend: Scripted, other: Scripted, streamed: bool
) -> None:
    backend.reply(Hang())
    other.reply("Hello from the other!")
    reply = await ask(model, seconds=3, keep_partial=streamed)
    assert reply.text == "Hello from the other!"


async def test_a_long_wait_asked_for_by_the_first_is_spent_at_the_second(
    model: Model, backend: Scripted, other: Scripted
) -> None:
    backend.reply(Status(429, retry_after=5))
    other.reply("Hello from the other!")
    assert (await ask(model)).text == "Hello from the other!"


async def test_a_first_that_began_its_answer_goes_on(
    model: Model, backend: Scripted, other: Scripted
) -> None:
    backend.reply(HangAfter("Once upon"))
    reply = await ask(model, seconds=2, keep_partial=True)
    assert (reply.text, reply.call.provider) == ("Once upon", "vllm")
    assert other.requests == []


async def test_the_part_that_is_kept_names_who_wrote_it(
    model: Model, backend: Scripted, other: Scripted
) -> None:
    backend.reply(Status(401))
    other.default(Disconnect("Once upon"))
    reply = await ask(model, keep_partial=True)
    assert (reply.text, reply.truncated) == ("Once upon", "connection")
    assert reply.call.provider == "openai"


async def test_both_down_is_an_error_with_the_last_reason(
    model: Model, backend: Scripted, other: Scripted
) -> None:
    backend.default(Status(500))
    other.reply(Status(401))
    with pytest.raises(BackendError):
        await ask(model, seconds=2)
    other.default(Status(503))
    with pytest.raises(BackendUnavailable):
        await ask(model, seconds=2)


async def test_both_windows_bound_the_prompt(
    tmp_path: Path, backend: Scripted, other: Scripted
) -> None:
    backend.max_model_len, other.max_model_len = 9000, 5000
    settings = settings_for(
        tmp_path,
        backend,
        llm_fallback_provider="openai",
        openai_base_url=other.base_url,
        openai_api_key="sk-test",
    )
    async with Model.open(settings) as model:
        assert model.context_length == 5000


@pytest.fixture
def logged(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[[], str]:
    """What was logged; where that goes depends on whether an earlier test has configured it."""
    printed: list[str] = []

    def read() -> str:
        printed.extend(capsys.readouterr())
        ours = [record for record in caplog.records if record.name.startswith("nodes")]
        return "".join([*printed, *(record.getMessage() for record in ours)])

    return read


@pytest.mark.parametrize("streamed", [False, True])
async def test_nothing_secret_is_told(
    model: Model,
    backend: Scripted,
    other: Scripted,
    streamed: bool,
    logged: Callable[[], str],
) -> None:
    secrets = ("sk-test", "Say hello", "raw words of the backend")
    told = f"raw words of the backend about sk-test: Say hello. {backend.base_url}"
    backend.reply(Status(500, message=told), Disconnect(""), Status(400, message=told))
    other.reply(Status(401, message=told))
    with pytest.raises(BackendRefused) as failure:
        await ask(model, keep_partial=streamed)
    assert "model call failed" in logged()
    assert backend.base_url.split("/")[2] in logged()  # which of several addresses it was
    assert "127.0.0.1" not in repr(failure.value)
    for text in (str(failure.value), repr(failure.value), logged()):
        assert not [secret for secret in secrets if secret in text]

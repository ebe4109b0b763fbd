"""Reasoning models: their thoughts are no answer, need room, and are no fault."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from machine_room import settings_for
from nodes.errors import BackendRefused, BackendUnavailable
from nodes.llm.model import Model
from nodes.llm.reasoning import ReasoningFilter
from nodes.llm.tokens import TokenCounter
from nodes.llm.turns import Reply, Turn
from scripted import HangAfter, Json, Recorded, Scripted, Slow, Status, Text, Truncated, tokens

HELLO = [Turn(role="user", content="Say hello.")]
THOUGHTS = "Let me see what there is to be said here. " * 20


@pytest.fixture
async def model(tmp_path: Path, backend: Scripted, tokens: TokenCounter) -> AsyncIterator[Model]:
    backend.max_model_len = 32_768
    async with Model.open(settings_for(tmp_path, backend), tokens) as model:
        yield model


@pytest.fixture
async def model_with_fallback(
    tmp_path: Path, backend: Scripted, other: Scripted, tokens: TokenCounter
) -> AsyncIterator[Model]:
    settings = settings_for(
        tmp_path,
        backend,
        llm_fallback_provider="openai",
        openai_base_url=other.base_url,
        openai_api_key="sk-test",
    )
    async with Model.open(settings, tokens) as model:
        yield model


async def ask(model: Model, seconds: float = 10, **options: Any) -> Reply:  # noqa: ANN401
    async with asyncio.timeout(seconds + 5):
        return await model.ask("test", HELLO, deadline=time.monotonic() + seconds, **options)


def thinking(answer: str, *, begin: str = "<think>\n") -> Any:  # noqa: ANN401
    """A model that thinks first, cut where its limit is."""

    def reply(request: Recorded) -> Text:
        assert request.limit
        written = tokens(f"{begin}{THOUGHTS}\n</think>\n\n{answer}")
        kept = "".join(written[: request.limit[1]])
        return Text(kept) if len(written) <= request.limit[1] else Truncated(kept)

    return reply


def thinking_apart(answer: str) -> Any:  # noqa: ANN401
    """The same behind a server that parses the thoughts."""

    def reply(request: Recorded) -> Text:
        assert request.limit
        thought, said = tokens(THOUGHTS), tokens(answer)
        room = request.limit[1]
        fits = len(thought) + len(said) <= room
        return Text(
            "".join(said[: max(0, room - len(thought))]),
            finish_reason="stop" if fits else "length",
            thoughts="".join(thought[:room]),
        )

    return reply


KINDS = pytest.mark.parametrize(
    "kind",
    [thinking, thinking_apart, lambda answer: thinking(answer, begin="")],
    ids=["in tags", "apart", "opened by the template"],
)


@pytest.mark.parametrize("text", ["", "<think>\nHm, the user"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_limit_reached_before_the_answer_is_not_tried_again(
    model: Model, backend: Scripted, text: str, streamed: bool
) -> None:
    backend.reply(Truncated(text))
    with pytest.raises(BackendUnavailable):
        await ask(model, keep_partial=streamed)
    assert len(backend.requests) == 1


async def test_a_limit_reached_before_the_answer_is_no_reason_to_rest(
    model_with_fallback: Model, backend: Scripted, other: Scripted
) -> None:
    backend.reply(Truncated("<think>\nHm, the user"), "Hello!")
    other.reply("PASS")
    short = await ask(model_with_fallback, limit=8)
    assert (short.text, short.call.provider) == ("PASS", "openai")
    assert (await ask(model_with_fallback)).call.provider == "vllm"


@KINDS
async def test_short_calls_have_room_for_thoughts_once_there_were_any(
    model: Model,
    backend: Scripted,
    kind: Any,  # noqa: ANN401
) -> None:
    backend.reply(kind("A long answer."), kind("PASS"))
    assert (await ask(model, keep_partial=True)).text == "A long answer."
    assert (await ask(model, limit=8)).text == "PASS"
    assert len(backend.requests) == 2


@pytest.mark.parametrize("kind", [thinking, thinking_apart], ids=["in tags", "apart"])
async def test_room_for_thoughts_is_learnt_from_a_short_call_that_had_none(
    model: Model,
    backend: Scripted,
    kind: Any,  # noqa: ANN401
) -> None:
    backend.default(kind("PASS"))
    for _ in range(6):
        try:
            reply = await ask(model, limit=40)
        except BackendUnavailable:
            continue
    assert reply.text == "PASS"


async def test_thoughts_that_a_server_keeps_to_itself_get_their_room_too(
    model: Model, backend: Scripted
) -> None:
    backend.reply(Text("Hello!", hidden_tokens=90), Text("", "length", hidden_tokens=380), "PASS")
    await ask(model, keep_partial=True)
    with pytest.raises(BackendUnavailable):
        await ask(model, limit=8)
    await ask(model, limit=8)
    _, second, third = (request.limit[1] for request in backend.requests if request.limit)
    assert 90 < second < third


async def test_a_structured_answer_says_nothing_of_thoughts(
    model: Model, backend: Scripted
) -> None:
    backend.reply("Hm.\n</think>\nHello!", Json({}), Truncated("Hm, the user wants"))
    await ask(model)
    await ask(model, schema={"title": "thing", "type": "object", "properties": {}})
    with pytest.raises(BackendUnavailable):
        await ask(model)


async def test_the_room_for_thoughts_is_bounded_by_the_time_left(
    model: Model, backend: Scripted
) -> None:
    backend.reply(Slow("<think>" + "word " * 40 + "</think>Hello!", 0.02), "PASS")
    await ask(model, keep_partial=True)
    await ask(model, seconds=3, limit=8)
    allowed = backend.requests[1].limit
    assert allowed
    assert 8 < allowed[1] < 150


async def test_models_without_thoughts_get_no_more_room(model: Model, backend: Scripted) -> None:
    backend.default("Hello!")
    await ask(model)
    await ask(model, limit=8)
    assert backend.requests[1].limit == ("max_tokens", 8)


async def test_thoughts_opened_by_the_template_are_no_answer_where_they_are_cut(
    model: Model, backend: Scripted
) -> None:
    backend.reply("Hm.\n</think>\n\nHello!", Truncated("Hm, the user wants"), HangAfter("Hm, the"))
    assert (await ask(model, keep_partial=True)).text == "Hello!"
    with pytest.raises(BackendUnavailable):
        await ask(model, keep_partial=True)


async def test_an_answer_without_thoughts_shows_that_the_template_opens_none(
    model: Model, backend: Scripted
) -> None:
    backend.reply("</think>\nis the tag.", "Hello!", Truncated("Once upon"))
    await ask(model)
    await ask(model)
    assert (await ask(model)).text == "Once upon"


async def test_a_backend_that_thinks_apart_is_not_silent(
    model_with_fallback: Model, backend: Scripted, other: Scripted
) -> None:
    backend.reply(Slow("Hello!", 0.1, thoughts="word " * 18))
    reply = await ask(model_with_fallback, seconds=3.6, keep_partial=True)
    assert (reply.text, reply.call.provider) == ("Hello!", "vllm")
    assert other.requests == []


async def test_a_refusal_that_quotes_the_prompt_is_not_about_schemas(
    model_with_fallback: Model, backend: Scripted, other: Scripted
) -> None:
    backend.reply(Status(400, message="No such thing as 'guided json_schema tours'"))
    other.reply("Hello!")
    assert (await ask(model_with_fallback)).text == "Hello!"
    assert model_with_fallback.honours_schema
    other.default(Status(400))
    backend.reply(Status(400, message="guided"))
    with pytest.raises(BackendRefused):
        await ask(model_with_fallback)
    assert model_with_fallback.honours_schema


WRITTEN = {
    "<think>Hm.\nSo.</think>\n\nHello!": "Hello!",
    "<think></think>Hello!": "Hello!",
    "a</think>Answer: 5": "Answer: 5",
    "Hm. So. </think>\n\nAnswer: 5": "Answer: 5",
    "Hm.\n</think> Answer: 5": "Answer: 5",
    "<think>a</think>\n<think>b</think>\nAnswer: 5": "Answer: 5",
    "<think>a</think>\nAnswer: 4\n<think>No.</think>\nAnswer: 5": "Answer: 4\n\nAnswer: 5",
    "<think>a</think>\nSo:\n```\n<think>\nx\n</think>\n```": "So:\n```\n<think>\nx\n</think>\n```",
    "<think>a</think>\nOpen it by\n<think> and go on.": "Open it by\n<think> and go on.",
    "The tag </think>\n closes it": "The tag </think>\n closes it",
    "Write `</think>`\nthere": "Write `</think>`\nthere",
    "Use <think> and\n</think>\nfor thoughts.": "Use <think> and\n</think>\nfor thoughts.",
}


def filtered(
    text: str, size: int = 1_000_000, *, cut: bool = False, opened: bool = False
) -> tuple[str, str]:
    """What is visible of a text in the end, and what was let through as it came in pieces."""
    seen = ReasoningFilter(opened=opened)
    pieces = (text[at : at + size] for at in range(0, len(text), size))
    passed = "".join(map(seen.feed, pieces)) + seen.end(cut=cut)
    return seen.visible, passed


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("written", "seen"), WRITTEN.items())
def test_reasoning_is_told_from_words_about_it(written: str, seen: str, size: int) -> None:
    assert filtered(written, size)[0] == seen


def test_reasoning_that_a_cut_leaves_open_is_left_out() -> None:
    assert filtered("<think>a</think>\nAnswer: 4\n<think>No, wait", cut=True)[0] == "Answer: 4"
    assert filtered("Hm, the user", cut=True, opened=True)[0] == ""
    assert filtered("Hm, the user", opened=True)[0] == "Hm, the user"


STREAMED = {
    " \nHello!": " \nHello!",
    "<think>a</think>\n\nHello!": "Hello!",
    " <think>a < b </thinks> </think><think>b</think>\n\n Hello <b>!": "Hello <b>!",
    "<think>a</think>\nOne\n  <think>b</think>\nTwo <think> three": "One\n  \nTwo <think> three",
    "<thin ice": "<thin ice",
    "1 < 2 <think>": "1 < 2 <think>",
}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("written", "shown"), STREAMED.items())
def test_a_filter_lets_the_answer_through(written: str, shown: str, size: int) -> None:
    assert filtered(written, size)[1] == shown
    opened = f"Hm </think>{shown.lstrip()}"
    assert filtered(opened, size, opened=True)[1] == shown.lstrip()


@pytest.mark.parametrize("unit", ["<think>", "</think>", "\n<think>", "<think>\n</think>\n", "<"])
@pytest.mark.timeout(20)  # a quadratic reader takes minutes
def test_any_text_is_read_in_time(unit: str) -> None:
    for size in (7, 1_000_000):
        filtered(unit * 30_000, size, cut=True, opened=size == 7)


def test_the_prompt_is_looked_through_once_for_each_mark() -> None:
    asked: list[str] = []

    def quoted(mark: str) -> bool:
        asked.append(mark)
        return True

    seen = ReasoningFilter(quoted=quoted)
    text = "<think>a</think> " * 1000
    assert (seen.feed(text) + seen.end(cut=False)).strip() == text.strip()
    assert sorted(asked) == ["</think>", "<think>"]

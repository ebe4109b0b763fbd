"""Machines in front of a reasoning model: its short steps work, or are not begun."""

import time
from collections.abc import Callable

import pytest

from machine_room import Room
from nodes.state import Feedback
from scripted import Recorded, Slow, Text, Truncated, tokens

THOUGHTS = "<think>\n" + "Let me weigh this with care. " * 30 + "\n</think>\n\n"


def thinking(answer: str) -> Callable[[Recorded], Text]:
    """A model that thinks first, cut where its limit is."""

    def reply(request: Recorded) -> Text:
        assert request.limit
        written = tokens(THOUGHTS + answer)
        if len(written) <= request.limit[1]:
            return Text("".join(written))
        return Truncated("".join(written[: request.limit[1]]))

    return reply


def script(room: Room, *answers: str) -> None:
    room.backend.reply(*map(thinking, answers))


async def test_an_answer_of_a_reasoning_model_is_checked(room: Room) -> None:
    script(room, "A draft of some words.", "REVISE: it is dull", "A far better text.", "2", "1")
    script(room, "PASS")
    result = await room.complete("Write a text.")
    assert result.answer == "A far better text."
    assert room.path == ["recall", "draft", "check", "revise", "compare", "check", "remember"]
    assert not result.fallbacks
    assert len(room.asked) == 6


async def test_a_revision_of_a_reasoning_model_is_judged(room: Room) -> None:
    script(room, "A better tale.", "OPEN: none")
    faults = [Feedback(problem="It is dull.", suggestion="Add a joke.")]
    result = await room.run("refine", task="Write.", output="A tale.", feedbacks=faults)
    assert (result.answer, result.fallbacks) == ("A better tale.", [])
    assert len(room.asked) == 2


async def test_a_check_whose_thoughts_will_not_fit_is_not_begun(room: Room) -> None:
    room.backend.reply(Slow("<think>" + "slow " * 60 + "</think>A tale.", 0.02))
    result = await room.complete("Tell a tale.", deadline=time.monotonic() + 2.6)
    assert len(room.asked) == 1
    assert (result.answer, result.truncated) == ("A tale.", "")
    assert result.stopped_by_deadline


@pytest.mark.parametrize("component", ["complete", "feedback"])
async def test_a_limit_that_thoughts_use_up_costs_one_call(room: Room, component: str) -> None:
    said = "PROBLEM: It is dull." if component == "feedback" else "A tale, and an end."
    room.backend.reply(said).default(Truncated("<think>\nHm"))
    result = await room.run(component, task="Tell a tale.", output="A tale.")
    assert result.answer == said
    assert len(room.asked) == (2 if component == "complete" else 1)

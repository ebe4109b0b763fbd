"""Every way through `feedback`."""

import asyncio
import time

import pytest

from machine_room import Room
from nodes.errors import BackendUnavailable, DeadlinePassed
from nodes.state import Result
from scripted import Hang, HangAfter, Recorded, Status

LABELLED = "PROBLEM: It is dull.\nSUGGESTION: Add a joke."


async def review(room: Room, **fields: object) -> Result:
    return await room.run("feedback", task="Write a tale.", output="A tale.", **fields)


def pairs(result: Result) -> list[tuple[str, str]]:
    return [(item.problem, item.suggestion) for item in result.feedbacks]


@pytest.mark.parametrize("room", ["vllm", "openai"], indirect=True)
async def test_a_critique_that_can_be_read_is_one_call(room: Room) -> None:
    room.backend.reply(LABELLED)
    result = await review(room)
    assert pairs(result) == [("It is dull.", "Add a joke.")]
    assert room.path == ["recall", "critique", "remember"]
    assert not result.fallbacks


async def test_a_critique_in_prose_is_asked_for_in_lines(room: Room) -> None:
    room.backend.reply("I find it dull; a joke would help.", LABELLED)
    result = await review(room)
    assert pairs(result) == [("It is dull.", "Add a joke.")]
    assert room.path == ["recall", "critique", "reformat", "remember"]
    assert result.fallbacks == ["reformatted"]
    critique, reformat = room.messages(0), room.messages(1)
    assert reformat[: len(critique)] == critique
    assert reformat[len(critique)]["content"] == "I find it dull; a joke would help."


@pytest.mark.parametrize("second", ["Still in prose.", Status(400), Hang()])
async def test_what_cannot_be_read_is_kept_whole(room: Room, second: str | Status | Hang) -> None:
    room.backend.reply("I find it dull.", second)
    async with asyncio.timeout(15):
        result = await review(room, deadline=time.monotonic() + 3)
    assert pairs(result) == [("I find it dull.", "")]
    assert room.path == ["recall", "critique", "reformat", "keep_whole", "remember"]
    assert result.fallbacks[-1] == "unparsed critique"


async def test_a_critique_cut_by_the_deadline_gives_what_came(room: Room) -> None:
    room.backend.reply(HangAfter(f"{LABELLED}\nPROBLEM: It is"))
    result = await review(room, deadline=time.monotonic() + 1.5)
    assert pairs(result)[0] == ("It is dull.", "Add a joke.")
    assert (result.truncated, result.stopped_by_deadline) == ("deadline", True)


async def test_no_critique_is_an_error(room: Room) -> None:
    room.backend.reply(Hang())
    with pytest.raises(DeadlinePassed):
        await review(room, deadline=time.monotonic() + 1.2)
    room.backend.default(Status(503))
    with pytest.raises(BackendUnavailable):
        await review(room, deadline=time.monotonic() + 2)


async def test_the_prompt_holds_preferences_task_input_and_output(room: Room) -> None:
    await room.knows("Answer in French")
    room.backend.default(LABELLED)
    await review(room, queries=["about a whale"])
    await review(room, queries=["about a whale"], cid="bob")
    system, asked = (turn["content"] for turn in room.messages(0))
    assert "Answer in French" in system
    assert "Answer in French" not in room.asked[1].prompt
    assert all(part in asked for part in ("Write a tale.", "about a whale", "A tale."))


async def test_neither_schema_nor_playbook_is_touched(room: Room) -> None:
    def no_schema(request: Recorded) -> str:
        assert "response_format" not in request.body
        return "I only want answers in French."

    room.backend.default(no_schema)
    await review(room)
    assert await room.known() == []

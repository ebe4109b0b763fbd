"""What the check of an answer says, where it names no fault."""

import pytest

from machine_room import Room


@pytest.mark.parametrize(
    "verdict",
    [
        "REVISE: none",
        "REVISE: Nothing.",
        "REVISE: nothing is wrong",
        "REVISE: is not needed",
        "REVISE: not needed.",
        "REVISE: no changes needed",
        "REVISE: <what is wrong>",
        "REVISE: <what is wrong with it>",
        "REVISE: followed by what is wrong with it.",
        "**REVISE:** *N/A*",
    ],
)
async def test_a_fault_that_is_none_passes(room: Room, verdict: str) -> None:
    room.backend.reply("A draft.", verdict)
    result = await room.complete("Write a text.")
    assert (result.answer, len(room.asked)) == ("A draft.", 2)


@pytest.mark.parametrize(
    "fault",
    [
        "nothing is said of dogs",
        "no source is named",
        "not in French",
        "none of the dates is right",
        "what is wrong: the date",
    ],
)
async def test_a_fault_that_begins_like_none_is_one(room: Room, fault: str) -> None:
    room.backend.reply("A draft.", f"REVISE: {fault}", "PASS")
    await room.complete("Write a text.")
    assert f"Something is wrong with your answer: {fault}" in room.messages(2)[-1]["content"]


@pytest.mark.parametrize(
    "words",
    ["I'm sorry, but I cannot change that.", "I have revised the answer as you asked, thank you."],
)
async def test_a_remark_is_no_revision(room: Room, words: str) -> None:
    room.backend.reply("A draft of a text that is not long.", "REVISE: dull", words)
    result = await room.complete("Write a text.")
    assert (result.answer, len(room.asked)) == ("A draft of a text that is not long.", 3)

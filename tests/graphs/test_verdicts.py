"""What the check of an answer says, where it names no fault."""

import pytest

from machine_room import Room
from nodes.state import Feedback


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
        "REVISE: Your answer is correct.",
        "REVISE: no issues found",
        "REVISE: nothing is wrong with it",
        "REVISE: There are no significant problems.",
        "REVISE: The answer above is correct and complete.",
        "REVISE: []",
        "REVISE: -",
        "REVISE: keine",
        "REVISE: 无",
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
        "the answer is correct but has no unit",
        "no issue of cost is mentioned",
    ],
)
async def test_a_fault_that_begins_like_none_is_one(room: Room, fault: str) -> None:
    room.backend.reply("A draft.", f"REVISE: {fault}", "Sorry, I cannot.")
    await room.complete("Write a text.")
    assert f"Something is wrong with your answer: {fault}" in room.messages(2)[-1]["content"]


@pytest.mark.parametrize(
    "listed", ["none", "N/A", "[]", "-", "keine", "无", "aucun", "None of them.", "()", "нет"]
)
async def test_a_list_of_open_points_may_be_empty_in_many_words(room: Room, listed: str) -> None:
    room.backend.reply("A better tale of a fox.", f"OPEN: {listed}")
    fault = Feedback(problem="It is dull.", suggestion="")
    result = await room.run("refine", task="Write.", output="A tale.", feedbacks=[fault])
    assert (result.answer, len(room.asked)) == ("A better tale of a fox.", 2)


@pytest.mark.parametrize(
    "words",
    ["I'm sorry, but I cannot change that.", "I have revised the answer as you asked, thank you."],
)
async def test_a_remark_is_no_revision(room: Room, words: str) -> None:
    room.backend.reply("A draft of a text that is not long.", "REVISE: dull", words)
    result = await room.complete("Write a text.")
    assert (result.answer, len(room.asked)) == ("A draft of a text that is not long.", 3)

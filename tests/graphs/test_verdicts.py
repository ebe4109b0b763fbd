"""What the check of an answer says, where it names no fault."""

import pytest

from machine_room import Room
from nodes.state import Feedback
from nodes.verdicts import read_open


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
        "REVISE: Everything is correct.",
        "REVISE: all good",
        "REVISE: I found nothing wrong with it.",
        "REVISE: None needed; the answer is correct.",
        "REVISE: OK",
        "REVISE: PASS",
        "REVISE: ✅",
        "REVISE: (empty)",
        "REVISE: no corrections needed",
        "REVISE: There is nothing to revise.",
        "REVISE: die Antwort ist richtig",
        "REVISE: la réponse est correcte",
        "REVISE: 回答正确",
        "REVISE: rien à corriger",
        "REVISE: замечаний нет",
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
        "Die Einheit fehlt",
        "单位没有写",
        "correct the date",
        "it is good but too long",
        "rien n'est dit des chiens",
        "the answer is right only for even n",
        "ok in English but must be German",
    ],
)
async def test_a_fault_that_begins_like_none_is_one(room: Room, fault: str) -> None:
    room.backend.reply("A draft.", f"REVISE: {fault}", "Sorry, I cannot.")
    await room.complete("Write a text.")
    assert f"Something is wrong with your answer: {fault}" in room.messages(2)[-1]["content"]


@pytest.mark.parametrize(
    "listed",
    [
        "none",
        "N/A",
        "[]",
        "-",
        "keine",
        "无",
        "aucun",
        "None of them.",
        "()",
        "нет",
        "✓",
        "{}",
        "all points are dealt with",
        "alle erledigt",
        "ninguno",
    ],
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


@pytest.mark.parametrize(
    ("listed", "still_open"),
    [
        ("2", [1]),
        ("1; 2 is dealt with", [0]),
        ("\uff11, \uff13", [0, 2]),
        ("1-9999", [0, 1, 2]),
        ("alle", [0, 1, 2]),
        ("none except 2", None),
        ("all but 2 are fixed", None),
        ("two", None),
    ],
)
def test_points_are_open_as_listed_or_else_unread(
    listed: str, still_open: list[int] | None
) -> None:
    assert read_open(f"OPEN: {listed}", 3) == still_open

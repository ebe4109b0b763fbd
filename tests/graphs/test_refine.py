"""Every way through `refine`."""

import asyncio
import time
from pathlib import Path

import pytest

from machine_room import Room, machine_room, settings_for
from nodes.errors import BackendUnavailable
from nodes.state import Feedback, Result
from scripted import Hang, HangAfter, Scripted, Status, Text, Truncated

FAULTS = [
    Feedback(problem="It is dull.", suggestion="Add a joke."),
    Feedback(problem="It is short.", suggestion=""),
]
NOT_BETTER = "the output stands, and not the revision: it was not judged to be better"


async def rewrite(room: Room, **fields: object) -> Result:
    chosen = {"task": "Write a tale.", "output": "A tale.", "feedbacks": FAULTS} | fields
    return await room.run("refine", **chosen)


@pytest.mark.parametrize("room", ["vllm", "openai"], indirect=True)
@pytest.mark.parametrize(
    "verdict", ["OPEN: none", "OPEN: none of the 2 points", "**Open:** None.", "OPEN: 0"]
)
async def test_nothing_open_ends_it(room: Room, verdict: str) -> None:
    room.backend.reply("A better tale.", verdict)
    result = await rewrite(room)
    assert result.answer == "A better tale."
    assert room.path == ["recall", "rewrite", "judge", "remember"]
    assert not result.fallbacks


async def test_an_open_point_is_worked_on_again(room: Room) -> None:
    room.backend.reply("A better tale.", "OPEN: 2", "A long tale.", "OPEN: none")
    result = await rewrite(room)
    assert result.answer == "A long tale."
    assert room.path == ["recall", "rewrite", "judge", "rewrite_again", "judge", "remember"]
    again = room.messages(2)[-1]["content"]
    assert "It is short." in again
    assert "It is dull." not in again
    first = room.messages(0)
    assert room.messages(2)[: len(first)] == room.messages(3)[: len(first)] == first


UNREADABLE = pytest.mark.parametrize(
    "verdict", ["I cannot say", "OPEN: the ending", "OPEN: 17", "OPEN:"]
)


@UNREADABLE
async def test_where_a_judgement_is_unreadable_a_comparison_decides(
    room: Room, verdict: str
) -> None:
    room.backend.reply("A better tale.", verdict, "2", "1")
    result = await rewrite(room)
    assert result.answer == "A better tale."
    assert room.path == ["recall", "rewrite", "judge", "remember"]
    assert result.fallbacks == ["unreadable judgement"]


@UNREADABLE
async def test_the_output_stands_that_was_not_beaten(room: Room, verdict: str) -> None:
    room.backend.reply("Another tale.", verdict, "1")
    result = await rewrite(room)
    assert result.answer == "A tale."
    assert room.path == ["recall", "rewrite", "judge", "keep_output", "remember"]
    assert result.fallbacks == ["unreadable judgement", NOT_BETTER]


@pytest.mark.parametrize("room", [{"max_revisions": 0}, {"max_revisions": 1}], indirect=True)
async def test_a_revision_that_leaves_all_points_open_does_not_stand(room: Room) -> None:
    texts = iter(f"Round {number}." for number in range(1, 20))
    room.backend.when("Which points", "OPEN: 1, 2").default(lambda _: next(texts))
    result = await rewrite(room)
    assert result.answer == "A tale."
    assert result.fallbacks == [NOT_BETTER]


async def test_an_unreadable_judgement_crowns_no_later_round(room: Room) -> None:
    room.backend.reply("A better tale.", "OPEN: 1", "A dubious tale.", "who knows", "1")
    assert (await rewrite(room)).answer == "A better tale."


async def test_the_best_round_wins_and_not_the_last(room: Room) -> None:
    room.backend.reply("Round 1.", "OPEN: 1", "Round 2.", "OPEN: 1, 2", "Round 3.", "OPEN: 1")
    result = await rewrite(room)
    assert result.answer == "Round 1."
    assert result.rounds == 3


@pytest.mark.parametrize("room", [{"max_revisions": 2}], indirect=True)
async def test_rounds_are_bounded(room: Room) -> None:
    texts = iter(f"Round {number}." for number in range(1, 20))
    room.backend.when("Which points", "OPEN: 1, 2", "OPEN: 1").default(lambda _: next(texts))
    result = await rewrite(room)
    assert room.path == ["recall", "rewrite", *["judge", "rewrite_again"] * 2, "judge", "remember"]
    assert result.answer == "Round 2."


@pytest.mark.parametrize("second", ["A better tale.", Truncated("Another tale which")])
async def test_a_round_that_changes_nothing_ends_it(room: Room, second: str | Text) -> None:
    room.backend.reply("A better tale.", "OPEN: 1", second)
    result = await rewrite(room)
    assert result.answer == "A better tale."
    assert room.path == ["recall", "rewrite", "judge", "rewrite_again", "remember"]


async def test_a_first_round_that_changes_nothing_ends_it(room: Room) -> None:
    room.backend.reply("A tale.")
    assert (await rewrite(room)).answer == "A tale."
    assert room.path == ["recall", "rewrite", "remember"]


@pytest.mark.parametrize(("picks", "answer"), [(("2", "1"), "A better tale."), (("1",), "A tale.")])
async def test_without_feedbacks_a_comparison_decides(
    room: Room, picks: tuple[str, ...], answer: str
) -> None:
    room.backend.reply("A better tale.", *picks)
    assert (await rewrite(room, feedbacks=[])).answer == answer


async def test_a_model_that_is_no_judge_is_not_asked_to_be_one(
    tmp_path: Path, backend: Scripted
) -> None:
    settings = settings_for(tmp_path, backend, "local", local_api_base=backend.base_url)
    async with machine_room(settings, backend) as room:
        backend.reply("A better tale.", "I'm sorry, but I can't help with that.")
        taken = await rewrite(room)
        refused = await rewrite(room)
    assert (taken.answer, refused.answer) == ("A better tale.", "A tale.")
    assert refused.fallbacks == ["the output stands, and not the revision: it is a refusal"]


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        (["A better tale.", Status(400)], "A tale."),
        (["A better tale.", Hang()], "A tale."),
        (["A better tale.", "OPEN: 1", Status(400)], "A better tale."),
        (["A better tale.", "OPEN: 1", Hang()], "A better tale."),
        (["A better tale.", "OPEN: 1", "Another.", Status(400)], "A better tale."),
    ],
)
async def test_a_later_step_that_fails_or_runs_late_leaves_the_best_round(
    room: Room, script: list[str | Status | Hang], answer: str
) -> None:
    room.backend.reply(*script)
    async with asyncio.timeout(15):
        result = await rewrite(room, deadline=time.monotonic() + 3)
    assert result.answer == answer
    failed = [node for node in room.path if node.startswith(("judge", "rewrite"))][-1]
    assert result.fallbacks[0] == f"{failed} failed"
    assert result.stopped_by_deadline is isinstance(script[-1], Hang)


LONG = "There was a fox. " * 20


@pytest.mark.parametrize(
    "reply",
    [
        "I have revised the output as you asked.",
        "I'm sorry, but I can't help with that.",
        "A fox.",
        "no update",
        Truncated(LONG[: len(LONG) * 2 // 3]),
    ],
)
async def test_what_is_no_whole_revision_leaves_the_output(room: Room, reply: str | Text) -> None:
    room.backend.reply(reply)
    result = await rewrite(room, output=LONG)
    assert (result.answer, result.truncated) == (LONG, "")
    assert room.path == ["recall", "rewrite", "remember"]
    assert bool(result.fallbacks) is (reply != "no update")


async def test_without_an_output_whatever_is_said_is_the_answer(room: Room) -> None:
    room.backend.reply("I'm sorry, there is nothing to revise.", "OPEN: none")
    assert (await rewrite(room, output="")).answer == "I'm sorry, there is nothing to revise."


async def test_a_remark_after_a_round_leaves_that_round(room: Room) -> None:
    better = LONG.replace("fox", "quick fox")
    room.backend.reply(better, "OPEN: 1", "I have now added a joke.")
    result = await rewrite(room, output=LONG)
    assert result.answer == better.strip()
    assert room.path == ["recall", "rewrite", "judge", "rewrite_again", "remember"]


@pytest.mark.parametrize("problem", ["It is too long.", "Make it shorter", "Summarise it."])
async def test_a_revision_may_be_short_where_that_is_asked(room: Room, problem: str) -> None:
    room.backend.reply("A fox was there.", "OPEN: none")
    faults = [Feedback(problem=problem, suggestion="")]
    assert (await rewrite(room, output=LONG, feedbacks=faults)).answer == "A fox was there."


@pytest.mark.parametrize("seconds", [1.5])
async def test_half_a_revision_at_the_deadline_leaves_the_output(
    room: Room, seconds: float
) -> None:
    room.backend.reply(HangAfter("There was a"))
    result = await rewrite(room, output=LONG, deadline=time.monotonic() + seconds)
    assert (result.answer, result.truncated) == (LONG, "")
    assert result.stopped_by_deadline
    assert result.fallbacks


@pytest.mark.parametrize(
    ("verdict", "points"),
    [
        ("OPEN:\n1\n3", [1, 3]),
        ("OPEN:\n- 1\n- 3. It is short.\n\nNot 2, I think.", [1, 3]),
        ("OPEN: 1-3", [1, 2, 3]),
        ("OPEN: 2 – 3", [2, 3]),
        ("OPEN: 1 to 2", [1, 2]),
        ("OPEN: all", [1, 2, 3]),
        ("**OPEN:** All of them.", [1, 2, 3]),
        ("OPEN: 1, 3\nPoint 2 is dealt with.", [1, 3]),
    ],
)
async def test_every_point_named_as_open_is_worked_on(
    room: Room, verdict: str, points: list[int]
) -> None:
    faults = [Feedback(problem=f"Fault number {number}.", suggestion="") for number in (1, 2, 3)]
    room.backend.reply("A better tale.", verdict, "A good tale.", "OPEN: none")
    await rewrite(room, feedbacks=faults)
    again = room.messages(2)[-1]["content"]
    assert [number for number in (1, 2, 3) if f"Fault number {number}." in again] == points


async def test_all_that_are_dealt_with_are_not_open(room: Room) -> None:
    room.backend.reply("A better tale.", "OPEN: all points are dealt with", "2", "1")
    assert (await rewrite(room)).answer == "A better tale."


async def test_a_first_round_that_stalls_leaves_the_output(room: Room) -> None:
    room.backend.reply(HangAfter("A better"))
    result = await rewrite(room, deadline=time.monotonic() + 1.5)
    assert (result.answer, result.truncated) == ("A tale.", "")
    assert result.stopped_by_deadline


async def test_no_first_round_is_an_error(room: Room) -> None:
    room.backend.default(Status(503))
    with pytest.raises(BackendUnavailable):
        await rewrite(room, deadline=time.monotonic() + 2)


async def test_neither_schema_nor_playbook_is_touched(room: Room) -> None:
    await room.knows("Answer in French")
    room.backend.reply("Round 1.", "OPEN: 1", "Round 2.", "OPEN: none")
    await rewrite(room)
    assert all("response_format" not in request.body for request in room.asked)
    assert all("Answer in French" in request.prompt for request in room.asked)
    assert await room.known() == ["Answer in French"]

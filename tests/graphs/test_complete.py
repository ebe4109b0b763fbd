"""Every way through `complete`."""

import asyncio
import time
from pathlib import Path

import pytest

from machine_room import Room, machine_room, settings_for
from nodes.errors import BackendUnavailable
from scripted import Disconnect, Hang, HangAfter, Scripted, Slow, Status, Text, Truncated, until

DRAFT = {"complete_strategy": "draft"}
VOTE = {"complete_strategy": "vote", "vote_samples": 3}
BOTH_PROVIDERS = pytest.mark.parametrize("room", ["vllm", "openai"], indirect=True)


@pytest.mark.parametrize("room", [DRAFT], indirect=True)
async def test_draft_asks_once(room: Room) -> None:
    room.backend.reply("6 * 7 = 41\nAnswer: 41")
    result = await room.complete("What is 6 * 7?")
    assert (result.answer, result.strategy) == ("6 * 7 = 41\nAnswer: 41", "draft")
    assert room.path == ["recall", "draft", "remember"]
    assert len(room.asked) == len(result.calls) == 1


@BOTH_PROVIDERS
async def test_a_second_solution_that_agrees_ends_it(room: Room) -> None:
    room.backend.reply("6 eggs and 7 more: 13\nAnswer: 13", "Answer: **13** eggs")
    result = await room.complete("Ann has 6 eggs and finds 7 more. How many?")
    assert result.answer == "6 eggs and 7 more: 13\nAnswer: 13"
    assert room.path == ["recall", "draft", "sample", "choose", "remember"]


@BOTH_PROVIDERS
async def test_disagreement_buys_a_further_sample(room: Room) -> None:
    room.backend.reply("Answer: 12", "Answer: 13", "By counting.\nAnswer: 13.0")
    result = await room.complete("Ann has 6 eggs and finds 7 more. How many?")
    assert result.answer == "Answer: 13"
    assert room.path == ["recall", "draft", "sample", "sample", "choose", "remember"]
    assert len(result.calls) == 3


async def test_samples_are_bounded_and_without_a_majority_the_draft_stands(room: Room) -> None:
    room.backend.reply("Answer: 1", "Answer: 2", "Answer: 3")
    result = await room.complete("How many?")
    assert result.answer == "Answer: 1"
    assert room.path.count("sample") == 2


async def test_samples_are_independent_of_the_draft(room: Room) -> None:
    room.backend.reply("Answer: B", "Answer: (B) Paris")
    await room.complete("Which?")
    draft, sample = room.asked
    assert sample.body["messages"] == draft.body["messages"]
    assert sample.body["temperature"] >= 0.7


@pytest.mark.parametrize(
    ("said", "won"),
    [
        (("Answer: C", "Paris, so the answer is (B).", "The answer is (B)."), 1),
        (("\\boxed{C}", "\\boxed{\\text{B}}", "\\boxed{B}"), 1),
        (("Answer: 41", "Answer: She has 42 apples.", "Answer: She has 42 apples."), 1),
        (("Answer: 41", "Answer:\n$$\n42\n$$", "\\boxed{42}"), 1),
        (("Answer: 3 PM", "Answer: 3 AM", "Answer: 3:00 a.m."), 1),
        (("Answer: 1", "Answer: √3/2", "\\boxed{\\frac{\\sqrt3}{2}}"), 1),
        (("Answer: 5 minutes", "Answer: 5 hours", "Answer: 5"), 0),
        (("\\boxed{3 - i}", "\\boxed{3 + i}", "\\boxed{3}"), 0),
    ],
)
async def test_answers_agree_when_they_say_the_same(
    room: Room, said: tuple[str, ...], won: int
) -> None:
    room.backend.reply(*said)
    result = await room.complete("What is it?")
    assert result.answer == said[won]
    assert len(room.asked) == 3


async def test_several_queries_agree_only_in_all_their_answers(room: Room) -> None:
    first, second = (f"Query 1\nAnswer: {number}\nQuery 2\nAnswer: 7" for number in (5, 6))
    room.backend.reply(first, second, second)
    result = await room.complete("How many?", queries=["The first", "The second"])
    assert result.answer == second
    assert len(room.asked) == 3


@pytest.mark.parametrize("room", [VOTE], indirect=True)
async def test_vote_draws_its_samples_at_the_same_time(room: Room) -> None:
    room.backend.when(lambda request: request.streamed, "Answer: 12")
    room.backend.default(Slow("Answer: 13", 0.1))
    result = await room.complete("How many?")
    assert result.answer == "Answer: 13"
    assert room.path == ["recall", "draft", "choose", "remember"]
    assert room.backend.most_in_flight > 1
    assert len(result.calls) == 3


@pytest.mark.parametrize("room", [VOTE], indirect=True)
async def test_vote_without_readable_answers_keeps_a_whole_one(room: Room) -> None:
    room.backend.when("not right", "PASS").when("Check your answer", "PASS")
    room.backend.when(lambda request: request.streamed, Truncated("Once upon")).default("A tale.")
    result = await room.complete("Tell a tale.")
    assert (result.answer, result.truncated) == ("A tale.", "")


@pytest.mark.parametrize("room", [VOTE], indirect=True)
async def test_vote_answers_with_a_whole_sample(room: Room) -> None:
    cut = Truncated("So the answer is 42. However, we must still al")
    room.backend.when(lambda request: request.streamed, cut).default("Answer: 42")
    result = await room.complete("How many?")
    assert (result.answer, result.truncated) == ("Answer: 42", "")


@pytest.mark.parametrize("room", [VOTE], indirect=True)
async def test_vote_goes_on_with_the_samples_that_came(room: Room) -> None:
    room.backend.when(lambda request: request.streamed, Status(400)).default("Answer: 13")
    result = await room.complete("How many?")
    assert result.answer == "Answer: 13"


@pytest.mark.parametrize("room", [VOTE], indirect=True)
async def test_vote_fails_when_every_sample_does(room: Room) -> None:
    room.backend.default(Status(503))
    with pytest.raises(BackendUnavailable):
        await room.complete("How many?", deadline=time.monotonic() + 2)


@BOTH_PROVIDERS
async def test_an_unreadable_answer_that_passes_stands(room: Room) -> None:
    room.backend.reply("Machine learning is this and that.", "PASS")
    result = await room.complete("What is machine learning?")
    assert result.answer == "Machine learning is this and that."
    assert room.path == ["recall", "draft", "check", "remember"]


async def test_a_check_is_a_further_turn_of_the_draft(room: Room) -> None:
    room.backend.reply("This and that.", "PASS")
    await room.complete("What is machine learning?")
    draft, check = room.messages(0), room.messages(1)
    assert check[: len(draft)] == draft
    assert [turn["role"] for turn in check[len(draft) :]] == ["assistant", "user"]
    assert check[len(draft)]["content"] == "This and that."


@BOTH_PROVIDERS
async def test_a_revision_that_wins_in_both_orders_replaces_the_draft(room: Room) -> None:
    room.backend.reply("A draft.", "REVISE: it is dull", "A better text.", "2", "1", "PASS")
    result = await room.complete("Write a text.")
    assert result.answer == "A better text."
    assert room.path == ["recall", "draft", "check", "revise", "compare", "check", "remember"]
    first, second = room.asked[3].prompt, room.asked[4].prompt
    assert first.index("A draft.") < first.index("A better text.")
    assert second.index("A better text.") < second.index("A draft.")


async def test_a_judge_that_contradicts_itself_is_asked_once_more(room: Room) -> None:
    picks = ("2", "2", "2", "1")
    room.backend.reply("A draft.", "REVISE: it is dull", "A better text.", *picks, "PASS")
    result = await room.complete("Write a text.")
    assert result.answer == "A better text."


@pytest.mark.parametrize(
    "picks",
    [("1",), ("2", "2", "2", "2"), ("2", "2", "1"), ("both",), ("1 or 2",), ("2", "neither")],
)
async def test_the_draft_stands_unless_both_orders_prefer_the_revision(
    room: Room, picks: tuple[str, ...]
) -> None:
    room.backend.reply("A draft.", "REVISE: it is dull", "Another text.", *picks)
    result = await room.complete("Write a text.")
    assert result.answer == "A draft."
    assert room.path == ["recall", "draft", "check", "revise", "compare", "remember"]


@pytest.mark.parametrize(
    "revision",
    [
        "A draft, long enough to be compared with.",  # the same again
        "PASS",
        "Ok.",
        Truncated("Another draft, long enough but cut"),
    ],
)
async def test_what_is_no_whole_revision_is_not_compared(room: Room, revision: str | Text) -> None:
    draft = "A draft, long enough to be compared with."
    room.backend.reply(draft, "REVISE: it is dull", revision)
    result = await room.complete("Write a text.")
    assert result.answer == draft
    assert room.path == ["recall", "draft", "check", "revise", "remember"]


@pytest.mark.parametrize("verdict", ["PASS", "**PASS**", "Pass.", "I think so", "REVISE:", ""])
async def test_what_names_no_fault_passes(room: Room, verdict: str) -> None:
    room.backend.reply("A draft.", *([verdict] if verdict else [Text(" ")] * 3))
    result = await room.complete("Write a text.")
    assert (result.answer, room.path[-2:]) == ("A draft.", ["check", "remember"])


@pytest.mark.parametrize(
    "verdict", ["REVISE: dull", "**REVISE:** dull", "Verdict: REVISE - dull", "revise: dull"]
)
async def test_a_fault_is_read_in_its_usual_spellings(room: Room, verdict: str) -> None:
    room.backend.reply("A draft.", verdict, "Ok")
    room.backend.default("1")
    await room.complete("Write a text.")
    assert "Something is wrong with your answer: dull" in room.messages(2)[-1]["content"]


@pytest.mark.parametrize("room", [{"max_revisions": 2}], indirect=True)
async def test_revisions_are_bounded(room: Room) -> None:
    texts = iter(f"Text number {number}." for number in range(20))
    room.backend.when("Something is wrong", lambda _: next(texts))
    room.backend.when("Here are two answers", "2", "1", "2", "1")
    room.backend.when("Check your answer", "REVISE: still dull").default("A draft.")
    result = await room.complete("Write a text.")
    assert room.path.count("revise") == 2
    assert result.answer == "Text number 1."


@pytest.mark.parametrize("room", [{"max_revisions": 0}], indirect=True)
async def test_without_revisions_no_check_is_paid_for(room: Room) -> None:
    room.backend.reply("A draft.")
    await room.complete("Write a text.")
    assert room.path == ["recall", "draft", "remember"]


async def test_a_truncated_draft_is_the_answer_and_says_so(room: Room) -> None:
    room.backend.reply(Truncated("Once upon a"))
    result = await room.complete("Tell a tale.")
    assert (result.answer, result.truncated) == ("Once upon a", "length")
    assert room.path == ["recall", "draft", "remember"]


async def test_a_draft_that_stalls_is_kept_as_far_as_it_came(room: Room) -> None:
    room.backend.reply(HangAfter("Once upon a"))
    result = await room.complete("Tell a tale.", deadline=time.monotonic() + 1.5)
    assert (result.answer, result.truncated) == ("Once upon a", "deadline")
    assert result.stopped_by_deadline


async def test_a_draft_whose_connection_breaks_is_asked_again(room: Room) -> None:
    room.backend.reply(Disconnect("Once"), "Once upon a time.", "PASS")
    result = await room.complete("Tell a tale.")
    assert (result.answer, result.truncated) == ("Once upon a time.", "")
    assert result.calls[0].retries == 1


async def test_a_draft_that_never_gets_through_is_kept_as_far_as_it_came(room: Room) -> None:
    room.backend.reply(Disconnect("Once"), Disconnect("Once upon a"))
    room.backend.default(Disconnect("Once upon"))
    result = await room.complete("Tell a tale.", deadline=time.monotonic() + 3)
    assert (result.answer, result.truncated) == ("Once upon a", "connection")


@pytest.mark.parametrize(
    ("script", "node"),
    [
        (["Answer: 1", Status(400)], "sample"),
        (["A draft.", Status(400)], "check"),
        (["A draft.", "REVISE: dull", Status(400)], "revise"),
        (["A draft.", "REVISE: dull", "Another.", Status(400)], "compare"),
        (["A draft.", "REVISE: dull", "Another.", "2", Status(400)], "compare"),
    ],
)
async def test_a_later_step_that_fails_leaves_the_draft(
    room: Room, script: list[str | Status], node: str
) -> None:
    room.backend.reply(*script)
    result = await room.complete("Write.")
    assert result.answer == script[0]
    assert node in room.path
    assert room.path[-1] == "remember"
    assert result.fallbacks == [f"{node} failed"]
    assert not result.stopped_by_deadline


@pytest.mark.parametrize(
    "script",
    [
        ["Answer: 1", Hang()],
        ["A draft.", Hang()],
        ["A draft.", "REVISE: dull", Hang()],
        ["A draft.", "REVISE: dull", "Another.", Hang()],
    ],
)
async def test_a_later_step_that_runs_late_leaves_the_draft(
    room: Room, script: list[str | Hang]
) -> None:
    room.backend.reply(*script)
    async with asyncio.timeout(15):
        result = await room.complete("Write.", deadline=time.monotonic() + 3)
    assert result.answer == script[0]
    assert result.stopped_by_deadline


async def test_a_later_step_that_will_not_fit_is_not_begun(room: Room) -> None:
    # The first answer shows a pace at which a second one would not end in time.
    room.backend.reply(Slow("slow " * 50 + "tale.", 0.02))
    result = await room.complete("Tell a tale.", deadline=time.monotonic() + 2.4)
    assert len(room.asked) == 1
    assert result.stopped_by_deadline
    assert not result.truncated


async def test_an_answer_is_remembered_and_part_of_the_next_prompt(room: Room) -> None:
    room.backend.default("PASS").reply("Anna is your name.")
    await room.complete("Remember", queries=["My name is Anna."])
    await room.complete("What is my name?")
    contents = [(turn["role"], turn["content"]) for turn in room.messages(2)]
    assert contents[1:] == [
        ("user", "Remember\n\nMy name is Anna."),
        ("assistant", "Anna is your name."),
        ("user", "What is my name?"),
    ]


async def test_history_can_be_left_out(room: Room) -> None:
    room.backend.default("PASS")
    await room.complete("First.")
    await room.complete("Second.", use_conversation_history=False)
    assert len(room.messages()) in (2, 4)  # the draft, or the check of the draft
    assert all("First." not in request.prompt for request in room.asked[2:])
    kept = await room.miner.conversations.messages("ann")
    assert [message.content for message in kept] == ["First.", "PASS"]


@pytest.mark.parametrize("kept", [1, 3, 4])
async def test_history_is_bounded_and_alternates(
    tmp_path: Path, backend: Scripted, kept: int
) -> None:
    settings = settings_for(tmp_path, backend, max_conversation_messages=kept, **DRAFT)
    backend.default("An answer.")
    async with machine_room(settings, backend) as room:
        for number in range(5):
            await room.complete(f"Question {number}.")
        roles = [turn["role"] for turn in room.messages()[1:]]
    assert len(roles) <= kept + 1
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


async def test_the_playbook_is_in_the_prompt_of_its_user_only(room: Room) -> None:
    room.backend.default("PASS")
    await room.knows("Answer in French")
    await room.complete("Say hello.")
    await room.complete("Say hello.", cid="bob")
    await room.complete("Say hello.", use_playbook=False)
    systems = [request.body["messages"][0]["content"] for request in room.asked]
    assert ["Answer in French" in system for system in systems] == [True, True] + [False] * 4


async def test_neither_schema_nor_playbook_is_touched(room: Room) -> None:
    room.backend.reply("A draft.", "REVISE: dull", "Another.", "2", "1", "PASS")
    await room.complete("I only want answers in French.")
    assert all("response_format" not in request.body for request in room.asked)
    assert await room.known() == []


async def test_a_run_that_is_cancelled_ends_the_model_call(room: Room) -> None:
    room.backend.reply(HangAfter("Once"))
    run = asyncio.create_task(room.complete("Tell a tale."))
    await until(lambda: room.asked)
    run.cancel()
    await asyncio.wait([run])
    await until(lambda: room.asked[0].disconnected)
    assert run.cancelled()

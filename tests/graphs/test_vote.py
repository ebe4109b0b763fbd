"""The vote of `complete`: waves, ties, what ends it, and what each provider does by itself."""

import time

import pytest

from machine_room import Room
from nodes.state import PreviousOutput
from scripted import Hang, HangAfter, Recorded, Slow

AUTO = {"complete_strategy": "auto"}
VOTE = AUTO | {"complete_strategy": "vote", "vote_samples": 9}


@pytest.mark.parametrize("room", [AUTO], indirect=True)
async def test_a_unanimous_wave_decides_a_vote_of_eight(room: Room) -> None:
    room.backend.default("They differ, so no.\nAnswer: No")
    result = await room.complete("Is it so?")
    assert (result.answer[-2:], result.strategy) == ("No", "vote")
    assert room.path == ["recall", "draft", "choose", "remember"]
    assert len(room.asked) == 4


@pytest.mark.parametrize("room", [AUTO | {"provider": "openai"}], indirect=True)
async def test_where_each_call_is_billed_two_that_agree_are_enough(room: Room) -> None:
    room.backend.default("Answer: Marie Curie")
    result = await room.complete("Who was it?")
    assert (result.strategy, len(room.asked)) == ("check", 2)


@pytest.mark.parametrize("room", [VOTE], indirect=True)
async def test_further_waves_are_drawn_while_undecided(room: Room) -> None:
    said = iter([1, 1, 2, 3, 2, 2, 2, 2, 2])
    room.backend.default(lambda _: f"Answer: {next(said)}")
    result = await room.complete("How many?")
    assert result.answer == "Answer: 2"
    assert room.path.count("sample") > 0


@pytest.mark.parametrize("room", [AUTO], indirect=True)
async def test_samples_that_cannot_change_the_outcome_are_broken_off(room: Room) -> None:
    def answer(request: Recorded) -> Slow | Hang | str:
        return "Answer: 7" if len(room.asked) <= 5 else Hang()

    room.backend.reply("Answer: 7", "Answer: 7", "Answer: 7", "Answer: 8").default(answer)
    began = time.monotonic()
    result = await room.complete("How many?")
    assert result.answer == "Answer: 7"
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("room", [AUTO], indirect=True)
async def test_prose_is_drafted_once_and_checked(room: Room) -> None:
    told = "There was a fox who lived under the roots of an old oak and counted nuts."
    room.backend.when("Check your answer", "PASS").default(told)
    result = await room.complete("Tell a tale.")
    assert (result.answer, room.path[-2:]) == (told, ["check", "remember"])


@pytest.mark.parametrize("room", [AUTO], indirect=True)
async def test_a_vote_ends_with_its_half_of_the_time(room: Room) -> None:
    room.backend.reply("Answer: 7").default(HangAfter("Answer"))
    began = time.monotonic()
    result = await room.complete("How many?", deadline=began + 10)
    assert result.answer == "Answer: 7"
    assert time.monotonic() - began < 8  # the calls themselves would go on until then


@pytest.mark.parametrize("room", [VOTE], indirect=True)
async def test_formulas_that_take_too_long_to_compare_do_not_cost_the_answer(room: Room) -> None:
    bases = iter(range(2, 100))
    room.backend.default(lambda _: f"Answer: ${next(bases)}^{{9^{{9^{{9}}}}}} + x$")
    began = time.monotonic()
    result = await room.complete("Which function is it?", deadline=began + 6)
    assert result.answer.startswith("Answer: $")
    assert time.monotonic() < began + 6


async def test_formulas_that_take_too_long_to_compare_leave_the_outputs_to_the_model(
    room: Room,
) -> None:
    room.backend.default("Answer: x")
    texts = [f"Answer: ${base}^{{9^{{9^{{9}}}}}} + x$" for base in range(2, 8)]
    outputs = [PreviousOutput(component="complete", immediate_response=text) for text in texts]
    began = time.monotonic()
    result = await room.run("aggregate", previous_outputs=outputs, deadline=began + 6)
    assert result.answer
    assert time.monotonic() < began + 6

"""Which final answers are counted as the same, and which never are."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from reading import cases, read

from nodes.answers import read_answer, same
from nodes.comparer import Comparer


@pytest.fixture
async def comparer() -> AsyncIterator[Comparer]:
    async with Comparer.open(limit_seconds=60) as opened:  # on a busy machine
        yield opened


async def test_common_spellings_of_an_answer_are_counted_as_one(comparer: Comparer) -> None:
    strays = {}
    for name, spellings in cases("same").items():
        groups = await comparer.groups([read(text) for text in spellings])
        if set(groups) != {0}:
            strays[name] = dict(zip(spellings, groups, strict=True))
    assert strays == {}


async def test_different_answers_are_never_counted_as_one(comparer: Comparer) -> None:
    wrong = {}
    for name, answers in cases("different").items():
        groups = await comparer.groups([read(text) for text in answers])
        if len(set(groups)) != len(answers):
            wrong[name] = dict(zip(answers, groups, strict=True))
    assert wrong == {}


async def test_upstreams_example_gives_four_votes_to_one(comparer: Comparer) -> None:
    texts = [
        "The answer is 42.",
        "I think the answer is 42.",
        "Calculation shows 42 as the result.",
        "The correct answer is 41.",
        "Based on my analysis, it's 42.",
    ]
    assert await comparer.groups(list(map(read, texts))) == [0, 0, 0, 1, 0]


async def test_a_unit_may_be_left_out_where_nobody_contradicts_it(comparer: Comparer) -> None:
    five, hours, minutes = map(read_answer, ("Answer: 5", "Answer: 5 hours", "Answer: 5 minutes"))
    assert await comparer.groups([five, hours, None]) == [0, 0, None]
    assert await comparer.groups([five, hours, minutes, five]) == [0, 1, 2, 0]


async def test_a_formula_that_takes_too_long_is_told_from_others_and_ends_its_worker() -> None:
    endless = read_answer("Answer: $9^{9^{9^{9}}} + x$"), read_answer("Answer: $8^{9^{9^{9}}} + x$")
    quick = read_answer("Answer: $2x+3$"), read_answer("Answer: $3+2x$")
    assert same(*quick) is None
    async with Comparer.open(limit_seconds=1.0) as comparer:
        assert await comparer.groups(quick) == [0, 0]
        first = comparer.worker
        assert await comparer.groups(endless) == [0, 1]
        assert first is not None
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        assert await comparer.groups(quick) == [0, 0]


async def test_no_process_is_started_for_what_needs_none(comparer: Comparer) -> None:
    await comparer.groups([read("Answer: 42"), read("Answer: B"), read("Answer: (1, 2)")])
    assert comparer.worker is None


async def test_a_caller_who_leaves_does_not_mix_up_the_answers(comparer: Comparer) -> None:
    equal = read_answer("Answer: $2x+3$"), read_answer("Answer: $3+2x$")
    unequal = read_answer("Answer: $2x+4$"), read_answer("Answer: $3+2x$")
    assert await comparer.groups(equal, within=0.0) == [0, 1]
    leaving = asyncio.create_task(comparer.groups(equal))
    await asyncio.sleep(0.01)
    leaving.cancel()
    assert await comparer.groups(unequal) == [0, 1]
    assert await comparer.groups(equal) == [0, 0]


async def test_a_worker_that_is_being_started_is_ended_too() -> None:
    formulas = read_answer("Answer: $2x+3$"), read_answer("Answer: $3+2x$")
    async with Comparer.open() as comparer:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await comparer.groups(formulas)
    assert comparer.worker is None

"""Independent solutions of a task, and the vote of their final answers.

Self-consistency: Wang et al. 2022, arXiv:2203.11171; samples are drawn only while the outcome can
change, as in adaptive consistency: Aggarwal et al. 2023, arXiv:2305.11860.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass

from nodes import materials
from nodes.answers import FinalAnswer, read_answer, read_answers
from nodes.context import Parts, compose
from nodes.errors import MinerError
from nodes.llm.providers import row_of
from nodes.llm.turns import Reply
from nodes.miner import Miner
from nodes.state import (
    Call,
    CompleteState,
    CompleteUpdate,
    Options,
    Request,
    Sample,
    State,
    Tally,
)
from nodes.steps import ask, deadline, options
from settings import Settings, Strategy

SYSTEM = """\
You are a careful assistant. Do exactly what the task asks, correctly and completely, and answer \
in plain text. Think before you conclude, and show your reasoning where the task needs some. \
Follow the user's preferences where there are any. Only if the task has one short final answer, \
end with a line that begins with `Answer:` and gives it alone, as a number, an expression, a word \
or a letter, whichever fits."""
INDEPENDENT_TEMPERATURE = 0.7  # identical samples would prove nothing by agreeing
CHECK_SAMPLES = 3  # a draft, a second opinion, and a third where these differ
VOTE_SHARE = 0.5  # of the time that is left when a vote begins
COMPARING = 0.25  # of the time left, which comparing formulas may take at most
ENOUGH = 0.5  # the share of the samples that must have a final answer
FEWEST_UNREAD = 2  # samples without one before the others are given up

Asking = Coroutine[None, None, Reply]


@dataclass(frozen=True, slots=True)
class Plan:
    """At most `samples` are drawn, `wave` at a time, within a share of the time that is left."""

    strategy: Strategy
    samples: int = 1
    wave: int = 1
    share: float = 1.0


def plan(settings: Settings, chosen_for_run: Options) -> Plan:
    """How `complete` draws its samples: as run or settings say, else as suits the provider."""
    row = row_of(settings)
    chosen = chosen_for_run.strategy or settings.complete_strategy
    strategy = row.strategy if chosen == "auto" else chosen
    if strategy == "draft":
        return Plan(strategy)
    if strategy == "check":
        return Plan(strategy, CHECK_SAMPLES)
    samples = chosen_for_run.samples or settings.vote_samples or row.vote_samples
    return Plan(strategy, samples, row.wave, VOTE_SHARE)


async def draft(miner: Miner, state: CompleteState) -> CompleteUpdate:
    """The first answer, and with it the others of its wave."""
    # At the end of the request small models answer the instruction instead of the task.
    parts = Parts(
        system=materials.system_of(state, SYSTEM, materials.document_instruction(state)),
        preferences=state.preferences,
        history=state.history,
        task=state.task,
        asked=materials.of_queries(state),
        materials=materials.of_outputs(state.previous_outputs),
        closing=materials.closing_of(state),
    )
    prompt = await compose(miner, parts)
    planned = plan(miner.settings, options())
    now = time.monotonic()
    begun: CompleteUpdate = {
        "prompt": prompt.turns,
        "cut": [*state.cut, *(part for part in prompt.cut if part not in state.cut)],
        "strategy": planned.strategy,
        "tally": Tally(left=planned.samples),
        "vote_until": now + planned.share * (deadline(state) - now),
    }
    state = state.model_copy(update=dict(begun))
    drawn = await _draw(miner, state, [ask(miner, state, prompt.turns, keep_partial=True)])
    samples = drawn["samples"]
    first = next((sample for sample in samples if not sample.truncated), samples[0])
    return {**begun, **drawn, "answer": first.text, "truncated": first.truncated}


async def sample(miner: Miner, state: CompleteState) -> CompleteUpdate:
    """Another wave of answers to the same prompt."""
    return await _draw(miner, state, [])


async def choose(_: Miner, state: CompleteState) -> CompleteUpdate:
    """Answer with the sample that the votes favour."""
    if state.tally.leader is None:
        return {}
    return {"answer": state.samples[state.tally.leader].text, "truncated": ""}


def final_answers(request: Request, text: str) -> list[FinalAnswer]:
    """The final answers to all queries of a request; none where any cannot be read."""
    asked = len(request.queries)
    if asked > 1:
        return read_answers(text, asked) or []
    found = read_answer(text, question=request.question)
    return [found] if found else []


async def groups(
    miner: Miner, state: State, solutions: Sequence[Sequence[FinalAnswer]]
) -> list[tuple[int, ...] | None]:
    """For the final answers of each solution what tells them from others; `None` without any."""
    asked = max(map(len, solutions), default=0)
    columns = [
        await miner.comparer.groups(
            [each[query] if each else None for each in solutions],
            within=COMPARING * max(0.0, deadline(state) - time.monotonic()),
        )
        for query in range(asked)
    ]
    rows: list[tuple[int, ...] | None] = []
    for row in zip(*columns, strict=True):
        found = tuple(group for group in row if group is not None)
        rows.append(found if len(found) == asked else None)
    return rows or [None for _ in solutions]


async def _draw(miner: Miner, state: CompleteState, asked: list[Asking]) -> CompleteUpdate:
    """Draw a wave: `asked`, and as many others as belong to it, until the outcome is decided."""
    temperature = max(miner.settings.temperature, INDEPENDENT_TEMPERATURE)
    wave = plan(miner.settings, options()).wave
    others = min(wave, state.tally.left) - len(asked)
    asked += [ask(miner, state, state.prompt, temperature=temperature) for _ in range(others)]
    tasks = [asyncio.create_task(each) for each in asked]
    try:
        samples, tally = await _followed(miner, state, tasks)
        replies = _replies(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    calls = [reply.call for reply in replies]
    return {
        "samples": samples,
        "tally": _closed(miner, state, tally, [*state.calls, *calls]),
        "rounds": state.rounds + 1,
        "calls": calls,
    }


async def _followed(
    miner: Miner, state: CompleteState, tasks: list[asyncio.Task[Reply]]
) -> tuple[list[Sample], Tally]:
    """The samples and their tally when it is decided, or all tasks are done, or time is up.

    Raises what the first of the tasks failed with, if all did.
    """
    samples, tally, pending = state.samples, state.tally, set(tasks)
    while pending:
        left = max(0.0, state.vote_until - time.monotonic()) if _whole(samples) else None
        done, pending = await asyncio.wait(
            pending, timeout=left, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            break
        replies = _replies(tasks)
        if not (replies or pending):
            raise next(error for task in tasks if (error := task.exception()))
        samples = [*state.samples, *(_sample(state, reply) for reply in replies)]
        # Until the draft is there, it may still take the lead by a tie, or be all there is.
        begun = bool(state.samples) or tasks[0].done()
        not_drawn = state.tally.left - len(tasks) + len(pending)
        tally = await _tally(miner, state, samples, not_drawn, begun=begun)
        if tally.decided and (begun or tally.leader is not None):
            break
    return samples, tally


def _replies(tasks: list[asyncio.Task[Reply]]) -> list[Reply]:
    """The answers that have come. Raises what a task failed with, if that is a fault of ours."""
    errors = {task: task.exception() for task in tasks if task.done()}
    for error in errors.values():
        if error and not isinstance(error, MinerError):
            raise error
    return [task.result() for task, error in errors.items() if error is None]


async def _tally(
    miner: Miner, state: CompleteState, samples: list[Sample], left: int, *, begun: bool
) -> Tally:
    """Count. Of final answers with as many votes the one given first leads.

    It is decided when those who have not voted cannot put another in front, and when so many
    have no final answer that this is no question to vote on.
    """
    places = _whole(samples)
    found = await groups(miner, state, [samples[place].answers for place in places])
    votes = Counter(group for group in found if group is not None)
    if votes.total() < max(1, ENOUGH * len(places)):
        return Tally(left=left, decided=not votes and len(places) >= FEWEST_UNREAD)
    (first, most), *others = votes.most_common()
    lead = most - (others[0][1] if others else 0)
    leader = places[found.index(first)]
    decided = lead > left or (lead == left and leader == 0 and begun)
    return Tally(leader=leader, left=left, decided=decided)


def _closed(miner: Miner, state: CompleteState, tally: Tally, calls: list[Call]) -> Tally:
    """The tally after a wave: decided, too, if no other wave can be drawn in the vote's time."""
    expected = calls[0].completion_tokens if calls else 0
    shared = state.vote_until < deadline(state)
    late = shared and not miner.model.fits(state.vote_until, expected)
    return tally.model_copy(update={"decided": tally.decided or tally.left <= 0 or late})


def _whole(samples: list[Sample]) -> list[int]:
    return [place for place, sample in enumerate(samples) if not sample.truncated]


def _sample(state: CompleteState, reply: Reply) -> Sample:
    answers = [] if state.strategy == "draft" else final_answers(state, reply.text)
    return Sample(text=reply.text, answers=answers, truncated=reply.truncated)

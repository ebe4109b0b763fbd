"""The first answer to a task, and further independent ones."""

import asyncio
from collections.abc import Sequence

from nodes import materials
from nodes.answers.arithmetic import wrong_equalities
from nodes.answers.final_answers import read_final_answer
from nodes.context import Parts, Prompt, compose
from nodes.errors import MinerError
from nodes.llm.turns import Reply
from nodes.miner import Miner
from nodes.state import CompleteState, CompleteUpdate, Sample, Turn
from nodes.steps import ask

SYSTEM = """\
You are a careful assistant. Do exactly what the task asks, correctly and completely, and answer \
in plain text. Think before you conclude, and show your reasoning where the task needs some. \
Follow the user's preferences where there are any. Only if the task has one short final answer, \
such as a number or the letter of a choice, end with a line of the form
Answer: <the number or the letter>"""
INDEPENDENT_TEMPERATURE = 0.7  # identical samples would prove nothing by agreeing


async def draft(miner: Miner, state: CompleteState) -> CompleteUpdate:
    """The first answer; with the strategy `vote`, several at the same time."""
    prompt = await _prompt(miner, state)
    wanted = miner.settings.vote_samples if miner.settings.complete_strategy == "vote" else 1
    replies = await _replies(miner, state, prompt.turns, wanted)
    samples = [_sample(reply) for reply in replies]
    best = next((sample for sample in samples if not sample.truncated), samples[0])
    return {
        "prompt": prompt.turns,
        "cut": prompt.cut,
        "samples": samples,
        "answer": best.text,
        "truncated": best.truncated,
        "strategy": miner.settings.complete_strategy,
        "rounds": 1,
        "calls": [reply.call for reply in replies],
    }


async def sample(miner: Miner, state: CompleteState) -> CompleteUpdate:
    """One more independent answer to the same prompt."""
    reply = await ask(miner, state, state.prompt, temperature=_independent(miner))
    return {
        "samples": [*state.samples, _sample(reply)],
        "rounds": state.rounds + 1,
        "calls": [reply.call],
    }


def expected_sample_tokens(state: CompleteState) -> int:
    """Tokens another answer is expected to have: about as many as the first."""
    return state.calls[0].completion_tokens if state.calls else 0


async def _prompt(miner: Miner, state: CompleteState) -> Prompt:
    return await compose(
        miner,
        Parts(
            system=SYSTEM,
            preferences=state.preferences,
            history=state.history,
            task=state.task,
            asked=materials.of_queries(state),
            materials=materials.of_outputs(state.previous_outputs),
            closing="\n".join(
                part
                for part in (materials.closing_of(state), materials.document_instruction(state))
                if part
            ),
        ),
    )


async def _replies(
    miner: Miner, state: CompleteState, turns: Sequence[Turn], wanted: int
) -> list[Reply]:
    first = ask(miner, state, turns, keep_partial=True)
    others = [ask(miner, state, turns, temperature=_independent(miner)) for _ in range(wanted - 1)]
    outcomes = await asyncio.gather(first, *others, return_exceptions=True)
    replies = [outcome for outcome in outcomes if isinstance(outcome, Reply)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    for failure in failures:
        if not replies or not isinstance(failure, MinerError):
            raise failure
    return replies


def _independent(miner: Miner) -> float:
    return max(miner.settings.temperature, INDEPENDENT_TEMPERATURE)


def _sample(reply: Reply) -> Sample:
    final = read_final_answer(reply.text)
    return Sample(
        text=reply.text,
        final=f"{final.kind} {final.value}" if final else "",
        sound=not wrong_equalities(reply.text),
        truncated=reply.truncated,
    )

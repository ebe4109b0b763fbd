"""Letting independent solutions decide by their final answers.

Self-consistency: Wang et al. 2022, arXiv:2203.11171; samples are drawn one by one until an answer
leads, as in adaptive consistency: Aggarwal et al. 2023, arXiv:2305.11860.
"""

from collections import Counter
from dataclasses import dataclass

from nodes.arithmetic import asked_value
from nodes.final_answers import FinalAnswer
from nodes.miner import Miner
from nodes.state import CompleteState, Sample, Update

AGREEMENT = 2


@dataclass(frozen=True, slots=True)
class Tally:
    """The votes for each final answer, and whether one has won."""

    votes: Counter[str]
    settled: bool
    leader: str


def tally(state: CompleteState) -> Tally:
    """Count the final answers of the samples whose arithmetic holds; of all, if none does.

    A question that is nothing but arithmetic is recomputed, and the result has a vote too. An
    answer has won when it has at least two votes and more than any other.
    """
    counted = [sample for sample in state.samples if sample.final and not sample.truncated]
    votes = Counter(sample.final for sample in counted if sample.sound)
    if not votes:
        votes = Counter(sample.final for sample in counted)
    if computed := _computed(state):
        votes[computed] += 1
    ranked = votes.most_common(2)
    if not ranked:
        return Tally(votes, settled=False, leader="")
    leader, most = ranked[0]
    runner_up = ranked[1][1] if len(ranked) > 1 else 0
    return Tally(votes, settled=most >= AGREEMENT and most > runner_up, leader=leader)


def readable(state: CompleteState) -> bool:
    """Whether a final answer can be read off any sample."""
    return any(sample.final for sample in state.samples)


def winner(state: CompleteState) -> Sample:
    """The sample to answer with: a sound one with the leading answer, else the first."""
    leader = tally(state).leader
    leading = [sample for sample in state.samples if sample.final == leader]
    leading.sort(key=lambda sample: not sample.sound)
    return leading[0] if leader and leading else state.samples[0]


async def choose(_: Miner, state: CompleteState) -> Update:
    """Answer with the sample that the votes favour."""
    chosen = winner(state)
    return {"answer": chosen.text, "truncated": chosen.truncated}


def _computed(state: CompleteState) -> str:
    for text in ("\n".join([state.task, *state.queries]).strip(), *state.queries, state.task):
        value = asked_value(text)
        if value is not None:
            final = FinalAnswer("number", str(value))
            return f"{final.kind} {final.value}"
    return ""

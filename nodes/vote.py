"""Letting independent solutions decide by their final answers.

Self-consistency: Wang et al. 2022, arXiv:2203.11171; samples are drawn one by one until an answer
leads, as in adaptive consistency: Aggarwal et al. 2023, arXiv:2305.11860.
"""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from nodes.arithmetic import agrees, asked_value
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

    An answer has won when it has at least two such votes and more than any other. A question
    that is nothing but arithmetic is recomputed: an answer with that value has won at once, and
    no other has before the samples are used up.
    """
    counted = [sample for sample in state.samples if sample.final and not sample.truncated]
    sound = Counter(sample.final for sample in counted if sample.sound)
    votes = sound or Counter(sample.final for sample in counted)
    computed = asked_value("\n".join(filter(str.strip, [state.task, *state.queries])))
    if computed is not None:
        right = next((sample.final for sample in counted if _is(sample.final, computed)), "")
        return Tally(votes, settled=bool(right), leader=right or _leader(votes))
    ranked = [count for _, count in sound.most_common(2)]
    settled = bool(ranked) and ranked[0] >= AGREEMENT and ranked[0] > sum(ranked[1:])
    return Tally(votes, settled=settled, leader=_leader(votes))


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


def _leader(votes: Counter[str]) -> str:
    return votes.most_common(1)[0][0] if votes else ""


def _is(final: str, value: Fraction) -> bool:
    kind, _, written = final.partition(" ")
    return kind == "number" and agrees(value, Fraction(written))

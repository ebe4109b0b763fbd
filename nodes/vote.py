"""Letting independent solutions decide by their final answers.

Self-consistency: Wang et al. 2022, arXiv:2203.11171; samples are drawn one by one until an answer
leads, as in adaptive consistency: Aggarwal et al. 2023, arXiv:2305.11860.
"""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from nodes.answers.agreement import Cast, counted_as
from nodes.answers.arithmetic import agrees, asked_value
from nodes.answers.final_answers import read_final_answers
from nodes.miner import Miner
from nodes.state import CompleteState, CompleteUpdate, Sample

AGREEMENT = 2
# A wrong step makes an answer doubtful, not wrong: it may have been put right, or not matter.
DOUBTFUL = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Tally:
    """The votes for each final answer, and whether one has won."""

    votes: Counter[Cast]
    settled: bool
    leader: Cast


def tally(state: CompleteState) -> Tally:
    """Count the final answers of the samples; one whose arithmetic fails has half a vote.

    Of two answers with as many votes, the one with more whole votes leads. An answer has won when
    it has at least two of these and more votes than all others. A question that is nothing but
    arithmetic is recomputed: an answer with that value has won at once, and no other has before
    the samples are used up.
    """
    counted = _counted(state)
    whole = Counter(key for sample, key in counted if sample.sound)
    votes = Counter(key for _, key in counted)
    weight = {key: whole[key] + DOUBTFUL * (votes[key] - whole[key]) for key in votes}
    leader = max(votes, key=lambda key: (weight[key], whole[key]), default=())
    computed = _computed(state)
    if computed is not None:
        right = next((key for _, key in counted if _is(key, computed)), ())
        return Tally(votes, settled=bool(right), leader=right or leader)
    leads = bool(votes) and weight[leader] > sum(weight.values()) - weight[leader]
    return Tally(votes, settled=leads and whole[leader] >= AGREEMENT, leader=leader)


def readable(state: CompleteState) -> bool:
    """Whether a final answer can be read off any whole sample."""
    return bool(_counted(state))


def winner(state: CompleteState) -> Sample:
    """A whole sample with the leading answer, if possible a sound one; else the first whole one."""
    leader = tally(state).leader
    leading = [sample for sample, key in _counted(state) if key == leader]
    leading.sort(key=lambda sample: not sample.sound)
    whole = [sample for sample in state.samples if not sample.truncated]
    return [*leading, *whole, *state.samples][0]


async def choose(_: Miner, state: CompleteState) -> CompleteUpdate:
    """Answer with the sample that the votes favour."""
    chosen = winner(state)
    return {"answer": chosen.text, "truncated": chosen.truncated}


def _counted(state: CompleteState) -> list[tuple[Sample, Cast]]:
    """The whole samples whose final answers can be read, with what these are counted as."""
    whole = [sample for sample in state.samples if not sample.truncated]
    keys = counted_as([_cast(sample, len(state.queries)) for sample in whole])
    return [(sample, key) for sample, key in zip(whole, keys, strict=True) if key is not None]


def _cast(sample: Sample, asked: int) -> Cast | None:
    if asked > 1:
        answers = read_final_answers(sample.text, asked)
        return None if answers is None else tuple(map(str, answers))
    return (sample.final,) if sample.final else None


def _computed(state: CompleteState) -> Fraction | None:
    if len(state.queries) > 1:
        return None
    return asked_value("\n".join(filter(str.strip, [state.task, *state.queries])))


def _is(cast: Cast, value: Fraction) -> bool:
    kind, _, written = cast[0].partition(" ")
    if kind != "number":
        return False
    number, *words = written.split()
    claimed = Fraction(number)
    return agrees(value, claimed) or ("%" in words and agrees(value, claimed / 100))

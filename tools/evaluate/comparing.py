"""Which of several strategies to use, and how sure the data are of it.

All strategies were asked the same questions, so they are compared question by question: McNemar's
exact test looks only at those that one got right and the other did not. Testing every pair makes
a chance finding likelier, so the p-values are raised by Holm's method.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from statistics import NormalDist

from tools.evaluate.asking import Answered, Frozen
from tools.evaluate.summary import CONFIDENCE, latencies

POWER = 0.8
SMALLEST_SHOWN = 0.001


class Pair(Frozen):
    """Two strategies on the same questions.

    `p` is the probability of a difference at least this large if there were none, for this pair
    alone; `p_adjusted` allows for all the pairs that were tested. `questions_needed` estimates
    how many questions would settle a difference as large as the one seen; `None` if none was.
    """

    first: str
    second: str
    only_first_right: int
    only_second_right: int
    p: float
    p_adjusted: float
    questions_needed: int | None

    @property
    def differ(self) -> bool:
        """Whether the data tell the two apart."""
        return self.p_adjusted < 1 - CONFIDENCE

    def names(self, *pair: str) -> bool:
        """Whether these are the two strategies."""
        return {self.first, self.second} == set(pair)


class Comparison(Frozen):
    """The recommended `strategy` (empty if none), and why.

    `sure` tells whether every other strategy is worse beyond chance. `asked` counts the questions
    that were put to all strategies; only those are compared.
    """

    asked: int
    pairs: list[Pair]
    strategy: str
    sure: bool
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class _Standing:
    name: str
    right: frozenset[int]
    accuracy: float
    p95: float

    @property
    def told(self) -> str:
        return f"{self.name} ({self.accuracy:.1%})"


def compare(answered: Mapping[str, Sequence[Answered]]) -> Comparison | None:
    """Compare strategies by name; `None` unless two or more were asked a same question."""
    asked = [{one.number for one in answers} for answers in answered.values()]
    common = set.intersection(*asked) if len(asked) > 1 else set()
    if not common:
        return None
    standings = [_standing(name, answers, common) for name, answers in answered.items()]
    tested = [_pair(first, second, len(common)) for first, second in combinations(standings, 2)]
    pairs = _adjusted(tested)
    strategy, sure, reasons = _recommend(standings, pairs, len(common))
    return Comparison(asked=len(common), pairs=pairs, strategy=strategy, sure=sure, reasons=reasons)


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided exact p-value for these numbers of questions that only one got right."""
    either = only_first + only_second
    tail = sum(math.comb(either, wins) for wins in range(min(only_first, only_second) + 1))
    return min(1.0, float(Fraction(2 * tail, 2**either)))


def shown_p(p: float) -> str:
    """A p-value as people write it."""
    return f"p < {SMALLEST_SHOWN}" if p < SMALLEST_SHOWN else f"p = {p:.3f}"


def _standing(name: str, answers: Sequence[Answered], common: set[int]) -> _Standing:
    counted = [one for one in answers if one.number in common]
    right = frozenset(one.number for one in counted if one.right)
    p95 = latencies(counted).get("p95", math.inf)
    return _Standing(name, right, len(right) / len(counted), p95)


def _pair(first: _Standing, second: _Standing, asked: int) -> Pair:
    only_first, only_second = len(first.right - second.right), len(second.right - first.right)
    p = mcnemar(only_first, only_second)
    return Pair(
        first=first.name,
        second=second.name,
        only_first_right=only_first,
        only_second_right=only_second,
        p=p,
        p_adjusted=p,
        questions_needed=_needed(only_first, only_second, asked),
    )


def _needed(only_first: int, only_second: int, asked: int) -> int | None:
    """Questions for a power of 80% at this rate of disagreement: Connor, Biometrics 43, 1987."""
    if only_first == only_second:
        return None
    share, difference = (only_first + only_second) / asked, abs(only_first - only_second) / asked
    normal = NormalDist()
    seen = normal.inv_cdf((1 + CONFIDENCE) / 2) * math.sqrt(share)
    found = normal.inv_cdf(POWER) * math.sqrt(share - difference**2)
    return math.ceil(((seen + found) / difference) ** 2)


def _adjusted(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs in their order, with p-values by Holm's step-down method."""
    raised: dict[int, float] = {}
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(pairs)), key=lambda at: pairs[at].p)):
        highest = max(highest, min(1.0, (len(pairs) - rank) * pairs[place].p))
        raised[place] = highest
    return [pair.model_copy(update={"p_adjusted": raised[at]}) for at, pair in enumerate(pairs)]


def _recommend(
    standings: Sequence[_Standing], pairs: Sequence[Pair], asked: int
) -> tuple[str, bool, list[str]]:
    """The most accurate strategy, or the fastest of those that the data cannot tell from it."""
    leader = max(standings, key=lambda one: (one.accuracy, -one.p95))
    if not leader.right:
        return "", False, ["No strategy got anything right."]
    against = [
        (one, next(pair for pair in pairs if pair.names(leader.name, one.name)))
        for one in standings
        if one is not leader
    ]
    worse = [_worse(leader, one, pair) for one, pair in against if pair.differ]
    undecided = [_undecided(leader, one, pair, asked) for one, pair in against if not pair.differ]
    if not undecided:
        return leader.name, True, worse
    equals = [leader, *(one for one, pair in against if not pair.differ)]
    chosen = min(equals, key=lambda one: one.p95)
    return chosen.name, False, [*undecided, _fastest(chosen, equals), *worse]


def _worse(leader: _Standing, one: _Standing, pair: Pair) -> str:
    return f"{one.told} is less accurate than {leader.told}: {shown_p(pair.p_adjusted)}."


def _undecided(leader: _Standing, one: _Standing, pair: Pair, asked: int) -> str:
    told = (
        f"The {asked} questions cannot tell {one.told} from {leader.told}: "
        f"{shown_p(pair.p_adjusted)}."
    )
    if pair.questions_needed is None or pair.questions_needed <= asked:
        return told
    return f"{told} About {pair.questions_needed} would settle a difference of this size."


def _fastest(chosen: _Standing, equals: Sequence[_Standing]) -> str:
    others = ", ".join(f"{one.name} {one.p95:.2f} s" for one in equals if one is not chosen)
    return (
        f"Of those that cannot be told apart, {chosen.name} is the fastest: 95% of its answers "
        f"came within {chosen.p95:.2f} s ({others})."
    )

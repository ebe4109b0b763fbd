"""What a run's answers come to."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import NormalDist, fmean

from tools.evaluate.asking import Answered, Frozen
from tools.evaluate.judging import WEIGHTS

CONFIDENCE = 0.95
PERCENTILES = (50, 90, 95, 99)


class Interval(Frozen):
    """Where the true share lies, with 95% confidence; both ends from 0 to 1."""

    low: float
    high: float


class Window(Frozen):
    """The last answers, as many as the network looks at, and the score it makes of them.

    `score` is their mean: by the published weights where they were judged, else the accuracy.
    `performance` is score ** temperature, before it is normalised over all miners.
    """

    size: int
    asked: int
    accuracy: float
    score: float
    temperature: float
    performance: float


class Summary(Frozen):
    """The figures of one run. Shares are from 0 to 1, latencies in seconds.

    Everything that is not right scores 0: `unreadable` answers state no final answer, `timeouts`
    came too late. `latency` is that of the answers that came in time.
    """

    asked: int
    right: int
    wrong: int
    unreadable: int
    timeouts: int
    errors: dict[str, int]
    accuracy: float
    interval: Interval
    window: Window
    latency: dict[str, float]
    model_calls: float | None
    rate_limit_waits: int
    seconds: float
    judged: int
    criteria: dict[str, float]


def summarize(
    answered: Sequence[Answered], *, window: int, temperature: float, seconds: float
) -> Summary:
    """The figures of at least one answer; `seconds` is what the run took."""
    outcomes = Counter(one.outcome for one in answered)
    calls = [one.model_calls for one in answered if one.model_calls is not None]
    latest = answered[-window:]
    judged = [one.criteria for one in answered if one.criteria is not None]
    mean = fmean(one.score for one in latest)
    return Summary(
        asked=len(answered),
        right=outcomes["right"],
        wrong=outcomes["wrong"],
        unreadable=outcomes["unreadable"],
        timeouts=outcomes["timeout"],
        errors=dict(Counter(one.error for one in answered if one.outcome == "error").most_common()),
        accuracy=outcomes["right"] / len(answered),
        interval=wilson(outcomes["right"], len(answered)),
        window=Window(
            size=window,
            asked=len(latest),
            accuracy=fmean(one.right for one in latest),
            score=mean,
            temperature=temperature,
            performance=mean**temperature,
        ),
        latency=latencies(answered),
        model_calls=sum(calls) / len(calls) if calls else None,
        rate_limit_waits=sum(one.waits for one in answered),
        seconds=seconds,
        judged=len(judged),
        criteria={name: fmean(each[name] for each in judged) for name in WEIGHTS if judged},
    )


def wilson(right: int, asked: int) -> Interval:
    """Wilson's score interval for a share: it holds for few answers and near 0 and 1, too."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = right / asked
    middle = (share + z * z / (2 * asked)) / (1 + z * z / asked)
    spread = z * math.sqrt(share * (1 - share) / asked + z * z / (4 * asked * asked))
    spread /= 1 + z * z / asked
    return Interval(low=max(0.0, middle - spread), high=min(1.0, middle + spread))


def latencies(answered: Sequence[Answered]) -> dict[str, float]:
    """p50, p90, p95, p99 and the longest, each a time that was measured; empty without any."""
    times = sorted(one.seconds for one in answered if one.arrived)
    if not times:
        return {}
    ranks = {f"p{percent}": math.ceil(percent / 100 * len(times)) for percent in PERCENTILES}
    return {name: times[rank - 1] for name, rank in ranks.items()} | {"max": times[-1]}


def rolling(answered: Sequence[Answered], window: int) -> Iterator[tuple[float, Interval]]:
    """After each answer, the accuracy of the window and its interval."""
    right = 0
    for place, one in enumerate(answered):
        right += one.right - (answered[place - window].right if place >= window else 0)
        size = min(place + 1, window)
        yield right / size, wilson(right, size)

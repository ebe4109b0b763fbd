"""What a miner did over the time that a page has been looking at it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from tools.playground.metrics import Buckets, Counters, Metrics, quantile

WINDOW = 60.0  # seconds: what a point tells of, so that it neither jumps nor lags
LOOKS_KEPT = 300  # three lines of as many points are still drawn whole by Gradio


@dataclass(frozen=True, slots=True)
class Look:
    """What a miner had counted at one time, in seconds since the epoch."""

    at: float
    requests: float
    errors: Mapping[str, float]  # by what became of the request
    tokens: Mapping[str, float]  # by kind
    requests_took: Buckets
    calls_took: Buckets
    in_work: float | None

    @classmethod
    def of(cls, metrics: Metrics, at: float) -> "Look":
        """Requests are those of components: looking is a request too."""
        of_components = metrics.of_components()
        errors = metrics.outcomes("errors_total", "").get("", {})
        tokens = metrics.by("model_tokens_total", "kind")
        return cls(
            at=at,
            requests=of_components.total("requests_total") or 0,
            errors=dict(errors),
            tokens={kind: sum(parts.values()) for kind, parts in tokens.items()},
            requests_took=dict(of_components.buckets("request_duration_seconds")),
            calls_took=dict(metrics.buckets("model_call_duration_seconds")),
            in_work=metrics.total("in_flight_runs"),
        )


@dataclass(frozen=True, slots=True)
class Span:
    """The time between two looks, and the look at which it is told."""

    told: Look
    before: Look
    now: Look


Line = Callable[[Span], float | None]
"""The height of a line at the look that a span is told at; None is a gap."""


@dataclass(frozen=True, slots=True)
class History:
    """The looks at the miner of one address since the page first looked, or since it restarted."""

    url: str = ""
    looks: tuple[Look, ...] = ()
    restarted: bool = False
    _counters: Counters = field(default_factory=dict, repr=False)

    def after(self, url: str, metrics: Metrics, at: float) -> "History":
        """The history with one more look; a new one for another miner or one that restarted."""
        counters, look = metrics.counters(), Look.of(metrics, at)
        if url != self.url:
            return History(url, (look,), False, counters)
        if _went_down(self._counters, counters):
            return History(url, (look,), True, counters)
        looks = (*self.looks, look)[-LOOKS_KEPT:]
        return History(url, looks, self.restarted, counters)

    def points(self, line: Line) -> list[tuple[float, float | None]]:
        """Time and height at each look; none while there are not two to compare."""
        return [(span.told.at, line(span)) for span in self._spans()]

    def _spans(self) -> Iterator[Span]:
        """The minute before each look, or all since the look before it where that is longer."""
        begin = 0
        for last, (previous, now) in enumerate(pairwise(self.looks)):
            while begin < last and self.looks[begin].at < now.at - WINDOW:
                begin += 1
            if last == 0:  # before the first look nothing is known: the line begins level
                yield Span(previous, previous, now)
            yield Span(now, self.looks[begin], now)


def per(seconds: float, count: Callable[[Look], float]) -> Line:
    """How many of these come in so many seconds."""

    def line(span: Span) -> float | None:
        passed = span.now.at - span.before.at
        if passed <= 0:  # the clock was set back
            return None
        return (count(span.now) - count(span.before)) * seconds / passed

    return line


def under(share: float, histogram: Callable[[Look], Buckets]) -> Line:
    """The value under which this share of what came lies."""

    def line(span: Span) -> float | None:
        before = histogram(span.before)
        came = {bound: count - before.get(bound, 0) for bound, count in histogram(span.now).items()}
        return quantile(came, share) if any(came.values()) else None

    return line


def _went_down(before: Counters, now: Counters) -> bool:
    return any(now.get(name, 0) < count for name, count in before.items())

"""What a miner counts, from Prometheus's text format to the bars of plots."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, isinf
from typing import Literal

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tools.playground.client import Unreachable

PREFIX = "playbook_miner_"
OTHER_PATHS = "other"  # the component of requests to none, those of this page among them

Outcome = Literal["answered", "refused", "failed", "left"]
Bars = dict[str, dict[str, float]]
"""For each label, the parts of its bar by outcome, which is empty where it is not told apart."""

Buckets = dict[float, float]
"""A histogram: for each bound, how many values lie at or under it."""

Counters = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""What can only grow while a miner runs, by name and labels."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The samples of one look at a miner, by their name without the prefix."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "Metrics":
        """Raises `Unreachable` for what is not in Prometheus's format."""
        found: dict[str, list[Sample]] = defaultdict(list)
        try:
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    found[sample.name.removeprefix(PREFIX)].append(sample)
        except ValueError:
            raise Unreachable("what it gave as metrics cannot be read") from None
        return cls(dict(found))

    def total(self, name: str) -> float | None:
        """The sum over all labels; None where the miner does not tell it."""
        samples = self.samples.get(name)
        return None if samples is None else sum(sample.value for sample in samples)

    def of_components(self) -> "Metrics":
        """Without what was counted of requests to other paths than those of components."""
        return Metrics(
            {
                name: [each for each in samples if each.labels.get("component") != OTHER_PATHS]
                for name, samples in self.samples.items()
            }
        )

    def counters(self) -> Counters:
        """All counts; a miner where one is lower than before, or gone, began anew in between."""
        return {
            (name, frozenset(sample.labels.items())): sample.value
            for name, samples in self.samples.items()
            if name.endswith(("_total", "_bucket"))
            for sample in samples
        }

    def by(self, name: str, label: str) -> Bars:
        """The sums by one label, without those that are zero, the largest first."""
        sums: dict[str, float] = defaultdict(float)
        for sample in self.samples.get(name, ()):
            sums[sample.labels.get(label, "")] += sample.value
        return _sorted({labelled: {"": value} for labelled, value in sums.items()})

    def outcomes(self, name: str, label: str) -> Bars:
        """The same, divided by what became of the requests."""
        sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for sample in self.samples.get(name, ()):
            outcome = _outcome(sample.labels.get("status", ""))
            sums[sample.labels.get(label, "")][outcome] += sample.value
        return _sorted(sums)

    def buckets(self, name: str) -> Buckets:
        """A histogram, summed over all labels."""
        return self._buckets_by(name, "")[""]

    def quantile(self, name: str, label: str, share: float) -> Bars:
        """By one label, the value under which this share of a histogram lies."""
        return _sorted(
            {
                labelled: {"": quantile(counts, share)}
                for labelled, counts in self._buckets_by(name, label).items()
                if counts.get(inf)
            }
        )

    def _buckets_by(self, name: str, label: str) -> defaultdict[str, Buckets]:
        found: defaultdict[str, Buckets] = defaultdict(lambda: defaultdict(float))
        for sample in self.samples.get(f"{name}_bucket", ()):
            found[sample.labels.get(label, "")][float(sample.labels["le"])] += sample.value
        return found


def quantile(buckets: Buckets, share: float) -> float:
    """The value under which this share lies, as Prometheus reckons it.

    Values are taken as spread evenly within a bucket; for what lies beyond the last bound it is
    that bound.
    """
    steps = [(0.0, 0.0), *sorted(buckets.items())]
    rank = share * steps[-1][1]
    for (low, under), (high, upto) in pairwise(steps):
        if upto >= rank and upto > under:
            return low if isinf(high) else low + (high - low) * (rank - under) / (upto - under)
    return steps[-1][0]


def _sorted(bars: Bars) -> Bars:
    filled = {label: parts for label, parts in bars.items() if sum(parts.values())}
    return dict(sorted(filled.items(), key=lambda bar: -sum(bar[1].values())))


def _outcome(status: str) -> Outcome:
    if status in ("499", "none"):  # the caller went away
        return "left"
    if status.startswith("2"):
        return "answered"
    return "refused" if status.startswith("4") else "failed"

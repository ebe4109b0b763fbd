"""What a miner counts, from Prometheus's text format to the bars of plots."""

from collections import defaultdict

import pandas as pd
from prometheus_client.parser import text_string_to_metric_families

from tools.client import Unreachable

PREFIX = "playbook_miner_"
OTHER_PATHS = "other"  # the component of requests to none, those of this page among them

Sums = dict[tuple[str, ...], float]


def read(text: str, name: str, *labels: str) -> Sums:
    """The sums of a metric by some of its labels. Raises `Unreachable` for another format."""
    sums: Sums = defaultdict(float)
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if (
                    sample.name == f"{PREFIX}{name}"
                    and sample.labels.get("component") != OTHER_PATHS
                ):
                    sums[tuple(sample.labels.get(label, "") for label in labels)] += sample.value
    except ValueError:
        raise Unreachable("what it gave as metrics cannot be read") from None
    return dict(sums)


def requests(text: str) -> pd.DataFrame:
    """How many requests of each component were answered, refused, failed or left."""
    sums: Sums = defaultdict(float)
    for (component, status), count in read(text, "requests_total", "component", "status").items():
        sums[component, _outcome(status)] += count
    return _table(sums, ["component", "outcome", "requests"])


def steps(text: str) -> pd.DataFrame:
    """The mean seconds of each step."""
    spent = read(text, "node_duration_seconds_sum", "node")
    times = read(text, "node_duration_seconds_count", "node")
    means = {node: seconds / times[node] for node, seconds in spent.items() if times.get(node)}
    return _table(means, ["step", "seconds"])


def tokens(text: str) -> pd.DataFrame:
    """The tokens of the model by kind."""
    return _table(read(text, "model_tokens_total", "kind"), ["kind", "tokens"])


def _table(sums: Sums, columns: list[str]) -> pd.DataFrame:
    rows = [(*labels, value) for labels, value in sums.items() if value]
    return pd.DataFrame(rows, columns=columns)


def _outcome(status: str) -> str:
    if status in ("499", "none"):  # the caller went away
        return "left"
    if status.startswith("2"):
        return "answered"
    return "refused" if status.startswith("4") else "failed"

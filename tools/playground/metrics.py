"""What a miner counts, from Prometheus's text format to the bars of a plot."""

from collections import defaultdict

import pandas as pd
from prometheus_client.parser import text_string_to_metric_families

from tools.client import Unreachable

NAME = "playbook_miner_requests_total"
OTHER_PATHS = "other"  # the component of requests to none, those of this page among them


def requests(text: str) -> pd.DataFrame:
    """How many requests of each component were answered, refused, failed or left.

    Raises `Unreachable` for what is not in Prometheus's format.
    """
    counts: dict[tuple[str, str], float] = defaultdict(float)
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                component = sample.labels.get("component", OTHER_PATHS)
                if sample.name == NAME and component != OTHER_PATHS:
                    counts[component, _outcome(sample.labels.get("status", ""))] += sample.value
    except ValueError:
        raise Unreachable("what it gave as metrics cannot be read") from None
    rows = [(*labels, count) for labels, count in counts.items() if count]
    return pd.DataFrame(rows, columns=["component", "outcome", "requests"])


def _outcome(status: str) -> str:
    if status in ("499", "none"):  # the caller went away
        return "left"
    if status.startswith("2"):
        return "answered"
    return "refused" if status.startswith("4") else "failed"

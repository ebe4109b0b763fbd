"""What a miner counts, from Prometheus's text format to the bars of a plot."""

import pandas as pd
from prometheus_client.parser import text_string_to_metric_families

from tools.client import Unreachable

NAME = "playbook_miner_requests_total"
OTHER_PATHS = "other"  # the component of requests to none, those of this page among them


def requests(text: str) -> pd.DataFrame:
    """How many requests of each component were answered, refused, failed or left.

    Raises `Unreachable` for what is not in Prometheus's format.
    """
    try:
        families = list(text_string_to_metric_families(text))
    except ValueError:
        raise Unreachable("what it gave as metrics cannot be read") from None
    samples = [each for family in families for each in family.samples if each.name == NAME]
    rows = [
        (each.labels["component"], _outcome(each.labels["status"]), each.value)
        for each in samples
        if each.value and each.labels["component"] != OTHER_PATHS
    ]
    counts = pd.DataFrame(rows, columns=["component", "outcome", "requests"])
    return counts.groupby(["component", "outcome"], as_index=False, sort=False).sum()


def _outcome(status: str) -> str:
    if status in ("499", "none"):  # the caller went away
        return "left"
    if status.startswith("2"):
        return "answered"
    return "refused" if status.startswith("4") else "failed"

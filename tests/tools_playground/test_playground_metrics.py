"""From Prometheus's text to the bars of plots."""

import pytest

from tools.playground.client import Unreachable
from tools.playground.metrics import Metrics

TEXT = """\
# TYPE playbook_miner_requests_total counter
playbook_miner_requests_total{component="complete",status="200"} 6
playbook_miner_requests_total{component="complete",status="503"} 1
playbook_miner_requests_total{component="complete",status="499"} 1
playbook_miner_requests_total{component="feedback",status="422"} 2
playbook_miner_requests_total{component="refine",status="200"} 0
# TYPE playbook_miner_request_duration_seconds histogram
playbook_miner_request_duration_seconds_bucket{component="complete",status="200",le="1"} 2
playbook_miner_request_duration_seconds_bucket{component="complete",status="200",le="2"} 4
playbook_miner_request_duration_seconds_bucket{component="complete",status="200",le="+Inf"} 4
playbook_miner_request_duration_seconds_bucket{component="refine",status="200",le="1"} 0
playbook_miner_request_duration_seconds_bucket{component="refine",status="200",le="2"} 0
playbook_miner_request_duration_seconds_bucket{component="refine",status="200",le="+Inf"} 3
playbook_miner_request_duration_seconds_bucket{component="summary",status="200",le="+Inf"} 0
"""


def test_counts_are_summed_and_divided_by_outcome() -> None:
    metrics = Metrics.read(TEXT)
    assert metrics.total("requests_total") == 10
    assert metrics.total("unknown") is None
    bars = metrics.outcomes("requests_total", "component")
    assert bars == {
        "complete": {"answered": 6, "failed": 1, "left": 1},
        "feedback": {"refused": 2},
    }
    assert list(bars) == ["complete", "feedback"]
    assert metrics.by("requests_total", "status") == {
        "200": {"": 6},
        "422": {"": 2},
        "503": {"": 1},
        "499": {"": 1},
    }


@pytest.mark.parametrize(("share", "seconds"), [(0.25, 0.5), (0.5, 1.0), (0.75, 1.5), (1.0, 2.0)])
def test_quantiles_lie_evenly_within_a_bucket(share: float, seconds: float) -> None:
    bars = Metrics.read(TEXT).quantile("request_duration_seconds", "component", share)
    assert bars["complete"] == {"": seconds}


def test_what_lies_beyond_the_last_bound_is_told_as_that_bound() -> None:
    bars = Metrics.read(TEXT).quantile("request_duration_seconds", "component", 0.5)
    assert bars["refine"] == {"": 2.0}
    assert "summary" not in bars


def test_what_is_no_metrics_is_told() -> None:
    with pytest.raises(Unreachable, match="metrics"):
        Metrics.read("<html>{welcome}</html>")

"""What is read out of Prometheus's text."""

import pytest

from tools.client import Unreachable
from tools.playground import metrics

TEXT = """\
# TYPE playbook_miner_requests_total counter
playbook_miner_requests_total{component="complete",status="200"} 3
playbook_miner_requests_total{component="complete",status="422"} 1
playbook_miner_requests_total{component="complete",status="503"} 2
playbook_miner_requests_total{component="other",status="200"} 99
# TYPE playbook_miner_model_tokens_total counter
playbook_miner_model_tokens_total{kind="completion"} 70
"""


def test_the_bars_are_those_of_components() -> None:
    assert metrics.requests(TEXT).to_dict("records") == [
        {"component": "complete", "outcome": "answered", "requests": 3},
        {"component": "complete", "outcome": "refused", "requests": 1},
        {"component": "complete", "outcome": "failed", "requests": 2},
    ]


def test_what_is_no_metrics_is_told() -> None:
    with pytest.raises(Unreachable):
        metrics.requests("<html>welcome</html>")

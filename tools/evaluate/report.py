"""All that an evaluation found, as it is written to JSON and shown as a table and as a page."""

from datetime import datetime

from tools.evaluate.asking import Answered, Conditions, Frozen
from tools.evaluate.comparing import Comparison
from tools.evaluate.summary import Summary


class Measured(Frozen):
    """One miner, or one strategy of it. `answered` is in the order in which answers came."""

    name: str
    address: str
    provider: str
    model: str
    ended_early: str
    summary: Summary
    answered: list[Answered]


class Report(Frozen):
    """`failure` says why the evaluation ended before its end; it is empty if it did not."""

    began_at: datetime
    conditions: Conditions
    runs: list[Measured]
    comparison: Comparison | None
    failure: str

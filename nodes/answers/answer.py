"""The final answer of an output: what kind it is, and as what it is compared."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "choice", "boolean", "date", "formula", "text"]


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """One final answer.

    `text` is the writer's own spelling without the markup around it. `value` is what is compared
    within a kind: an exact fraction, letters, `yes` or `no`, an ISO date or time, a formula without
    its spaces, or folded words. `unit` is what a number counts, in one spelling. A sum of several
    quantities, such as `1 hour 30 minutes`, stands in the first one's unit.
    """

    kind: Kind
    text: str
    value: str
    unit: str = ""

"""The final answer of an output: what kind it is, and as what it is compared."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "choice", "boolean", "date", "formula", "text"]


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """One final answer.

    `text` is the writer's own spelling without the markup around it. `value` is what is compared
    within a kind: an exact fraction, letters, `yes` or `no`, an ISO date or time, tidied LaTeX, or
    folded words. `unit` is what a number counts.
    """

    kind: Kind
    text: str
    value: str
    unit: str = ""

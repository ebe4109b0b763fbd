"""Recomputing the arithmetic a text contains, from its syntax tree and without `eval`."""

import re
import warnings
from dataclasses import dataclass
from fractions import Fraction

from simpleeval import InvalidExpression, SimpleEval

from nodes.numbers import NUMBER, parse_number

_SPELLINGS = (
    (re.compile(r"\\[dt]?frac\s*\{([^{}]+)\}\s*\{([^{}]+)\}"), r"((\1)/(\2))"),
    (re.compile(r"\\times|\\cdot|[×·∙]|(?<=[\d)])\s+x\s+(?=[\d(])"), "*"),
    (re.compile(r"\\div|÷"), "/"),
    (re.compile(r"−|–"), "-"),
    (re.compile(r"\\left|\\right|\\[,;! ]|[$€£]|\*\*(?=\s|$)"), ""),
    (re.compile(r"(?<=\d)[,  ](?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<=\d)\s*%"), "/100"),
    (re.compile(r"\^"), "**"),
    (re.compile(r"(?<=[\d)])\s*\("), "*("),
)
_EXPRESSION = r"[(\d][\d\s.+\-*/()]*[\d)]"
_EQUALITY = re.compile(rf"(?<![\w.+\-*/^=)])\s*({_EXPRESSION})\s*=\s*(?=({NUMBER}))")
_OPERATION = re.compile(r"[\d)]\s*(?:\*\*|[-+*/])\s*[-(\d.]")
_ASKED = re.compile(
    r"\s*(?:(?:please\s+)?(?:what\s+is|what's|calculate|compute|evaluate|solve|work\s+out)\s*:?)?"
    r"\s*(.+?)\s*(?:=\s*\?*)?\s*[?.]?\s*",
    re.IGNORECASE | re.DOTALL,
)
LONGEST_EXPRESSION = 200
LONGEST_TEXT = 20_000
MOST_EQUALITIES = 100


@dataclass(frozen=True, slots=True)
class WrongEquality:
    """An equality that does not hold: as written, and the value the left side has."""

    written: str
    computed: float


def wrong_equalities(text: str) -> list[WrongEquality]:
    """Those `a op b = c` in `text` whose left side, recomputed, is not the right side.

    The right side may be rounded: it is held to the precision it is written with. Anything that
    cannot be read as plain arithmetic is passed over.
    """
    found = []
    for match in list(_EQUALITY.finditer(_plain(text[:LONGEST_TEXT])))[:MOST_EQUALITIES]:
        left, right = match.group(1).strip(), match.group(2)
        value = evaluate(left)
        claimed = parse_number(right)
        if value is None or claimed is None or _agree(value, claimed, right):
            continue
        found.append(WrongEquality(f"{left} = {right.strip()}", value))
    return found


def asked_value(question: str) -> Fraction | None:
    """The value of a question that is nothing but one arithmetic expression, else `None`."""
    match = _ASKED.fullmatch(question) if len(question) <= LONGEST_EXPRESSION else None
    value = evaluate(_plain(match.group(1)).strip()) if match else None
    return None if value is None else Fraction(value).limit_denominator(10**9)


def evaluate(expression: str) -> float | None:
    """The value of an arithmetic expression with at least one operation, else `None`."""
    if len(expression) > LONGEST_EXPRESSION or not re.fullmatch(_EXPRESSION, expression):
        return None
    if not _OPERATION.search(expression):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return float(SimpleEval(functions={}, names={}).eval(expression))
    except (InvalidExpression, ArithmeticError, SyntaxError, TypeError, ValueError):
        return None


def _plain(text: str) -> str:
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
    return text


def _agree(value: float, claimed: Fraction, written: str) -> bool:
    decimals = len(written.strip().partition(".")[2])
    difference = abs(value - float(claimed))
    return difference < 0.5 * 10**-decimals or difference <= 1e-9 * abs(value)

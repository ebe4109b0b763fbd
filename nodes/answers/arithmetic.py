"""Recomputing the arithmetic a text contains, exactly, from its syntax tree and without `eval`."""

import ast
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from simpleeval import InvalidExpression, SimpleEval

from nodes.answers.equalities import EXPRESSION, Equality, equalities, plain_arithmetic
from nodes.answers.numbers import parse_number

_OPERATION = re.compile(r"[\d)%] *(?:\*\*|[-+*/]) *[-(\d.]")
_IMPLIED = re.compile(r"(?<=[\d)%])\(")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)%")
# An amount and a part of it, or a hundredth part: `50 + 10%` is read as 55 or as 50.1.
_PART_ADDED = re.compile(r"[-+] *[\d.]+%|% *[-+]")
_POINT_BETWEEN_THOUSANDS = re.compile(r"(?<=\d)\.(?=\d{3}(?!\d))")
_DECIMAL = re.compile(r"\d*\.(\d+)")
_ASKED = re.compile(
    r"(?:(?:please|what|is|what's|whats|calculate|compute|evaluate|solve|work\s+out|find|answer"
    r"|the|this|following|value|result|of|expression|problem|question|sum|product|equation"
    r"|arithmetic|maths?|exactly)\b[\s:.,]*)*(.+?)\s*(?:=\s*\?*)?\s*[?.]?\s*",
    re.IGNORECASE | re.DOTALL,
)
LONGEST_EXPRESSION = 200
LARGEST_POWER = 4096  # bits
# How many of one unit make another: 30 + 30 = 1 hour.
_CONVERSIONS = frozenset(
    map(Fraction, (3, 4, 7, 8, 10, 12, 16, 24, 30, 36, 52, 60, 100, 365, 1000, 1440, 1760, 3600))
)
# Those that are made without a word: cents as dollars, metres as kilometres, minutes as hours.
_UNSAID_CONVERSIONS = frozenset(map(Fraction, (60, 100, 1000, 3600)))
_RANGE = re.compile(r"\d+-\d+")


@dataclass(frozen=True, slots=True)
class WrongEquality:
    """An equality that does not hold: as written, and the value the left side has."""

    written: str
    computed: Fraction


def wrong_equalities(text: str) -> list[WrongEquality]:
    """Those `a op b = c` in `text` whose left side, recomputed, is certainly not the right side.

    The right side may be rounded or cut off: it is held to the precision it is written with.
    Anything that cannot be read as plain arithmetic is passed over, and so is what a later
    equality with the same left side puts right.
    """
    found: dict[str, WrongEquality] = {}
    for equality in equalities(text):
        left = equality.left.replace(" ", "")
        value = evaluate(equality.left)
        if value is None:
            continue
        if _holds(value, equality):
            found.pop(left, None)
        else:
            written = f"{equality.left} = {equality.number}{'%' * equality.percent}"
            found[left] = WrongEquality(written, value)
    return list(found.values())


def asked_value(question: str) -> Fraction | None:
    """The value of a question that is nothing but one arithmetic expression, else `None`."""
    match = _ASKED.fullmatch(question) if len(question) <= LONGEST_EXPRESSION else None
    return evaluate(plain_arithmetic(match.group(1)).strip()) if match else None


def evaluate(expression: str) -> Fraction | None:
    """The value of an arithmetic expression with at least one operation, else `None`.

    `None` as well where people read it in different ways, such as `6/2(3)` and `20 - 20%`.
    """
    if len(expression) > LONGEST_EXPRESSION or not re.fullmatch(EXPRESSION, expression):
        return None
    if not _OPERATION.search(expression) and not _IMPLIED.search(expression):
        return None
    if _IMPLIED.search(expression) and ("/" in expression or "**" in expression):
        return None
    if _PART_ADDED.search(expression):
        return None
    return _computed(_IMPLIED.sub("*(", _PERCENT.sub(r"(\1/100)", expression)))


def agrees(value: Fraction, claimed: Fraction) -> bool:
    """Whether `claimed` is `value`, or `value` rounded to the decimals `claimed` has."""
    if value == claimed:
        return True
    decimals = next((n for n in range(13) if claimed * 10**n % 1 == 0), 0)
    return decimals > 0 and abs(value - claimed) <= Fraction(1, 2 * 10**decimals)


def _computed(expression: str) -> Fraction | None:
    try:
        with warnings.catch_warnings():
            # Calls of numbers, and what the evaluator would read in part.
            warnings.simplefilter("error", UserWarning)
            warnings.simplefilter("ignore", SyntaxWarning)
            value = SimpleEval(operators=_OPERATORS, functions={}, names={}).eval(expression)
            return _exact(value)
    except (
        InvalidExpression,
        ArithmeticError,
        SyntaxError,
        TypeError,
        UserWarning,
        ValueError,
        RecursionError,
        MemoryError,  # how Python's parser says that parentheses are too deep
    ):
        return None


def _holds(value: Fraction, equality: Equality) -> bool:
    """Whether the right side is the value, or may be meant as it."""
    claimed = parse_number(equality.number, decimal_comma=False)
    if claimed is None:
        return True
    if equality.operation:
        percent = "%" * equality.percent
        right = evaluate(f"{equality.number.lstrip('+-')}{percent}{equality.operation}")
        return equality.number[0] in "+-" or right in (None, value) or claimed == value
    if equality.percent:
        # Where the left side ends in `* 100`, it is a percentage already.
        return any(_near(v, claimed, equality, within=Fraction(1)) for v in (value, value * 100))
    near = _near(value, claimed, equality, within=Fraction(1, 2))
    return near or _explained(value, claimed, equality)


def _near(value: Fraction, claimed: Fraction, equality: Equality, *, within: Fraction) -> bool:
    """Whether a number is the value to the precision with which both sides are written.

    `within` is the part of a whole that it may be off without decimals. A half is no rounding:
    7 / 2 is neither 3 nor 4.
    """
    decimals = len(equality.number.partition(".")[2])
    step = Fraction(1, 10**decimals)
    difference = abs(value - claimed)
    if value == claimed or difference < step * within or difference <= _slack(value, equality.left):
        return True
    return decimals > 0 and (
        difference == step / 2 or (difference < step and abs(claimed) < abs(value))
    )


def _slack(value: Fraction, left: str) -> Fraction:
    """By how much the left side may be off because its decimal numbers were rounded."""
    slack = Fraction(0)
    for match in _DECIMAL.finditer(left):
        half = Fraction(1, 2 * 10 ** len(match.group(1)))
        number = Fraction(match.group())
        slack += half + (abs(value) * half / number if number else 0)
    return slack


def _explained(value: Fraction, claimed: Fraction, equality: Equality) -> bool:
    """Whether another unit, whole pieces or another meaning of a sign may explain the number."""
    left, number = (
        _POINT_BETWEEN_THOUSANDS.sub("", side) for side in (equality.left, equality.number)
    )
    if evaluate(left) == parse_number(number):
        return True
    if _RANGE.fullmatch(equality.left) and claimed in (-value, 1 - value):
        return True  # pages 10-15 = 6 pages
    ratio = abs(value / claimed) if claimed else Fraction(0)
    if not equality.worded:
        return abs(value) >= 1 and ratio in _UNSAID_CONVERSIONS
    whole_pieces = "/" in equality.left and abs(value - claimed) < 1
    return whole_pieces or ratio in _CONVERSIONS or (ratio != 0 and 1 / ratio in _CONVERSIONS)


def _exact(value: object) -> Fraction:
    if isinstance(value, float):
        return Fraction(str(value))
    if isinstance(value, int | Fraction):
        return Fraction(value)
    raise TypeError("not a number")


def _exactly(operation: Callable[[Fraction, Fraction], Fraction]) -> Callable[..., Fraction]:
    return lambda left, right: operation(_exact(left), _exact(right))


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise ValueError("a root is not always a fraction")
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if size * abs(exponent) > LARGEST_POWER:
        raise OverflowError("too large a power")
    return Fraction(base ** int(exponent))


_OPERATORS: Mapping[type[ast.AST], Callable[..., Fraction]] = {
    ast.Add: _exactly(operator.add),
    ast.Sub: _exactly(operator.sub),
    ast.Mult: _exactly(operator.mul),
    ast.Div: _exactly(operator.truediv),
    ast.FloorDiv: _exactly(lambda left, right: Fraction(left // right)),
    ast.Pow: _exactly(_power),
    ast.UAdd: _exact,
    ast.USub: lambda value: -_exact(value),
}

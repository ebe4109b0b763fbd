"""Recomputing the arithmetic a text contains, exactly, from its syntax tree and without `eval`."""

import ast
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from simpleeval import InvalidExpression, SimpleEval

from nodes.numbers import parse_number

_SPELLINGS = (
    (re.compile(r"\\[dt]?frac\s*\{([^{}]+)\}\s*\{([^{}]+)\}"), r"((\1)/(\2))"),
    (re.compile(r"\\times|\\cdot|[×·∙]|(?<=[\d)])\s+x\s+(?=[\d(])"), "*"),
    (re.compile(r"\\div|÷"), "/"),
    (re.compile(r"−|–"), "-"),
    (re.compile(r"\\left|\\right|\\[,;! ]|[$€£]|\*\*(?=\s|$)"), ""),
    (re.compile(r"(?<=\d)[, \u00a0\u2009\u202f](?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<=\d)\s*%"), "/100"),
    (re.compile(r"\^"), "**"),
    (re.compile(r"(?<=[\d)])\s*\("), "*("),
)
# Bounded, since a long row of numbers would be tried from every one of them on.
_EXPRESSION = r"[(\d][\d\s.+\-*/()]{0,198}[\d)]"
_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)"
_EQUALITY = re.compile(
    rf"(?<![\w.+\-*/^)√])\s?({_EXPRESSION})\s*=\s*(?=({_NUMBER})((?:\s*[-+*/]+\s*[\d(][\d\s.+\-*/()]"
    r"{0,198})?)\s*(remainder\b|r\b)?)",
    re.IGNORECASE,
)
# What stands before makes the expression a part of another one.
_PART_OF_MORE = re.compile(
    r"(?:[-+*/^√]|\b(?:of|plus|minus|times|over|by|per|root|mod))\s*\Z", re.IGNORECASE
)
_GOES_ON = re.compile(r"[a-zA-Z^\\{(!²³]|\.\d|\s*(?:mod\b|[*/^])")
_OPERATION = re.compile(r"[\d)]\s*(?:\*\*|[-+*/])\s*[-(\d.]")
_ASKED = re.compile(
    r"(?:(?:please|what|is|what's|whats|calculate|compute|evaluate|solve|work\s+out|find|answer"
    r"|the|this|following|value|result|of|expression|problem|question|sum|product|equation"
    r"|arithmetic|maths?|exactly)\b[\s:.,]*)*(.+?)\s*(?:=\s*\?*)?\s*[?.]?\s*",
    re.IGNORECASE | re.DOTALL,
)
LONGEST_EXPRESSION = 200
LONGEST_TEXT = 20_000
MOST_EQUALITIES = 100
LARGEST_POWER = 4096  # bits


@dataclass(frozen=True, slots=True)
class WrongEquality:
    """An equality that does not hold: as written, and the value the left side has."""

    written: str
    computed: Fraction


def wrong_equalities(text: str) -> list[WrongEquality]:
    """Those `a op b = c` in `text` whose left side, recomputed, is not the right side.

    The right side may be rounded: it is held to the precision it is written with. Anything that
    cannot be read as plain arithmetic is passed over.
    """
    plain = _plain(text[:LONGEST_TEXT])
    found = []
    for match in list(_EQUALITY.finditer(plain))[:MOST_EQUALITIES]:
        left, right = match.group(1).strip(), match.group(2).strip()
        value = None if _PART_OF_MORE.search(plain[: match.start(1)][-20:]) else evaluate(left)
        if value is None or _holds(value, match, plain):
            continue
        found.append(WrongEquality(f"{left} = {right}", value))
    return found


def asked_value(question: str) -> Fraction | None:
    """The value of a question that is nothing but one arithmetic expression, else `None`."""
    match = _ASKED.fullmatch(question) if len(question) <= LONGEST_EXPRESSION else None
    return evaluate(_plain(match.group(1)).strip()) if match else None


def evaluate(expression: str) -> Fraction | None:
    """The value of an arithmetic expression with at least one operation, else `None`."""
    if len(expression) > LONGEST_EXPRESSION or not re.fullmatch(_EXPRESSION, expression):
        return None
    if not _OPERATION.search(expression):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            value = SimpleEval(operators=_OPERATORS, functions={}, names={}).eval(expression)
            return _exact(value)
    except (
        InvalidExpression,
        ArithmeticError,
        SyntaxError,
        TypeError,
        ValueError,
        RecursionError,
        MemoryError,  # how Python's parser says that parentheses are too deep
    ):
        return None


def agrees(value: Fraction, claimed: Fraction) -> bool:
    """Whether `claimed` is `value`, or `value` rounded to the decimals `claimed` has."""
    if value == claimed:
        return True
    decimals = next((n for n in range(13) if claimed * 10**n % 1 == 0), 0)
    return decimals > 0 and abs(value - claimed) <= Fraction(1, 2 * 10**decimals)


def _holds(value: Fraction, match: re.Match[str], plain: str) -> bool:
    _, number, operation, remainder = match.groups()
    claimed = parse_number(number)
    whole = evaluate(f"{number.strip()}{operation}".strip())
    end = match.end(3) if operation and whole is not None else match.end(2)
    if claimed is None or _GOES_ON.match(plain, end):
        return True
    if remainder and claimed == value // 1:
        return True
    return whole == value or _rounded(value, claimed, number)


def _rounded(value: Fraction, claimed: Fraction, written: str) -> bool:
    decimals = len(written.strip().partition(".")[2])
    step = Fraction(1, 10**decimals)
    # Without decimals, a half is no rounding: 7 / 2 is neither 3 nor 4.
    difference = abs(value - claimed)
    return difference < step / 2 or (decimals > 0 and difference == step / 2)


def _plain(text: str) -> str:
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
    return text


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

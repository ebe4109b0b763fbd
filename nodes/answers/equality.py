"""Whether two final answers are the same."""

import re
from fractions import Fraction

from nodes.answers.answer import FinalAnswer
from nodes.answers.markup import SET_CLOSES, SET_OPENS
from nodes.answers.units import measured

_BRACKETS = {"(": ")", "[": "]", SET_OPENS: SET_CLOSES}
_NAME = re.compile(r"[^\W\d](?:_\(?\w+\)?|')?(?:\([^()=]*\))?[=≈∈](.+)", re.DOTALL)
_CONTRASTS = re.compile(
    "more|fewer|less|older|younger|taller|shorter|longer|higher|lower|faster|slower|heavier|lighter"
    "|north|south|east|west|up|down|increase|decrease|gain|loss|profit|before|after|early|late"
)
_LETTERS = re.compile(r"[a-zA-Zθ]+")
MOST_PARTS = 30


def same(one: FinalAnswer, other: FinalAnswer) -> bool | None:
    """Whether two final answers are the same; `None` where the maths library has to tell."""
    if one.kind == other.kind == "number":
        return _same_amount(one, other)
    if one.kind == other.kind == "formula":
        return _same_formula(one.value, other.value)
    if {one.kind, other.kind} == {"number", "formula"}:
        formula = one if one.kind == "formula" else other
        return _same_formula(one.value, other.value) if _calculable(formula.value) else False
    if one.kind == other.kind == "date":
        return _same_date(one.value, other.value)
    if one.kind != other.kind or one.value != other.value:
        return False
    return not (one.unit and other.unit) or _same_nouns(one.unit, other.unit)


def _same_amount(one: FinalAnswer, other: FinalAnswer) -> bool:
    first, second = Fraction(one.value), Fraction(other.value)
    if not one.unit or not other.unit:
        return first == second
    factors, other_factors = measured(one.unit), measured(other.unit)
    if factors is None or other_factors is None:
        return first == second and factors is other_factors and _same_nouns(one.unit, other.unit)
    # A rate may leave out per what it is.
    for place, (mine, theirs) in enumerate(zip(factors, other_factors, strict=False)):
        if mine[0] != theirs[0]:
            return False
        ratio = mine[1] / theirs[1]
        first = first / ratio if place else first * ratio
    return first == second


def _same_nouns(one: str, other: str) -> bool:
    first, second = set(one.split()), set(other.split())
    contrasts = [set(filter(_CONTRASTS.fullmatch, each)) for each in (first, second)]
    contradicts = all(contrasts) and contrasts[0] != contrasts[1]
    return bool(first & second) and not contradicts


def _same_date(one: str, other: str) -> bool:
    if len(one) != len(other):
        return False
    return all(a == b or "?" in (a, b) for a, b in zip(one, other, strict=True))


def _same_formula(one: str, other: str) -> bool | None:
    first, second = _unnamed(one), _unnamed(other)
    if one == other or first == second:
        return True
    brackets, other_brackets = _brackets(first), _brackets(second)
    parts = _parts(first[1:-1] if brackets else first)
    other_parts = _parts(second[1:-1] if other_brackets else second)
    if brackets != other_brackets or len(parts) != len(other_parts):
        return False
    if len(parts) > 1:
        return _same_parts(parts, other_parts, ordered=brackets[:1] in ("(", "["))
    return None if ("=" in first) == ("=" in second) else False


def _same_parts(one: list[str], other: list[str], *, ordered: bool) -> bool | None:
    if not ordered:
        one, other = sorted(set(one)), sorted(set(other))
    if len(one) != len(other):
        return False
    found = [_same_formula(a, b) for a, b in zip(one, other, strict=True)]
    if all(found):
        return True
    return False if False in found and ordered else None


def _unnamed(text: str) -> str:
    named = _NAME.fullmatch(text)
    return named.group(1) if named else text


def _brackets(text: str) -> str:
    """The brackets around all of a text, if they hold several values or a set."""
    if text[:1] not in _BRACKETS or text[-1:] not in _BRACKETS.values():
        return ""
    depth = 0
    for char in text[1:-1]:
        depth += (char in _BRACKETS) - (char in _BRACKETS.values())
        if depth < 0:
            return ""
    several = text[0] == SET_OPENS or len(_parts(text[1:-1])) > 1
    return text[0] + text[-1] if several else ""


def _parts(text: str) -> list[str]:
    """A text at its commas and semicolons outside brackets."""
    parts, depth, begin = [], 0, 0
    for position, char in enumerate(text):
        depth += (char in _BRACKETS) - (char in _BRACKETS.values())
        if char in ",;" and depth <= 0:
            parts.append(text[begin:position])
            begin = position + 1
    parts.append(text[begin:])
    return [part for part in parts if part][:MOST_PARTS]


def _calculable(formula: str) -> bool:
    """Whether a formula has no variable, so that it may be a number."""
    names = _LETTERS.findall(formula.replace("sqrt", "").replace("root", ""))
    return all(name in ("e", "pi", "log", "ln", "sin", "cos", "tan", "exp") for name in names)

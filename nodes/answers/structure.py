"""Formulas compared by their structure: lists, tuples, sets, intervals, equations, relations.

What is left are single expressions. A maths library is asked about nothing else, since what it
makes of lists and equations is another question than whether two answers are the same.
"""

import re
from collections.abc import Callable, Iterable

from nodes.answers.latex import SET_OPENS, SUCH_THAT, UNION, compact
from nodes.answers.numerals import parse_number

# Whether two expressions are equal; `None` where that has to be calculated elsewhere.
Calculate = Callable[[str, str], bool | None]

MOST_UNORDERED = 30  # values that are looked for in any order

_OPENS, _CLOSES = "([{⟦", ")]}⟧"
# A name before each equals sign, and no relation behind it.
_NAMED = re.compile(
    r"((?:^|[,;]|\bor\b|\band\b) ?)([a-zA-Zθ](?:_\{?\w+\}?|')?(?: ?\([a-zA-Z]\))?) ?[=∈]"
    r"(?!.*[≤≥<>≠])"
)
_EQUALS = re.compile("[=∈]")
_RELATION = re.compile(rf"([≤≥<>≠∈{SUCH_THAT}])")
_FLIPPED = str.maketrans("≤≥<>", "≥≤><")
_LIST = re.compile(r"\b(?:and|or)\b|≈")
_PLUS = re.compile(r"(^|[=(]) ?\+")
_SIDES = 2


def same_formula(one: str, other: str, calculate: Calculate) -> bool | None:
    """Whether two formulas, as `latex.tidied` gives them, are the same answer.

    Tuples and intervals keep their order, lists and sets do not; a name that is said to equal all
    of an answer is left out; equations are equal if their sides differ by the same.
    """
    return _same(_unnamed(one), _unnamed(other), calculate)


def _same(one: str, other: str, calculate: Calculate) -> bool | None:
    (brackets, parts), (other_brackets, other_parts) = _parts(one), _parts(other)
    if brackets != other_brackets or len(parts) != len(other_parts):
        return False
    if brackets[:1] in ("(", "[") or len(parts) > MOST_UNORDERED:
        return _all(_same(a, b, calculate) for a, b in zip(parts, other_parts, strict=True))
    if len(parts) > 1 or brackets:
        return _matched(parts, other_parts, calculate)
    return _same_relation(_RELATION.split(parts[0]), _RELATION.split(other_parts[0]), calculate)


def _same_relation(one: list[str], other: list[str], calculate: Calculate) -> bool | None:
    if len(one) == len(other) == 1:
        return _same_equation(one[0].split("="), other[0].split("="), calculate)
    if one[1::2] != other[1::2]:
        other = [each.translate(_FLIPPED) for each in reversed(other)]
    if one[1::2] != other[1::2]:
        return False
    return _all(_same(a, b, calculate) for a, b in zip(one[::2], other[::2], strict=True))


def _same_equation(one: list[str], other: list[str], calculate: Calculate) -> bool | None:
    """Compares equations; of a chain of them the last side."""
    if len(one) != _SIDES and len(other) != _SIDES:
        return _same_expression(one[-1], other[-1], calculate)
    if len(one) != len(other):
        return False
    difference, other_difference = (f"({left})-({right})" for left, right in (one, other))
    found = _same_expression(difference, other_difference, calculate)
    return found or _same_expression(difference, f"-({other_difference})", calculate)


def _same_expression(one: str, other: str, calculate: Calculate) -> bool | None:
    if compact(one) == compact(other):
        return True
    values = [parse_number(each, decimal_comma=False) for each in (one, other)]
    if None not in values:
        return values[0] == values[1]
    # Brackets and commas that are left belong to what cannot be calculated.
    return False if set("[,") & set(one + other) else calculate(one.strip(), other.strip())


def _all(found: Iterable[bool | None]) -> bool | None:
    undecided = False
    for each in found:
        if each is False:
            return False
        undecided = undecided or each is None
    return None if undecided else True


def _matched(one: list[str], other: list[str], calculate: Calculate) -> bool | None:
    """Whether each part has one that is the same among the others, in any order."""
    left, undecided = list(other), False
    for part in one:
        found = [_same(part, each, calculate) for each in left]
        if True in found:
            del left[found.index(True)]
        elif None in found:
            undecided = True
        else:
            return False
    return None if undecided else True


def _parts(text: str) -> tuple[str, list[str]]:
    """The brackets around a list of values, if any, and the values."""
    text = _LIST.sub(lambda match: "=" if match.group() == "≈" else ",", text).strip()
    inner = text[1:-1].strip() if _enclosed(text) else ""
    if _enclosed(inner) and text[0] != SET_OPENS:
        return _parts(inner)
    for signs in (",;", UNION):
        if inner and (len(_split(inner, signs)) > 1 or text[0] == SET_OPENS):
            return text[0] + text[-1], _split(inner, signs)
        if len(_split(text, signs)) > 1:
            return "", _split(text, signs)
    return "", [text]


def _split(text: str, signs: str) -> list[str]:
    """A text at the signs outside its brackets; what is written with both signs twice."""
    parts, depth, begin = [], 0, 0
    for position, char in enumerate(f"{text}{signs[0]}"):
        depth += (char in _OPENS) - (char in _CLOSES)
        if char in signs and depth <= 0:
            parts.append(text[begin:position])
            begin = position + 1
    return [
        _PLUS.sub(r"\1", part.replace("±", sign))
        for part in parts
        if part.strip()
        for sign in ("+-" if "±" in part else "+")
    ]


def _enclosed(text: str) -> bool:
    """Whether one pair of brackets stands around all of a text."""
    if text[:1] not in ("(", "[", SET_OPENS) or text[-1:] not in _CLOSES:
        return False
    depth = 0
    for char in text[:-1]:
        depth += (char in _OPENS) - (char in _CLOSES)
        if depth <= 0:
            return False
    return True


def _unnamed(text: str) -> str:
    """A text without the name that is said to equal each of its values, if it is the same."""
    names = _NAMED.findall(text)
    only = len({name for _, name in names}) == 1 and len(names) == len(_EQUALS.findall(text))
    return _NAMED.sub(r"\1", text) if only else text

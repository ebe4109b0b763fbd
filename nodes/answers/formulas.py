"""Mathematical answers that are no single number, in one spelling: terms, tuples, sets, lists.

Only spellings are made one, by rules that keep the value; nothing is expanded or simplified.
"""

import re

from nodes.answers.markup import SET_CLOSES, SET_OPENS
from nodes.answers.numbers import parse_number
from nodes.answers.quantities import read_quantity

LONGEST = 200
MOST_PARTS = 30

OPENS, CLOSES = ("(", "[", SET_OPENS), (")", "]", SET_CLOSES)
_NAME = r"[a-zA-Zθπ](?:_\(?\w+\)?|')?(?:\([^()=]*\))?"
_NAMED = re.compile(rf"({_NAME}) ?[=≈∈] ?(.+)", re.DOTALL)
_BOTH_SIGNS = re.compile(rf"(?:{_NAME} ?= ?)?± ?(\d+(?:\.\d+)?|\d+/\d+)")
_ALTERNATIVE = re.compile(r",? or ", re.IGNORECASE)
_AND = re.compile(r",? and ", re.IGNORECASE)
_WORD = re.compile(r"[a-zA-Z]{2,}")
_KNOWN_WORD = re.compile(
    r"(?:arc)?(?:sin|cos|tan|cot|sec|csc)h?|log|ln|exp|sqrt|root|max|min|gcd|lcm|mod|and|or|[ap]m",
    re.IGNORECASE,
)
_BETWEEN_NUMBERS = re.compile(r"(?<=[\d.]) +(?=[\d.])")
_NO_FORMULA = re.compile(r"[?#\"]")
_MATHEMATICAL = re.compile(r"[\d=<>≤≥≠±+*/^∞∈π√|⟦]|^\\?[a-zA-Z]$")


def is_formula(text: str) -> bool:
    """Whether a text, free of markup, is all mathematics."""
    if not 0 < len(text) <= LONGEST:
        return False
    if not all(map(_KNOWN_WORD.fullmatch, _WORD.findall(text))):
        return False
    return bool(_MATHEMATICAL.search(text)) and not _NO_FORMULA.search(text)


def one_spelling(text: str) -> str:
    """A text, free of markup, as it would be spelled by the rules of this module."""
    if _ALTERNATIVE.search(text):
        return _set(_unnamed(_parts(_ALTERNATIVE.sub(", ", text))))
    if both := _BOTH_SIGNS.fullmatch(text):
        return _set([both.group(1), f"-{both.group(1)}"])
    parts = _parts(_AND.sub(", ", text))
    if len(parts) == 1:
        return _one(*_unnamed(parts))
    unnamed = _unnamed(parts)
    # x = 2, x = -2 are two values for one name, in no order; x = 2, y = -2 and 2, -2 are not.
    return ",".join(_one(part) for part in parts) if unnamed == parts else _set(unnamed)


def is_list(text: str) -> bool:
    """Whether a text is several values side by side, or between brackets."""
    return len(_parts(text)) > 1 or _bracketed(text.strip()) is not None


def _set(parts: list[str]) -> str:
    if len(parts) == 1:
        return _one(parts[0])
    return "{" + ",".join(sorted({_one(part) for part in parts})) + "}"


def _one(text: str) -> str:
    text = text.strip()
    value = parse_number(text, decimal_comma=False)
    if value is not None:
        return str(value)
    if inner := _bracketed(text):
        parts = _parts(inner)
        if text.startswith(SET_OPENS):
            return "{" + ",".join(sorted({_one(part) for part in parts})) + "}"
        return f"{text[0]}{','.join(_one(part) for part in parts)}{text[-1]}"
    if named := _NAMED.fullmatch(text):
        return f"{named.group(1)}={_one(named.group(2))}"
    quantity = read_quantity(text, decimal_comma=False)
    if quantity and quantity.words:
        return " ".join([str(quantity.value), *sorted(quantity.words)])
    return _compact(text)


def _compact(text: str) -> str:
    """`text` without its space; between two numbers that tells them apart."""
    return _BETWEEN_NUMBERS.sub("_", text).replace(" ", "").replace("**", "^")


def _bracketed(text: str) -> str | None:
    """What stands between brackets around all of `text`, if that is more than one value."""
    if text[:1] not in OPENS or text[-1] not in CLOSES:
        return None
    inner = text[1:-1]
    depth = 0
    for char in inner:
        depth += (char in OPENS) - (char in CLOSES)
        if depth < 0:
            return None
    several = len(_parts(inner)) > 1 or text[0] == SET_OPENS
    return inner if depth == 0 and several else None


def _parts(text: str) -> list[str]:
    """`text` at its commas and semicolons that stand in no brackets and group no digits."""
    parts, depth, begin = [], 0, 0
    for position, char in enumerate(text):
        depth += (char in OPENS) - (char in CLOSES)
        if char in ",;" and depth <= 0:
            parts.append(text[begin:position])
            begin = position + 1
    parts.append(text[begin:])
    found = [part.strip() for part in parts if part.strip()]
    return found if 0 < len(found) <= MOST_PARTS else [text]


def _unnamed(parts: list[str]) -> list[str]:
    """The parts without the name that is said to equal each of them, where it is the same."""
    named = [_NAMED.fullmatch(part) for part in parts]
    if len({match.group(1) if match else "" for match in named[:1]}) != 1 or not named[0]:
        return parts
    name = named[0].group(1)
    if any(match and match.group(1) != name for match in named):
        return parts
    return [match.group(2) if match else part for match, part in zip(named, parts, strict=True)]

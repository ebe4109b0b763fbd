"""Reading the final answer off a solution, and telling whether two say the same."""

import re
from dataclasses import dataclass
from typing import Literal

from nodes.numbers import leading_number, parse_number

Kind = Literal["number", "choice", "boxed", "text"]

_STATED = re.compile(
    r"(?:^|[\s*_(])(?:final\s+answer|correct\s+answer|answer)[*_]*\s*+(?:is\s*+:?|:|=)\s*+([^\n]+)"
    r"|^####\s*+([^\n]+)",
    re.IGNORECASE | re.MULTILINE,
)
_CHOICE = re.compile(r"\(?\s*([A-J])\s*(?:$|[).:](?:\s|$).*)", re.DOTALL)
_OPTION_PREFIX = re.compile(r"^(?:option|choice)\s+", re.IGNORECASE)
_SEVERAL = re.compile(r"[,;]|\b(?:and|or)\b", re.IGNORECASE)
_WRAPPING = " \t*_`\"'$"
LONGEST_STATED = 120
MOST_WORDS = 6
_FILLER = re.compile(r"^(?:the|an?|it\s+is|it's)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """A short final answer. Two say the same if and only if they are equal."""

    kind: Kind
    value: str


def read_final_answer(text: str) -> FinalAnswer | None:
    """The final answer a solution states: a boxed value, a number or a choice letter.

    Looks at the last `\\boxed{}`, then at the last `Answer: …`, `the answer is …` or `#### …`,
    then whether the whole text is one. `None` where no short answer is stated.
    """
    boxed = _last_boxed(text)
    if boxed is not None:
        return _classified(boxed) or FinalAnswer("boxed", "".join(boxed.split()))
    stated = [first or second for first, second in _STATED.findall(text)]
    for candidate in reversed(stated):
        if found := _classified(candidate):
            return found
    return _classified(text) if len(text) <= LONGEST_STATED and not stated else None


def read_short_answer(text: str) -> FinalAnswer | None:
    """The stated answer, or the whole text, where it is a few words: normalized for counting.

    Case, punctuation at the ends, articles and spacing do not count.
    """
    stated = [first or second for first, second in _STATED.findall(text)]
    words = (stated[-1] if stated else text).split()
    if not 0 < len(words) <= MOST_WORDS:
        return None
    plain = _FILLER.sub("", " ".join(words).casefold().strip(_WRAPPING + ".,;:!?()"))
    return FinalAnswer("text", plain) if plain else None


def _classified(candidate: str) -> FinalAnswer | None:
    text = _OPTION_PREFIX.sub("", candidate.strip(_WRAPPING)).strip(_WRAPPING)
    text = _right_side(text)
    if len(text) > LONGEST_STATED:
        return None
    if choice := _CHOICE.fullmatch(text):
        return FinalAnswer("choice", choice.group(1))
    number = parse_number(text)
    if number is None:
        number = leading_number(text)
    return None if number is None else FinalAnswer("number", str(number))


def _right_side(text: str) -> str:
    left, _, right = text.rpartition("=")
    return text if _SEVERAL.search(left) else right.strip(_WRAPPING)


def _last_boxed(text: str) -> str | None:
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    begin = start + len("\\boxed{")
    depth = 1
    for position in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[begin:position].strip()
    return None

"""What a stated answer is: a choice, a number with its unit, a formula or a few words.

The markup is taken off first; then the first of these forms that fits gives the answer its one
spelling. What fits none is left unread: an answer uncounted costs less than two different ones
counted as the same.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from nodes.answers.formulas import is_formula, is_list, one_spelling
from nodes.answers.markup import plain
from nodes.answers.numbers import parse_number
from nodes.answers.quantities import read_quantity, with_plain_hours

Kind = Literal["number", "choice", "formula", "text"]

LONGEST_STATED = 120
LONGEST_MARKED_UP = 400
WRAPPING = " \t\r\n*_`\"'"
_ENDING = ".,;:!"

_OPTION = re.compile(
    r"^(?:(?:therefore|thus|hence|simply|just|indeed|actually|clearly),? +)?"
    r"(?:(?:answer +)?(?:option|choice|letter)s? +)?",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"(?:[(\[] ?([A-Ja-j]) ?[)\]]|([A-J]))(?:$|(?P<close>[).:\]]*)(?P<rest>.*))", re.DOTALL
)
_EXPLAINED = re.compile(
    r",? (?:because|since|as|which|is (?:the )?(?:correct|right|best))\b.*| - [a-zA-Z]{2}.*| \(.*",
    re.DOTALL | re.IGNORECASE,
)
_LETTERS = re.compile(r"\(?[A-J]\)?(?:(?: ?, ?| ?& ?|,? and )\(?[A-J]\)?)+")
# Another letter beside the first, as in `(A) or (C)` and `A: Paris, B: Rome`.
_OTHER_LETTER = re.compile(
    r"\s*(?:[,/&-]|and\b|or\b)\s*\(?[A-Ja-j]\b(?!')|.*[,;]\s*(?:and\s+)?\(?[A-J]\)?[:)]", re.DOTALL
)
_INITIAL = re.compile(r" ([A-Za-z]+(?: [A-Za-z]+)?)\.?")
_ASIDE = re.compile(r" \([^()]*(?:[a-zA-Z]{2}|[=≈%¤])[^()]*\)")
_REASON = re.compile(
    r"(?<=[^.])\. .*|; .*| — ?.*|,? \b(?:because|since|as|where|which)\b.*| - (?=[a-zA-Z]{2}).*",
    re.DOTALL | re.IGNORECASE,
)
_ROUNDED = re.compile(r"(?<=\S\S) ?≈.*", re.DOTALL)
_NOT_EXACT = re.compile(r"^(?:≈|~|approximately|approx\.?|about|roughly|around) ?", re.IGNORECASE)
# A name, such as `x`, `f(2)` or `The total cost`, or arithmetic that leads to the right side.
_LEADS_TO = re.compile(r"[a-zA-Zθ][\w' ]*(?:\([^()=]*\))?|[\d\s.,+\-*/^()%¤]+")
_OPERATOR_WORDS = re.compile(r"[+*/^<>≤≥≠±]|\d[a-zA-Z]|[a-zA-Z]\d")
_SEVERAL = re.compile(r"[,;]|\b(?:and|or)\b", re.IGNORECASE)
_FILLER = re.compile(r"^(?:the|an?|it is|it's)\s+")


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """A short final answer in one spelling.

    The value of a number is followed by what it counts, each word in one spelling, and that of a
    choice by the words of the option where these tell it from a name such as `E. coli`.
    """

    kind: Kind
    value: str

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


def classified(written: str, *, mathematical: bool = False) -> FinalAnswer | None:
    """A choice, a number or a formula; `None` if `written` is none of them.

    `mathematical` tells that a comma between digits makes a list.
    """
    if len(written) > LONGEST_MARKED_UP:
        return None
    mathematical = mathematical or "\\" in written or written.count("$") > 1
    text = _OPTION.sub("", plain(written).strip(WRAPPING)).strip(WRAPPING)
    if not text or len(text) > LONGEST_STATED:
        return None
    return _choice(text) or _number(text, mathematical) or _formula(text)


def boxed(written: str) -> FinalAnswer | None:
    """What stands in a box, whatever it is; `None` if it is empty or stands for an answer."""
    found = classified(written, mathematical=True)
    if found or not written.strip(WRAPPING + _ENDING + "…\\{}"):
        return found
    if len(written) > LONGEST_MARKED_UP:
        return FinalAnswer("formula", "".join(written.split()))
    text = plain(written)
    if "\\" in text or is_list(text):
        return FinalAnswer("formula", one_spelling(text))
    return short_text(text)


def short_text(written: str) -> FinalAnswer | None:
    """A few words, of which case, articles, spacing and marks at the ends do not count."""
    text = " ".join(plain(written).casefold().split()).strip(WRAPPING + _ENDING + "?()$")
    text = _FILLER.sub("", text)
    # A bracket that the marks at the ends have left alone.
    text += ")" * (text.count("(") - text.count(")"))
    return FinalAnswer("text", text) if text else None


def joined(value: str, words: Iterable[str]) -> str:
    """A value and the words that go with it."""
    return " ".join([value, *sorted(words)])


def _choice(text: str) -> FinalAnswer | None:
    if _LETTERS.fullmatch(text.rstrip(_ENDING)):
        return FinalAnswer("choice", ",".join(sorted(set(re.findall("[A-J]", text)))))
    match = _CHOICE.fullmatch(text.rstrip(_ENDING) or text)
    if match is None:
        return None
    letter = (match.group(1) or match.group(2)).upper()
    rest, close = match.group("rest") or "", match.group("close") or ""
    if not rest.strip(WRAPPING + _ENDING):
        return FinalAnswer("choice", letter)
    if _OTHER_LETTER.match(rest) or not (close or match.group(1) or _EXPLAINED.fullmatch(rest)):
        return None
    if not rest.startswith(" ") and not rest.startswith(",") and not match.group(1):
        return None
    name = _INITIAL.fullmatch(rest) if close == "." and match.group(2) else None
    return FinalAnswer("choice", f"{letter} {name.group(1).lower()}" if name else letter)


def _number(text: str, mathematical: bool) -> FinalAnswer | None:
    brief = _REASON.sub("", _ASIDE.sub("", text)).rstrip(WRAPPING + _ENDING)
    brief = _NOT_EXACT.sub("", _right_side(brief).strip(WRAPPING))
    quantity = read_quantity(brief, decimal_comma=not mathematical)
    if quantity is None:
        return None
    return FinalAnswer("number", joined(str(quantity.value), quantity.words))


def _formula(text: str) -> FinalAnswer | None:
    text = re.split(r",? (?:because|since) |\. (?=[A-Z])", _ASIDE.sub("", text))[0]
    text = with_plain_hours(text.rstrip(WRAPPING + _ENDING)).strip()
    text = _ROUNDED.sub("", _right_side(text).strip())
    if not is_formula(text):
        return None
    spelling = one_spelling(text)
    value = parse_number(spelling, decimal_comma=False)  # such as `3/4 or 0.75`
    return FinalAnswer("formula", spelling) if value is None else FinalAnswer("number", str(value))


def _right_side(text: str) -> str:
    """What an equality leads to; all of it where its left side is a part of the answer."""
    left, equals, right = text.replace("≈", "=").rpartition("=")
    leads = all(_leads(part.strip()) for part in left.split("="))
    told = leads and not _SEVERAL.search(left) and not re.fullmatch(" ?[a-zA-Z] ?", right)
    return right if equals and told else text


def _leads(left: str) -> bool:
    if not _LEADS_TO.fullmatch(left):
        return False
    return not (re.search("[a-zA-Z]", left) and _OPERATOR_WORDS.search(left.partition("(")[0]))

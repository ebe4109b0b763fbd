"""Reading what a model says of an answer: a fault, the points still open, the better of two."""

import itertools
import re

from nodes.documents.words import FAULTLESS

# In capitals anywhere, as asked for; in small letters only where the line begins with it.
_VERDICT = re.compile(
    r"(?:\b(PASS|REVISE)\b|^[ \t*_>\"'-]*((?i:pass|revise))\b(?=[\s*_]*[:.]))"
    r"[\s:*_.\-]*(.*)",
    re.MULTILINE,
)
# Where the question's own words are repeated, or the answer is praised.
_NO_FAULT = re.compile(
    r"(?:(?:it|this|that) )?(?:is )?not (?:needed|necessary|required)"
    r"|no(?:ne|thing)? (?:(?:is |are )?(?:needed|necessary|required)|(?:to )?(?:revise|revisions?))"
    r"(?: (?:is |are )?(?:needed|necessary|required))?"
    r"|(?:(?:it|this|that|(?:the|your|my) \w+)(?: above)? )?(?:is|looks|seems)(?: already)?"
    r"(?: (?:correct|right|accurate|complete|fine|good|perfect|and|fully|entirely)\b,?)+"
    r"|<[^>]*>|(?:followed by )?what is wrong(?: with it)?",
    re.IGNORECASE,
)
_AROUND = " \t.!*_\"'()[]-–。"
_PICK = re.compile(r"\b([12])\b")
_OPEN = re.compile(r"\bOPEN\b[ \t*_]*[:\uff1a]?[\s*_]*(.*)", re.IGNORECASE)
_NO_POINTS = re.compile(r"0\b|no\b(?!\.)", re.IGNORECASE)
_LISTED = re.compile(r"\W*(\d{1,4})\b")
_NUMBERS = re.compile(r"(\d{1,4})(?:\s*(?:-|–|—|\bto\b)\s*(\d{1,4}))?")
_ALL = re.compile(r"\W*(?:all|every|each|both)\b", re.IGNORECASE)
_DONE = re.compile(r"\b(?:done|dealt|addressed|resolved|fixed|closed)\b", re.IGNORECASE)


def read_verdict(text: str) -> str:
    """The fault named in a check's reply; empty for PASS and for anything unreadable."""
    match = _VERDICT.search(text)
    if match is None or (match.group(1) or match.group(2)).upper() == "PASS":
        return ""
    fault = match.group(3).strip()
    said = fault.strip(_AROUND)
    return "" if not said or FAULTLESS.fullmatch(said) or _NO_FAULT.fullmatch(said) else fault


def read_pick(text: str) -> str:
    """The number a comparison's reply names, `1` or `2`; empty where it names neither or both."""
    named = set(_PICK.findall(text))
    return named.pop() if len(named) == 1 else ""


def read_open(text: str, feedbacks: int) -> list[int] | None:
    """The indexes of the feedbacks a judge's reply lists as open; `None` if it is unreadable."""
    match = _OPEN.search(text)
    if match is None:
        return None
    told = match.group(1)
    said = told.strip(_AROUND)
    if told and (not said or FAULTLESS.match(said) or _NO_POINTS.match(said)):
        return []
    if _ALL.match(said):
        return None if _DONE.search(told) else list(range(feedbacks))
    below = text[match.end() :].split("\n")[1:]
    numbers = {
        int(each[1]) for each in itertools.takewhile(bool, map(_LISTED.match, below)) if each
    }
    for first, last in _NUMBERS.findall(told):
        numbers |= set(range(int(first), int(last or first) + 1))
    return sorted(number - 1 for number in numbers if 1 <= number <= feedbacks) or None

"""Reading what a model says of an answer: a fault, the points still open, the better of two."""

import itertools
import re

from nodes.documents.words import FAULTLESS, pattern

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
LONGEST = 4_000  # characters read of a reply
_CLAUSES = re.compile(r"[.;,\u3002\uff1b\uff0c]\s*")
_AROUND = " \t.!*_\"'()[]-–。"
_PICK = re.compile(r"\b([12])\b")
_OPEN = re.compile(r"\bOPEN\b[ \t*_]*[:\uff1a]?[\s*_]*(.*)", re.IGNORECASE)
_NO_POINTS = re.compile(r"0\b|no\b(?!\.)", re.IGNORECASE)
_LISTED = re.compile(r"\W*(\d{1,4})\b")
_POINT = re.compile(r"[1-9]")
_NUMBERS = re.compile(r"(\d{1,4})(?:\s*(?:-|–|—|\bto\b)\s*(\d{1,4}))?")
_ALL = re.compile(rf"\W*{pattern('all')}", re.IGNORECASE)
_DONE = re.compile(pattern("done"), re.IGNORECASE)
_NOT = re.compile(pattern("not"), re.IGNORECASE)


def read_verdict(text: str) -> str:
    """The fault named in a check's reply; empty for PASS and for anything unreadable."""
    match = _VERDICT.search(text[:LONGEST])
    if match is None or (match.group(1) or match.group(2)).upper() == "PASS":
        return ""
    fault = match.group(3).strip()
    return "" if _is_none(fault) or all(map(_is_none, _CLAUSES.split(fault))) else fault


def read_pick(text: str) -> str:
    """The number a comparison's reply names, `1` or `2`; empty where it names neither or both."""
    named = set(_PICK.findall(text))
    return named.pop() if len(named) == 1 else ""


def read_open(text: str, feedbacks: int) -> list[int] | None:
    """The indexes of the feedbacks a judge's reply lists as open; `None` if it is unreadable."""
    match = _OPEN.search(text := text[:LONGEST])
    if match is None:
        return None
    told = match.group(1)
    said = told.strip(_AROUND)
    if told and (FAULTLESS.match(said) or _NO_POINTS.match(said) or _is_none(said)):
        return None if _POINT.search(said) and _NOT.search(said) else []
    if _ALL.match(said):
        if not _DONE.search(told):
            return list(range(feedbacks))
        return None if _NOT.search(told) else []
    below = text[match.end() :].split("\n")[1:]
    numbers = {
        int(each[1]) for each in itertools.takewhile(bool, map(_LISTED.match, below)) if each
    }
    still = " ".join(part for part in _CLAUSES.split(told) if not _DONE.search(part))
    for first, last in _NUMBERS.findall(still):
        numbers |= set(range(int(first), min(int(last or first), feedbacks) + 1))
    return sorted(number - 1 for number in numbers if 1 <= number <= feedbacks) or None


def _is_none(said: str) -> bool:
    plain = said.strip(_AROUND)
    return not re.search(r"\w", plain) or bool(
        FAULTLESS.fullmatch(plain) or _NO_FAULT.fullmatch(plain)
    )

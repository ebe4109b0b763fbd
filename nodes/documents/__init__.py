"""A document taken out of an answer, and never overwritten by a part of itself.

One rule: a new text replaces the old one only if it is a whole document; what is only a part is
merged where that is certain, else the old one stays and the text is handed on with a word on why.
Everything here is a pure function of texts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nodes.documents.conventions import adapted
from nodes.documents.parts import PATCH, merged
from nodes.documents.surroundings import peeled
from nodes.documents.tags import TAG, split
from nodes.documents.whole import (
    FEWEST_WORDS,
    MOSTLY,
    RELATED,
    is_remark,
    objection,
    refuses,
    says_nothing,
    shared,
)
from nodes.documents.words import ANOTHER, ORDER, WRITING, lines_of, pattern, tokens

__all__ = [
    "Settled",
    "answer_in",
    "is_solution",
    "joined",
    "objection",
    "refuses",
    "revision_in",
    "says_nothing",
    "settle",
]

CUT = "it was cut off before its end"
SOLUTION = "it answers a question, and is no document"
FEWEST_LINES = 3  # shorter documents are repeated by chance
LONGEST_REQUEST = 12_000  # characters looked at for what it wants
MOST_WORDS = 8  # of a line that answers a question

_STATES = re.compile(
    rf"^[\s>*_#-]*{pattern('answer')}[\s*_]*(?:[:：]|\bis\b)|\\boxed\{{|^####\s*[-$\d.,]+\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_ASKS = re.compile(r"[?？]\s*(?:$|\n|[\"')])")
_SENTENCE = re.compile(r"(?:[.!?。！？;；\n]|^)\s*")
_POLITE = re.compile(r"(?:\W*\w+\W+){0,4}?")


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of an answer: what it says, and the document that stands.

    `document` is `None` where the answer brings none that may stand: the old one does. Where a
    text came in its place, `reason` tells why that one may not, and `note` holds it.
    """

    note: str
    document: str | None = None
    reason: str = ""


def settle(
    new: str,
    old: str,
    request: str,
    *,
    wanted: str = "",
    cut: bool = False,
    related: bool = True,
) -> Settled:
    """The rule, for a text that is to stand in the place of `old`, which may be empty.

    `request` is all that was asked, as plain text, `wanted` what of it asks for the change, if not
    all; `cut` tells that the text ends before its end, `related` that `new` has to do with `old`.
    """
    request, wanted = _ends(request), _ends(wanted)
    note, text = peeled(new, old)
    if says_nothing(text, old):
        return Settled(note)
    if not old.strip():
        return Settled(note, text.strip("\r\n"))
    if cut:
        return Settled(joined(note, text.strip()), None, CUT)
    found = merged(_lf(text), _lf(old), request)
    document = adapted(found.text, old, request)
    reason = found.reason or objection(document, old, request, wanted, related=related)
    if reason:
        return Settled(joined(note, text.strip()), None, reason)
    return Settled(joined(note, found.said), old if document.strip() == old.strip() else document)


def answer_in(
    answer: str, documents: Sequence[str], request: str, *, cut: bool, tagged: bool = False
) -> Settled:
    """What an answer says, and the document it brings for the `documents` that came before.

    With `tagged`, only what stands between tags is one.
    """
    found = split(answer)
    if found.document is None:
        return Settled(found.note) if tagged or cut else _edit(answer.strip(), documents, request)
    old = nearest(found.document, documents)
    if not old and (refuses(found.document) or is_remark(found.document)):
        return Settled(joined(found.note, found.document))
    if _only_answers(found.document, old, request):
        return Settled(joined(found.note, found.document.strip()), None, SOLUTION)
    made = settle(found.document, old, request, cut=cut and not found.whole, related=False)
    return Settled(joined(found.note, made.note), made.document, made.reason)


def revision_in(answer: str, old: str, request: str, *, cut: bool) -> Settled:
    """What an answer makes of `old` where nothing but its new form was asked for.

    Tags are the exception then, and a document about tags keeps them.
    """
    found = split(answer)
    if found.document == "":
        return Settled(found.note)
    if found.document is None or TAG.search(old):
        return settle(answer, old, request, cut=cut)
    made = settle(found.document, old, request, cut=cut and not found.whole)
    return Settled(joined(found.note, made.note), made.document, made.reason)


def nearest(text: str, documents: Sequence[str]) -> str:
    """The document that a text shares most lines with; the shortest, where it shares none."""
    lines = lines_of(text)
    ranked = sorted(documents, key=len)
    return max(ranked, key=lambda old: len(lines & lines_of(old)), default="")


def is_solution(text: str, request: str) -> bool:
    """Whether a text is the answer to a question rather than a document that was asked for."""
    request = _ends(request)
    ordered, asks = _orders(request), bool(_ASKS.search(request))
    lines = [line for line in text.splitlines() if line.strip()]
    if any(_STATES.search(line) for line in lines[-2:]) and (
        asks or _STATES.findall(text)[1:] == []
    ):
        return not (ordered and WRITING.search(request))
    short = len(lines) == 1 and len(lines[0].split()) <= MOST_WORDS
    return not ordered and (short or asks)


def _ends(request: str) -> str:
    """The beginning and the end of a long request, where it says what it wants."""
    half = LONGEST_REQUEST // 2
    return request if len(request) <= 2 * half else f"{request[:half]}\n\n{request[-half:]}"


def _orders(request: str) -> bool:
    """Whether a sentence of the request begins, but for a few words, with an order to write."""
    starts = [found.end() for found in _SENTENCE.finditer(request)]
    return any(
        (found := ORDER.search(request, at, at + 60))
        and len(request[at : found.start()].split()) <= 4  # noqa: PLR2004
        for at in starts[:200]
    )


def _edit(answer: str, documents: Sequence[str], request: str) -> Settled:
    """An answer without tags that repeats most of a document, or is a patch of it, as its edit."""
    if not documents:
        return Settled(answer)
    request, old = _ends(request), nearest(answer, documents)
    note, text = peeled(answer, old)
    found = merged(_lf(text), _lf(old), request)
    if found.reason:
        told = found.reason == PATCH or lines_of(text) & lines_of(old)
        return Settled(answer, None, found.reason if told else "")
    if found.is_part or _repeats(text, old):
        made = settle(text, old, request)
        return Settled(joined(note, made.note), made.document, made.reason)
    return Settled(answer)


def _only_answers(text: str, old: str, request: str) -> bool:
    """Whether a text that shares nothing with a document answers a question beside it."""
    request, words, before = _ends(request), tokens(text), tokens(old)
    if min(len(words), len(before)) < FEWEST_WORDS or ANOTHER.search(request):
        return False
    return max(shared(words, before)) < RELATED and is_solution(text, request)


def _repeats(text: str, old: str) -> bool:
    if len(lines_of(old)) < FEWEST_LINES:
        return False
    kept, drawn = shared(tokens(text), tokens(old))
    return kept >= MOSTLY and drawn >= MOSTLY


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n")


def joined(*parts: str) -> str:
    """The parts that say anything, as paragraphs."""
    return "\n\n".join(filter(None, parts))

"""What surrounds a document in an answer: announcements, offers, lists of changes, code fences."""

import re
from collections.abc import Sequence

from nodes.documents.patches import is_patch
from nodes.documents.words import CHANGES, LEAD, OFFER, WORK, lines_of

LONGEST_LEAD, LONGEST_OFFER = 300, 500
MOST_HEADING_WORDS = 8
MOST_FENCES = 40

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})([^\n`]*)$", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]*\n")
_RULE = re.compile(r"\s*(?:[-*_]\s?){3,}\s*")
_MARKS = " \t*_#>~\"'“”:：.!！-"


def peeled(text: str, old: str) -> tuple[str, str]:
    """The remarks around a document, and the document. Nothing that stands in `old` is taken off.

    Nothing is lost: what is no part of the document is part of the remarks.
    """
    known = lines_of(old)
    before: list[str] = []
    after: list[str] = []
    document = text
    for _ in range(3):
        start = document
        for take, remarks in ((_without_lead, before), (_without_tail, after)):
            remark, document = take(document, known)
            remarks.append(remark)
        if is_patch(document) and not is_patch(old):
            break
        lead, document, tail = _unfenced(document, old, known)
        before.append(lead)
        after.append(tail)
        if document == start:
            break
    parts = [part.strip() for part in [*before, *reversed(after)]]
    return "\n\n".join(part for part in parts if part and not _RULE.fullmatch(part)), document


def _without_lead(text: str, known: set[str]) -> tuple[str, str]:
    """An announcement in front, such as "Here is the revised story:", and the rest."""
    start = text.lstrip("\r\n")
    end = _BLANK.search(start)
    fence = _FENCE.search(start)
    stop = min((found.start() for found in (end, fence) if found), default=0)
    line = start[:stop].strip()
    plain = line.replace("’", "'").strip(_MARKS)
    if not line or "\n" in line or len(line) > LONGEST_LEAD or line in known:
        return "", text
    announces = line.rstrip("*_ ")[-1:] in {":", "："} or WORK.search(plain) or len(plain) < 12  # noqa: PLR2004
    if not (LEAD.match(plain) and announces) or line.startswith("#"):
        return "", text
    rest = start[stop:]
    ruled = re.match(r"\s*(?:-{3,}|\*{3,}|_{3,})[ \t]*\n", rest)
    return line, (rest[ruled.end() :] if ruled else rest).lstrip("\r\n")


def _without_tail(text: str, known: set[str]) -> tuple[str, str]:
    """An offer or a list of changes at the end, and the text before it."""
    paragraphs = [found.start() for found in _BLANK.finditer(text)][-30:]
    for at in paragraphs:
        tail = text[at:].strip()
        lines = [line.strip() for line in tail.splitlines() if line.strip()]
        if not lines or any(line in known for line in lines if not _RULE.fullmatch(line)):
            continue
        if _RULE.fullmatch(lines[0]):
            lines = lines[1:]
        if lines and (_is_offer(lines) or _tells_changes(lines)):
            return tail, text[:at]
    return "", text


def _is_offer(lines: Sequence[str]) -> bool:
    said = " ".join(lines).replace("’", "'").strip(_MARKS)
    if len(said) > LONGEST_OFFER or len(lines) > 3:  # noqa: PLR2004
        return False
    return bool(OFFER.match(said) and WORK.search(said))


def _tells_changes(lines: Sequence[str]) -> bool:
    head = lines[0]
    if lines[0].lstrip().startswith("#") and any(line.startswith("#") for line in lines[1:]):
        return False
    label, _, said = head.partition(":" if ":" in head else "：")
    plain = label.strip(_MARKS)
    marked = ":" in head or "：" in head or head[:1] in "*_#"
    found = CHANGES.search(plain)
    if not (found and marked and len(plain.split()) <= MOST_HEADING_WORDS):
        return False
    listed = all(re.match(r"[-*•+–]|\d+[.)]|\w", line) for line in lines[1:])
    return listed and (len(lines) > 1 or bool(said.strip())) and bool(found.end() > len(plain) // 3)


def _unfenced(text: str, old: str, known: set[str]) -> tuple[str, str, str]:
    """What stands before the fence that holds the document, the document, and what follows."""
    marks = list(_FENCE.finditer(text))[:MOST_FENCES]
    if not marks or _FENCE.search(old.lstrip("\ufeff\r\n")[:10]):
        return "", text, ""
    if len(marks) == 1:
        whole = not text[: marks[0].start()].strip()
        return "", text[marks[0].end() + 1 :] if whole else text, ""
    opening = marks[0]
    closing = _closing(marks, text)
    before, after = text[: opening.start()].strip(), text[closing.end() :].strip()
    inner = text[opening.end() + 1 : max(opening.end() + 1, closing.start() - 1)]
    if not before and not after:
        return "", inner, ""
    outside = lines_of(f"{before}\n{after}")
    belongs = bool(lines_of(inner) & known) and not (outside & known) and not _FENCE.search(old)
    return (before, inner, after) if belongs else ("", text, "")


def _closing(marks: list[re.Match[str]], text: str) -> re.Match[str]:
    """The fence that closes the first one; the last, where the others are pairs within."""
    opening = marks[0]
    bare = [mark for mark in marks[1:] if not mark[2].strip() and mark[1][0] == opening[1][0]]
    same = [mark for mark in bare if len(mark[1]) >= len(opening[1])]
    if not same:
        return marks[-1]
    last = same[-1]
    nested = opening[2].strip().lower() in {"markdown", "md"} and not text[last.end() :].strip()
    return last if nested and len(marks) % 2 == 0 else same[0]

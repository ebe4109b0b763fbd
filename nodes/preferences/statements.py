"""Cutting a text into statements that can be understood alone.

A statement is a sentence, by the sentence boundaries of Unicode (UAX 29), with what it leans on:
an item of a list has the line above the list, an answer the question before it. A line break alone
ends no sentence, since people break lines anywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import regex

_LONGEST_LEAD = 300  # characters; what is longer introduces no list
_COLON = ":\uff1a"
_ENDING = r"[[\p{SB=ATerm}\p{SB=STerm}…]--[?\uff1f\u061f\u2e2e]]"  # a question has its answer
_CLOSE = r"\p{SB=Close}*+"
_BULLET = regex.compile(r"[ \t]*(?:[-*•–+>]|\(?\d{1,3}[.)])[ \t]+")
# Lines that do not belong together: after an empty one or a finished one, before an item.
_BREAK = regex.compile(
    rf"\n\s*?\n|\n(?={_BULLET.pattern})|(?:{_ENDING}|[{_COLON}]){_CLOSE}[ \t]*+\K\n", regex.V1
)
# A full stop after a single letter abbreviates ("e.g.", "z. B."); one before a small letter, too.
_END = regex.compile(
    rf"(?<![\p{{SB=ATerm}}\p{{SB=STerm}}…])(?!(?<=\b\p{{L}})\p{{SB=ATerm}}){_ENDING}++{_CLOSE}"
    r"(?=\s|\Z|(?<=[\u3002\uff01\uff61]\p{SB=Close}*))(?!\s+\p{Lower})",
    regex.V1,
)
_WORD = regex.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Statement:
    """What stands in a text from `start` to `end`; `text` is that on one line, with its lead."""

    start: int
    end: int
    text: str


def statements(text: str) -> list[Statement]:
    """The statements of a text, in their order; pieces without a letter or digit are none.

    The line above a list is part of the statement of its first item.
    """
    found: list[Statement] = []
    above: Statement | None = None
    for start, end in _pieces(_BREAK, text, 0, len(text)):
        bullet = _BULLET.match(text, start, end)
        pieces = _pieces(_END, text, bullet.end() if bullet else start, end)
        here = [Statement(a, b, " ".join(text[a:b].split())) for a, b in pieces]
        if bullet and above:
            here = [replace(one, text=f"{above.text} {one.text}") for one in here]
            if here and found[-1] == above:
                here[0] = replace(here[0], start=found.pop().start)
        elif not bullet:
            last = here[-1].text if here else "."
            open_ended = last.endswith(tuple(_COLON)) or not _END.search(last[-3:])
            above = here[-1] if open_ended and len(last) <= _LONGEST_LEAD else None
        found += here
    return found


def _pieces(
    after: regex.Pattern[str], text: str, start: int, end: int
) -> Iterator[tuple[int, int]]:
    for match in after.finditer(text, start, end):
        if _WORD.search(text, start, match.end()):
            yield start, match.end()
        start = match.end()
    if _WORD.search(text, start, end):
        yield start, end

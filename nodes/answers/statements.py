"""Where an output states its final answer: labels, boxes, marks."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from nodes.answers.labels import LINE_BEGINS, PLACEHOLDER, STATEMENT

LONGEST = 400  # characters of a statement
LONGEST_BOX = 2000
MOST = 20  # the last statements and boxes are looked at
LONGEST_GAP = 40  # characters between two boxes that belong together

_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,3}\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_JOINS = re.compile(r"(?:and|or|,|;|\\text\{\s*(?:and|or)\s*\})", re.IGNORECASE)
_PARTS = re.compile(r"\n|[.!?]\s|\b(?:but|not|instead|wait|which|so)\b", re.IGNORECASE)
_OPENS = re.compile(r"(?:\$\$|\\\[|\\\(|```\w*|[*_]+|:)\s*", re.ASCII)
_SENTENCE_ENDS = re.compile(
    r"(?<!\b[A-Z])(?<!\b(?:St|Mr|Dr|Ms|vs))(?<!\bMrs)[.!?](?=[)*\"'$]{0,4}\s+[^\W\d_a-z]|\s*$)|[。\uff01\uff1f]"
)
_CODE = re.compile(r"^```(?!text|math|latex)[A-Za-z+#]+$.*?(?:^```$|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Statement:
    """What is stated, from where on; `alone` if it has a line of its own."""

    begin: int
    stated: str
    alone: bool
    boxed: bool = False


def statements(text: str) -> list[Statement]:
    """The statements of a final answer, in their order."""
    return sorted([*_labelled(text), *_boxes(text)], key=lambda each: each.begin)


def sentence(text: str) -> str:
    """The first sentence of a text."""
    end = _SENTENCE_ENDS.search(text)
    return text[: end.start()] if end else text


def last_sentence(text: str) -> str:
    """The last sentence of the last line."""
    line = text.rstrip()[-LONGEST:].rpartition("\n")[2]
    ends = [match.end() for match in _SENTENCE_ENDS.finditer(line.rstrip(" .!*"))]
    return line[ends[-1] :].strip() if ends else line.strip()


def without_code(text: str) -> str:
    """`text` without blocks of code that name their language, which state no answers."""
    bare = _CODE.sub("", text) if "```" in text else text
    return bare if bare.strip() else text


def _labelled(text: str) -> Iterator[Statement]:
    for match in deque(STATEMENT.finditer(text), maxlen=MOST):
        begin = text.rfind("\n", max(0, match.start() - LONGEST), match.start() + 1) + 1
        alone = LINE_BEGINS.fullmatch(text[begin : match.start()].lstrip()) is not None
        stated = _following(text[match.end() : match.end() + 2 * LONGEST])
        if not alone:
            stated = sentence(stated)
        if stated.strip(" \t*_$`") and not _BOX.search(stated):
            yield Statement(match.start(), stated, alone)


def _following(text: str) -> str:
    """The line that an answer is stated in, or the block of mathematics below."""
    block = text.lstrip()
    first, _, rest = block.partition("\n")
    opening = _OPENS.match(block)
    if opening and opening.end() >= len(first) and rest.strip():
        line = rest.lstrip().partition("\n")[0]
        return f"${line}$" if first.strip() in ("$$", "\\[", "\\(") else line
    return first


def _boxes(text: str) -> Iterator[Statement]:
    """The boxes that are filled in; those of one sentence that are joined make one."""
    joined: list[str] = []
    begin = end = -1
    for match in deque(_BOX.finditer(text), maxlen=MOST):
        closing = _closing(text, match.end())
        content = text[match.end() : closing].strip()
        if not content.strip("….\\ ?_") or PLACEHOLDER.fullmatch(content[:LONGEST]):
            continue
        gap = text[end : match.start()]
        together = len(gap) <= LONGEST_GAP and _JOINS.search(gap) and not _PARTS.search(gap)
        if joined and not together:
            yield Statement(begin, ", ".join(joined), alone=True, boxed=True)
            joined = []
        if content not in joined:
            joined.append(content)
        begin, end = match.start(), closing + 1
    if joined:
        yield Statement(begin, ", ".join(joined), alone=True, boxed=True)


def _closing(text: str, begin: int) -> int:
    """Where the group that is open at `begin` is closed; `begin` if it is not."""
    depth = 1
    for match in _BRACE.finditer(text, begin, begin + LONGEST_BOX):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return match.start()
    return begin

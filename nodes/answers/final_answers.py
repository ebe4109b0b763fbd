"""Reading the final answers off a solution."""

import re
from collections.abc import Iterator

from nodes.answers.forms import (
    LONGEST_MARKED_UP,
    LONGEST_STATED,
    WRAPPING,
    FinalAnswer,
    boxed,
    classified,
    short_text,
)

MOST_WORDS = 6
MOST_BOXES = 20
LONGEST_BOX = 2000

# In Chinese as well, which models of Chinese origin fall into.
_STATEMENT = re.compile(
    r"(?:^|[\s*_(])answer[*_]*[ \t]*+"
    r"(?:to[ \t][^\n.:]{1,60}?[ \t])?(?:is\b\s*+:?|[:\uff1a])"
    r"|(?:最终)?答案\s*+(?:是\s*+[:\uff1a]?|[:\uff1a])"
    r"|^[#*_ \t]*+(?:final[ \t]++)?answer[*_ \t]*+$",
    re.IGNORECASE | re.MULTILINE,
)
_LINE_BEGINS = re.compile(
    r"[\s#*_>\-(]*(?:the[ \t]+)?(?:(?:my|final|correct)[ \t]+)*$", re.IGNORECASE
)
_OPENS_BLOCK = re.compile(r"(?:\$\$|\\\[|\\\(|\*\*|```\w*|[*_]*)\s*", re.ASCII)
_MARK = re.compile(r"####\s*+(.+)")
_HEADING = re.compile(r"\d+[.)]\s+[a-zA-Z]")
_BOX = "\\boxed{"
_PLACEHOLDER = re.compile(r"(?:\\text\{)?\W*(?:(?:the|your|final) )*answer\W*", re.IGNORECASE)
_BETWEEN_BOXES = re.compile(r"[\s$]*(?:,|and|or|,\s*and|\\text\{\s*(?:and|or)\s*\})[\s$]*")
# `The answer is in the notebook.` tells where, not what.
_ELSEWHERE = re.compile(
    r"(?:in|on|at(?! least| most)|below|above|here|as follows|given|shown|provided|found|attached"
    r"|written|contained|included)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"^[ \t#*_(]*+(?:(query|question|problem|task|answer|q)[ \t]*+#?)?(\d{1,2})[ \t]*+[*_]*+"
    r"(?:[.):\uff1a]|[ \t]*+$)[*_]*+",
    re.IGNORECASE | re.MULTILINE,
)


def read_final_answer(text: str) -> FinalAnswer | None:
    """The final answer a solution states: a number, a choice letter, a formula or a boxed value.

    Looks at the last `\\boxed{}`, then at the last `Answer: …`, `the answer is …` or, in the last
    line, `#### …`, then whether the whole text is one. `None` where no short answer is stated, and
    where the last one cannot be read, since those before it were given up.
    """
    text = _without_code(text)
    if found := _boxed(text):
        return found
    statements = list(_statements(text))
    if statements:
        return _decided(statements)
    return _whole(text.strip())


def read_short_answer(text: str) -> FinalAnswer | None:
    """The stated answer, or the whole text, where it is a few words: normalized for counting."""
    statements = sorted(_statements(_without_code(text)), key=lambda statement: statement[0])
    stated = statements[-1][1] if statements else text  # the last with a line of its own, if any
    if not 0 < len(stated.split()) <= MOST_WORDS or len(stated) > LONGEST_MARKED_UP:
        return None
    if statements and _ELSEWHERE.match(stated.strip(WRAPPING)):
        return None
    return classified(stated) or short_text(stated)


def read_final_answers(text: str, asked: int) -> tuple[FinalAnswer, ...] | None:
    """The final answers to `asked` queries, in their order; `None` if any cannot be told.

    They are read off the sections with the queries' numbers, else off as many statements.
    """
    sections = _sections(text, asked)
    if sections is None:
        sections = [f"Answer: {stated}" for _, stated in _statements(_without_code(text))]
        if len(sections) != asked:
            sections = [_BOX + content + "}" for _, _, content in reversed(list(_boxes(text)))]
    found = [_read(section) for section in sections]
    answers = tuple(answer for answer in found if answer)
    return answers if len(found) == len(answers) == asked else None


def _whole(text: str) -> FinalAnswer | None:
    """A text that is nothing but a choice or a number; a line with a number in it is none."""
    if len(text) > LONGEST_STATED or "\n" in text.strip(WRAPPING + "$\\[]"):
        return None
    found = classified(text)
    if found is None or found.kind == "formula":
        return None
    in_sentence = found.kind == "number" and "=" not in text and text[:1].isalpha()
    return None if in_sentence else found


def _read(text: str) -> FinalAnswer | None:
    return read_final_answer(text) or read_short_answer(text)


def _decided(statements: list[tuple[bool, str]]) -> FinalAnswer | None:
    """The last statement; one in the midst of a sentence only if it can be read."""
    for own_line, stated in reversed(statements):
        found = classified(stated)
        if found or own_line:
            return found
        if not any(own for own, _ in statements):
            return None
    return None


def _statements(text: str) -> Iterator[tuple[bool, str]]:
    """The stated answers, each with whether it has a line of its own."""
    for match in _STATEMENT.finditer(text):
        begin = text.rfind("\n", max(0, match.start() - LONGEST_MARKED_UP), match.start() + 1) + 1
        heading = re.match(r"\s*", match.group())
        before = text[begin : match.start() + (heading.end() if heading else 0)]
        stated = _stated(text[match.end() : match.end() + 2 * LONGEST_MARKED_UP])
        if stated.strip(WRAPPING + "$"):
            yield bool(_LINE_BEGINS.match(before)), stated
    last = text.rstrip().rpartition("\n")[2]
    mark = _MARK.match(last)
    if mark and not _HEADING.match(mark.group(1)) and not _STATEMENT.search(last):
        yield True, mark.group(1)


def _stated(following: str) -> str:
    """The line that an answer is stated in, or the block of mathematics."""
    opening = _OPENS_BLOCK.match(following.lstrip())
    block = following.lstrip()
    first, _, rest = block.partition("\n")
    if opening and opening.end() >= len(first) and rest.strip():
        line = rest.lstrip().partition("\n")[0]
        return f"${line}$" if first.strip() in ("$$", "\\[", "\\(") else line
    return first


def _boxed(text: str) -> FinalAnswer | None:
    """The last box that is filled in, with those it is joined to by `and`."""
    contents: list[str] = []
    joined_to = -1
    for begin, end, content in _boxes(text):
        if contents and not _BETWEEN_BOXES.fullmatch(text[end:joined_to]):
            break
        contents.insert(0, content)
        joined_to = begin
    return boxed(", ".join(contents)) if contents else None


def _boxes(text: str) -> Iterator[tuple[int, int, str]]:
    """The filled boxes from the last on: where each begins and ends, and what it holds."""
    start = len(text)
    for _ in range(MOST_BOXES):
        start = text.rfind(_BOX, 0, start)
        if start < 0:
            return
        end = _closing(text, start + len(_BOX))
        content = text[start + len(_BOX) : end].strip()
        if end and content.strip("….\\ ?_") and not _PLACEHOLDER.fullmatch(content):
            yield start, end + 1, content


def _closing(text: str, begin: int) -> int:
    """Where the group that is open at `begin` is closed; 0 if it is not."""
    depth = 1
    for position in range(begin, min(len(text), begin + LONGEST_BOX)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return 0


def _sections(text: str, asked: int) -> list[str] | None:
    """What stands under each of the numbers 1 to `asked`, if each stands once, in order."""
    headings = list(_NUMBERED.finditer(text))
    for labelled in (True, False):
        chosen = [match for match in headings if bool(match.group(1)) is labelled]
        if [int(match.group(2)) for match in chosen] != list(range(1, asked + 1)):
            continue
        ends = [match.start() for match in chosen[1:]] + [len(text)]
        return [text[match.end() : end] for match, end in zip(chosen, ends, strict=True)]
    return None


def _without_code(text: str) -> str:
    """`text` without blocks of code that name their language, which state no answers."""
    if "```" not in text:
        return text
    kept, inside = [], False
    for line in text.split("\n"):
        fence = line.strip()
        if inside:
            inside = fence != "```"
        elif fence.startswith("```") and fence[3:].isalpha() and fence[3:] not in ("text", "math"):
            inside = True
        else:
            kept.append(line)
    return "\n".join(kept) if kept and "".join(kept).strip() else text

"""A part of a document, put into its place in the whole where that is certain.

Patches are applied by their text: models miscount the lines of their hunks, which the libraries
for diffs refuse.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nodes.documents.words import LEFT_OUT, STAYS

PATCH = "it is a patch that does not fit the document exactly"
ELIDED = "it leaves out a part whose place is not certain"
MOST_WORDS = 16  # of a line that says that something is left out
LONGEST_MARK = 300  # characters of such a line
NEAR = 12  # lines of context that may tell one place from another

_HUNK = re.compile(r"@@(?: -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@.*)?")
_SEARCH, _MIDDLE, _REPLACE = (re.compile(rf"{mark}{{5,9}}(?!{mark}).*") for mark in "<=>")
_STARTS = re.compile(r"@@|--- |diff |\*\*\* |<{5,9}|```|~~~")
_DOTS = re.compile(r"\.{3}|…|\. \. \.")
_BRACKETED = re.compile(r"[\[(<（【]\s?(?:\.{3}|…).*(?:\.{3}|…)\s?[\])>）】]")
_TELLING = re.compile(r"\w{4}|[぀-鿿]")  # what more than the words for it leaves of a line
_QUOTES = "\"'“”«„「"
_SPREAD = re.compile(r"(?:\.{3}|…)[\w$.()\[\]?]+[,;)\]}]*")
_MARKUP = " \t#/*<!->{}%;'\"()[]（）【】_`~|,.…。:：—–="
_MARKUP_BUT_DOTS = _MARKUP.replace(".", "").replace("…", "")
_OPENS = re.compile(r"[#/*<%;'\"(\[（【{|.…~_>-]|REM\b")
_INLINE = re.compile(
    r"[\[(<（【]\s*(?:\.{3}|…)[^\])>\n]{0,80}[\])>）】]|(?:\.{3}|…)\s*[\])）】]|>(?:\.{3}|…)<"
)


@dataclass(frozen=True, slots=True)
class Merged:
    """The document that a text stands for; where that is not certain, why not."""

    text: str
    reason: str = ""
    patched: bool = False


def merged(new: str, old: str) -> Merged:
    """The whole document that `new` stands for, if it is a patch of `old` or leaves parts out."""
    edits = _edits(new)
    if edits and not _edits(old):
        return _applied(edits, old)
    return _filled(new, old)


def before_patch(text: str) -> str:
    """What stands in front of a patch; all of a text that is none."""
    if not _edits(text):
        return text
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if _STARTS.match(line)), 0)
    return "\n".join(lines[:first]).strip()


@dataclass(frozen=True, slots=True)
class _Edit:
    """Lines to find once, those to put there, and where they are said to be."""

    before: str
    after: str
    line: int = 0


def _edits(text: str) -> list[_Edit]:
    lines = text.splitlines()
    if any(_SEARCH.fullmatch(line) for line in lines):
        return list(_blocks(lines))
    if any(_HUNK.fullmatch(line) for line in lines):
        return [edit for edit in _hunks(lines) if edit.before != edit.after]
    headed = any(line.startswith("--- ") for line in lines)
    if headed and any(line.startswith("+++ ") for line in lines):
        return [edit for edit in _hunks(["@@", *lines]) if edit.before != edit.after]
    return []


def _blocks(lines: Sequence[str]) -> Iterator[_Edit]:
    """What stands in SEARCH/REPLACE blocks."""
    before: list[str] = []
    after: list[str] = []
    target: list[str] | None = None
    for line in lines:
        if target is None:
            if _SEARCH.fullmatch(line):
                before, after = [], []
                target = before
        elif target is before and _MIDDLE.fullmatch(line):
            target = after
        elif _REPLACE.fullmatch(line):
            yield _Edit("".join(f"{each}\n" for each in before), _joined(after))
            target = None
        else:
            target.append(line)


def _hunks(lines: Sequence[str]) -> Iterator[_Edit]:
    """What stands in the hunks of a unified diff."""
    hunk: list[str] = []
    place = 0
    reading = False
    for line in [*lines, "@@"]:
        head = _HUNK.fullmatch(line)
        if (
            head is None
            and reading
            and not line.startswith(("--- ", "+++ ", "diff ", "*** ", "```"))
        ):
            hunk.append(line)
            continue
        if hunk:
            yield _hunk(hunk, place)
        reading, hunk = head is not None or line.startswith(("--- ", "+++ ")), []
        if head is not None:
            place = int(head[1][:7]) if head[1] else 0


def _hunk(lines: list[str], place: int) -> _Edit:
    while lines and not lines[-1].strip():
        lines.pop()
    kept = [line for line in lines if not line.startswith("\\")]
    before = [line[1:] for line in kept if not line.startswith("+")]
    after = [line[1:] for line in kept if not line.startswith("-")]
    return _Edit(_joined(before), _joined(after), place)


def _applied(edits: Sequence[_Edit], old: str) -> Merged:
    text, moved = old.rstrip("\n") + "\n", 0
    for edit in edits:
        at = _place(edit, text, moved)
        if at is None:
            return Merged(old, PATCH)
        text = text[:at] + edit.after + text[at + len(edit.before) :]
        moved += edit.after.count("\n") - edit.before.count("\n")
    return Merged(text, patched=True)


def _place(edit: _Edit, text: str, moved: int) -> int | None:
    """Where an edit's lines stand: the only place, or of several the one that it names."""
    if not edit.before.strip():
        return None
    lined = "\n" + text
    first = lined.find("\n" + edit.before)
    if first < 0:
        return None
    if lined.find("\n" + edit.before, first + 1) < 0:
        return first
    named = sum(len(line) for line in text.splitlines(True)[: max(0, edit.line + moved - 1)])
    return named if edit.line and text.startswith(edit.before, named) else None


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _filled(new: str, old: str) -> Merged:
    """`new` with what it leaves out taken from `old`, between lines that stand there once."""
    known = {line.strip() for line in old.splitlines()}
    lines = new.split("\n")
    marks = {
        at: strong for at, line in enumerate(lines) if (strong := _mark(line, known)) is not None
    }
    marks = {at: strong for at, strong in marks.items() if not _is_body(lines, at, known)}
    if not marks:
        inline = len(_INLINE.findall(new)) > len(_INLINE.findall(old))
        lost = inline and known - {line.strip() for line in lines}
        return Merged(new, ELIDED if lost and len(new) < len(old) else "")
    return _Filling(lines, old).filled(marks)


class _Filling:
    """The lines of both texts, those of the old one by what stands in them."""

    def __init__(self, lines: list[str], old: str) -> None:
        self.lines = lines
        self.old = old
        self.source = old.split("\n")
        self.solid = [at for at, line in enumerate(self.source) if line.strip()]
        self.places: dict[str, list[int]] = {}
        for place, at in enumerate(self.solid):
            self.places.setdefault(self.source[at].strip(), []).append(place)

    def filled(self, marks: dict[int, bool]) -> Merged:
        made: list[str] = []
        begin, last = 0, -1
        ends = [*list(marks), len(self.lines)]
        for number, (at, strong) in enumerate(marks.items()):
            before, after = self.lines[begin:at], self.lines[at + 1 : ends[number + 1]]
            first = self._found(_solid(before)[::-1], -1) if (made or _solid(before)) else -1
            then = self._found(_solid(after), 1) if _solid(after) else self._end(number, marks)
            if first is None or then is None or first < last or then <= first:
                if strong or self._loses():
                    return Merged(self.old, ELIDED)
                continue
            if then == first + 1 and not strong:
                continue
            gap = self._between(first, then)
            made += [*_without_blank_end(before), *gap]
            begin, last = at + 1, then
            while gap and begin < len(self.lines) and not self.lines[begin].strip():
                begin += 1
        return Merged("\n".join([*made, *self.lines[begin:]]))

    def _end(self, number: int, marks: dict[int, bool]) -> int | None:
        """The end of the old text, where the mark is the last thing of the new one."""
        return len(self.solid) if number == len(marks) - 1 else None

    def _found(self, nearest: list[str], step: int) -> int | None:
        """The only place of a line, told from others by those beyond it; `nearest` comes first."""
        if not nearest:
            return None
        places = self.places.get(nearest[0], [])
        for depth in range(1, min(NEAR, len(nearest))):
            if len(places) <= 1:
                break
            places = [at for at in places if self._at(at + step * depth) == nearest[depth]]
        return places[0] if len(places) == 1 else None

    def _at(self, place: int) -> str | None:
        return self.source[self.solid[place]].strip() if 0 <= place < len(self.solid) else None

    def _between(self, first: int, then: int) -> list[str]:
        begin = self.solid[first] + 1 if first >= 0 else 0
        end = self.solid[then] if then < len(self.solid) else len(self.source)
        return self.source[begin:end]

    def _loses(self) -> bool:
        """Whether more of the old lines are gone than a change of a few would explain."""
        kept = {line.strip() for line in self.lines}
        gone = sum(line not in kept for line in self.places)
        return gone > max(1, len(self.places) // 10)


def _mark(line: str, known: set[str]) -> bool | None:
    """Whether a line stands for lines left out: surely, by its words alone, or (`None`) not."""
    text = line.strip()
    if not text or text in known or len(text) > LONGEST_MARK or _SPREAD.fullmatch(text):
        return None
    said = text.strip(_MARKUP)
    if _BRACKETED.fullmatch(text):
        return True
    if not said and _DOTS.search(text):
        return None if text[0] in _QUOTES and not text.endswith(",") else True
    if not said or len(said.split()) > MOST_WORDS:
        return None
    opened = _OPENS.match(text) is not None
    left, stays = LEFT_OUT.search(said), STAYS.search(said)
    if opened and (
        (_at_edge(text) and (left or stays)) or (left and stays and text[0] in "[(（【")
    ):
        return True
    alone = not _TELLING.search(STAYS.sub("", LEFT_OUT.sub("", said)))
    begins = left is not None and len(said[: left.start()].split()) <= 1
    weak = (opened and (alone or (left and stays))) or (not opened and begins and stays)
    return False if weak else None


def _at_edge(text: str) -> bool:
    """Whether dots stand at the beginning or at the end of a line."""
    return bool(_DOTS.match(text.lstrip(_MARKUP_BUT_DOTS)) or _DOTS.search(text[-8:]))


def _is_body(lines: Sequence[str], at: int, known: set[str]) -> bool:
    """Whether bare dots are the body of a new Python definition."""
    if lines[at].strip() != "..." or at == 0:
        return False
    head = lines[at - 1].strip()
    return head.endswith(":") and head not in known


def _solid(lines: Sequence[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip()]


def _without_blank_end(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]

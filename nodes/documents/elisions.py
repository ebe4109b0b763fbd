"""What a text leaves out of an old document, seen by its marks, and filled in from there."""

import functools
import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from enum import IntEnum

from nodes.documents.words import LEFT_OUT, LESS, REMOVE, STAYS, lines_of

MOST_WORDS = 16  # of a line that says that something is left out
LONGEST_MARK = 300  # characters of such a line
MOST_BY_PLACE, MOST_PLACES = 50, 200  # marks without words; places of one line
NEAR = 12  # lines of context that may tell one place from another
FEWEST_LOST = 3  # lines that hardly vanish by a change of something else
FEWEST_COVERED = 2  # lines that a mark without words may stand for

_DOTS = re.compile(r"\.{3}|…|\. \. \.")
_BRACKETED = re.compile(r"[\[(<（【]\s?(?:\.{3}|…).*(?:\.{3}|…)\s?[\])>）】]")
_ENCLOSED = re.compile(r"[\[(（【〔].*[\])）】〕]")
_TELLING = re.compile(r"\w{4}|[぀-鿿]")  # what more than the words for it leaves of a line
_QUOTES = "\"'“”«„「"
_SPREAD = re.compile(r"(?:\.{3}|…)[\w$.()\[\]?]+[,;)\]}]*")
_MARKUP = " \t#/*<!->{}%;'\"()[]（）【】〔〕_`~〜|,.…。:：—–="
_MARKUP_BUT_DOTS = _MARKUP.replace(".", "").replace("…", "")
_OPENS = re.compile(r"[#/*<%;'\"(\[（【〔〜{|.…~_>-]|REM\b")
_COMMENT = re.compile(r"//|/\*|#|--\s|;|%|\(\*|<!--|\{[/#%]|\"\"\"|'''|REM\b|[\[（【〔〜~(]")
_INLINE = re.compile(
    r"[\[(<（【]\s*(?:\.{3}|…)[^\])>\n]{0,80}[\])>）】]|(?:\.{3}|…)\s*[\])}）】]|>(?:\.{3}|…)<"
)


class Mark(IntEnum):
    """How sure it is that a line stands for others: by where it stands alone, by words, surely."""

    BY_PLACE = 1
    BY_WORDS = 2
    SURE = 3


def filled(new: str, old: str, request: str) -> str | None:
    """`new` with what it leaves out taken from `old`, between lines that stand there once.

    `None` where a place is not certain.
    """
    known = lines_of(old)
    lines = new.split("\n")
    found = ((at, _mark(line, known)) for at, line in enumerate(lines))
    marks = {at: mark for at, mark in found if mark and not _is_body(lines, at, known)}
    if not any(line.strip() in known for line in lines if _TELLING.search(line)):
        marks = {at: mark for at, mark in marks.items() if lines[at].strip(_MARKUP)}
    by_place = [at for at, mark in marks.items() if mark is Mark.BY_PLACE]
    for at in by_place if len(by_place) > MOST_BY_PLACE else ():
        del marks[at]
    if marks:
        shrinks = bool(REMOVE.search(request) or LESS.search(request))
        return _Filling(lines, old, shrinks).filled(marks)
    inline = len(_INLINE.findall(new)) > len(_INLINE.findall(old))
    lost = inline and known - lines_of(new)
    return None if lost and len(new) < len(old) else new


class _Filling:
    """The lines of both texts, those of the old one by what stands in them."""

    def __init__(self, lines: list[str], old: str, shrinks: bool) -> None:
        self.lines = lines
        self.shrinks = shrinks
        self.source = old.split("\n")
        self.kept = {line.strip() for line in lines}
        self.own = [at for at, line in enumerate(lines) if line.strip()]
        self.solid = [at for at, line in enumerate(self.source) if line.strip()]
        self.places: dict[str, list[int]] = {}
        for place, at in enumerate(self.solid):
            self.places.setdefault(self.source[at].strip(), []).append(place)

    def filled(self, marks: dict[int, Mark]) -> str | None:
        made: list[str] = []
        begin, last = 0, -1
        told = {at for at, mark in marks.items() if mark is not Mark.BY_PLACE}
        for at, mark in marks.items():
            before, after = self._before(at, begin), self._after(at, told)
            first = self._found(before, -1) if (made or before) else -1
            last_line = len(self.solid) if self.own[-1] == at else None
            then = self._found(after, 1) if after else last_line
            if first is None or then is None or first < last or then <= first:
                unsure = self._loses if mark is Mark.BY_WORDS else self._covers(at)
                if mark is Mark.SURE or unsure:
                    return None
                continue
            if mark is not Mark.SURE and not self._stands_for(at, first, then, mark):
                continue
            gap = self._between(first, then)
            made += [*_without_blank_end(self.lines[begin:at]), *gap]
            begin, last = at + 1, then
            while gap and begin < len(self.lines) and not self.lines[begin].strip():
                begin += 1
        if begin and not self.shrinks and self._loses_an_end(begin, min(marks)):
            return None
        return "\n".join([*made, *self.lines[begin:]])

    def _before(self, at: int, begin: int) -> list[str]:
        """The nearest lines in front of a mark, nearest first."""
        place = bisect_left(self.own, at)
        near = self.own[max(0, place - NEAR) : place]
        return [self.lines[each].strip() for each in reversed(near) if each >= begin]

    def _after(self, at: int, told: set[int]) -> list[str]:
        place = bisect_right(self.own, at)
        near = itertools.takewhile(lambda each: each not in told, self.own[place : place + NEAR])
        return [self.lines[each].strip() for each in near]

    def _stands_for(self, at: int, first: int, then: int, mark: Mark) -> bool:
        """Whether lines that are not comments themselves vanish where an unsure mark stands."""
        gap = [each.strip() for each in self._between(first, then) if each.strip()]
        if mark is Mark.BY_WORDS:
            return bool(gap)
        lost = [line for line in gap if not _COMMENT.match(line) and line not in self.kept]
        line = self.lines[at].strip()
        fewest = 1 if _ENCLOSED.fullmatch(line) or STAYS.search(line) else FEWEST_COVERED
        inside = first >= 0 or then < len(self.solid)
        return inside and not self.shrinks and len(lost) >= max(fewest, len(gap) // 2)

    def _found(self, nearest: list[str], step: int) -> int | None:
        """The only place of a line, told from others by those beyond it; `nearest` comes first."""
        if not nearest:
            return None
        places = self.places.get(nearest[0], [])
        places = places if len(places) <= MOST_PLACES else []
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

    def _covers(self, at: int) -> bool:
        """Whether old lines are gone where a comment says that something stays."""
        if self.shrinks or not STAYS.search(self.lines[at]):
            return False
        before, after = self._before(at, 0), self._after(at, set())
        first, then = self._nearest(before), self._nearest(after)
        if first is None or then is None:
            return False
        gone = then[1] - first[1] - 1
        return gone - first[0] - then[0] >= FEWEST_COVERED

    def _nearest(self, lines: list[str]) -> tuple[int, int] | None:
        """Of lines, the first that stands in the old text once: its number, and its place there."""
        found = ((number, self.places.get(line, [])) for number, line in enumerate(lines))
        return next(((number, places[0]) for number, places in found if len(places) == 1), None)

    @functools.cached_property
    def _loses(self) -> bool:
        """Whether more of the old lines are gone than a change of a few would explain."""
        gone = sum(line not in self.kept for line in self.places)
        return gone > max(1, len(self.places) // 10)

    def _loses_an_end(self, begin: int, first_mark: int) -> bool:
        """Whether old lines before or after all that the new text has are gone without a mark."""
        tail, head = _solid(self.lines[begin:])[::-1], _solid(self.lines[:first_mark])
        return any(
            self._missing(lines, side) >= FEWEST_LOST for lines, side in ((tail, 1), (head, 0))
        )

    def _missing(self, lines: list[str], side: int) -> int:
        """How many more old lines than new ones stand beyond the outermost known one."""
        found = self._nearest(lines)
        if found is None:
            return 0
        added, place = found
        return (len(self.solid) - 1 - place if side else place) - added


def _mark(line: str, known: set[str]) -> Mark | None:
    """Whether, and how surely, a line stands for lines left out."""
    text = line.strip()
    if not text or text in known or len(text) > LONGEST_MARK or _SPREAD.fullmatch(text):
        return None
    said = text.strip(_MARKUP)
    if not said and _DOTS.search(text):
        return None if text[0] in _QUOTES and not text.endswith(",") else Mark.SURE
    if _BRACKETED.fullmatch(text):
        return Mark.SURE
    return _told(text, said) if said and len(said.split()) <= MOST_WORDS else None


def _told(text: str, said: str) -> Mark | None:
    """How surely a line's words and marks tell that others are left out."""
    opened = _OPENS.match(text) is not None
    left, stays = LEFT_OUT.search(said), STAYS.search(said)
    told = bool(left and stays)
    if opened and ((_at_edge(text) and (left or stays)) or (told and text[0] in "[(（【〔")):
        return Mark.SURE
    alone = bool(left or stays) and not _TELLING.search(STAYS.sub("", LEFT_OUT.sub("", said)))
    begins = left is not None and len(said[: left.start()].split()) <= 1
    enclosed = stays is not None and _ENCLOSED.fullmatch(text) is not None
    if (opened and (told or alone or enclosed)) or (not opened and begins and stays):
        return Mark.BY_WORDS
    return Mark.BY_PLACE if _COMMENT.match(text) else None


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
    return lines[: max((end for end, line in enumerate(lines, 1) if line.strip()), default=0)]

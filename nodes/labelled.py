"""Reading reviews as models write them: label-like heads with text, lists under them, tables, JSON.

A head is a label of `nodes.documents.words` at the beginning of a line, whatever marks, numbers or
emoji stand before it, and set off from its text by a colon, a dash, a bracket, or its own line.
"""

import re
from dataclasses import dataclass, field

from nodes.documents.words import FAULTLESS, STRENGTH
from nodes.review_tables import PROBLEM, RULE, SUGGESTION, clean, from_json, from_table
from nodes.state import Feedback

MOST_FEEDBACKS = 50
LONGEST_REVIEW = 40_000  # characters read of one
LONGEST_PRAISE = 300

_NAMES = rf"(?:(?P<problem>{PROBLEM})|(?P<suggestion>{SUGGESTION}))"
_COUNT = (
    r"(?:\s?\(?(?:[#№]|n[°º.]|no\.|nr\.)?\s?(?:\d{1,3}|[一二三四五六七八九十]{1,3})\)?(?:\s?(?:/|of|von|de|из)\s?\d{1,3})?)?"
    r"(?:\s?\([\w ]{1,20}\))?"
)
# Lines come with single spaces: with runs of them, time would grow with the cube of their length.
_BEFORE = r"[^\w\"'“”«»‘’`]*"
_LEAD = re.compile(rf"{_BEFORE}(?:(?:(?:\d{{1,3}}|[IVX]{{1,4}}|[a-z])[.):]|[①-⑳])\s?{_BEFORE})?")
_LABELLED = re.compile(
    rf"(?:[«\"“]\s?|\w{{1,12}} (?=[^\W\d]+\s?:))?{_NAMES}{_COUNT}"
    r"(?:\s?[*_\]】»\"”]*\s?(?:[:：=＝–—→]|\s?\|(?!.*\|)|[-=]?[-=]>|-\s)|\.?[*_]{2,}\s|[*_]*(?:[\])]\s|】))"
    r"\s?[*_]*\s?(?P<text>.*)",
    re.IGNORECASE,
)
_DOTTED = re.compile(rf"{_NAMES}{_COUNT}\.\s(?P<text>.*)", re.IGNORECASE)
# A label alone on its line has its text below.
_ALONE = re.compile(rf"{_NAMES}{_COUNT}\W*", re.IGNORECASE)
_UNDERLINED = re.compile(r"^([^\w]*)__([^_]{1,30})__(?=\W*[:：])")
_TAG = re.compile(rf"<(/?){_NAMES}{_COUNT}(?: \w+=[^<>\n]{{0,60}})?>", re.IGNORECASE)
_OTHER_TAG = re.compile(r"</?[A-Za-z_]{1,30}(?: [^<>]{0,80})?/?>")
_INLINE_TAG = re.compile(r"</?(?:b|i|em|strong|u|code|span)>", re.IGNORECASE)
_LIST_TAG = re.compile(r"<(?:li|p|br ?/?|td|h[1-6])>", re.IGNORECASE)
_DEFINED = re.compile(r"\n[ \t]{0,8}:[ \t]")
_CLAUSE = re.compile(r"[,;.。，；]")
# Within a line a label follows the end of a sentence, or stands out by its marks.
_INLINE = re.compile(
    r"(?:[.!?;|(–—→。！？；]['\"”’*_]*\s?|-\s|\s?(?:\*\*|__))[*_(→]{0,4}\s?"
    rf"(?P<label>{SUGGESTION})\s?[*_]*\s?[:：=]\s?[*_]*\s?",
    re.IGNORECASE,
)
_ASKED = re.compile(r"\s?[;,|(–-]?\s?[*_]{0,3}\b(?P<label>SUGGESTION)\s?[*_]*\s?[:：=]\s?[*_]*\s?")
_ITEM = re.compile(r"(?:[-*•–+>·▪]|\(?\d{1,3}[.):]|[a-z]\))\s")
_FENCE = re.compile(r"[ \t]{0,3}(?:```|~~~)")
_UNFILLED = re.compile(r"<[^<>]*>|-+|\[\]", re.IGNORECASE)


def read_feedbacks(text: str) -> list[Feedback]:
    """The feedbacks a critique lists, in its order; empty where none can be read.

    Suggestions belong to the problem before them, or of a list to those of the list before it. A
    problem without one is kept with an empty suggestion; a suggestion without a problem is not a
    feedback, nor is a form left unfilled, nor a line that says that nothing is wrong.
    """
    pairs = _pairs(text[:LONGEST_REVIEW])
    return [
        Feedback(problem=problem, suggestion="" if _is_none(fix) else fix)
        for problem, fix in pairs
        if problem and not _is_none(problem) and not _is_praise(problem, fix)
    ][:MOST_FEEDBACKS]


def _pairs(text: str) -> list[tuple[str, str]]:
    return from_json(text) or _from_lines(text) or from_table(text)


def _is_praise(problem: str, fix: str) -> bool:
    """Whether a problem begins by saying that there is none, and so does its suggestion."""
    return bool(fix) and _is_none(fix) and _says_none(_CLAUSE.split(problem, maxsplit=1)[0])


def read_praise(text: str) -> str:
    """The words in which a critique says that nothing is wrong; empty where it does not."""
    said = [pair for pair in _pairs(text[:LONGEST_REVIEW]) if pair[0]]
    if said:
        none = all(_says_none(problem) or _is_praise(problem, fix) for problem, fix in said)
        return said[0][0] if none else ""
    sentences = re.split(r"(?<=[.!。])\s*", text.strip()[: LONGEST_PRAISE + 1])
    short = len(text.strip()) <= LONGEST_PRAISE
    found = any(map(_says_none, sentences))
    return text.strip() if short and found else ""


def _is_none(text: str) -> bool:
    said = text.strip(" .!。*_")
    return not said or bool(_UNFILLED.fullmatch(said)) or _says_none(said)


def _says_none(text: str) -> bool:
    return bool(FAULTLESS.fullmatch(text.strip(" .!。*_")))


@dataclass
class _Reading:
    """Lines being read into pairs of problem and suggestion.

    The label a review uses first is its own: in "PROBLEM: It raises", "Error: division by zero" on
    the next line is what it raises, not a second problem. `listed` is which half the items of a
    list are, `turn` the pair that the next listed suggestion belongs to.
    """

    asked: bool = False  # the suggestions are under the very label that was asked for
    inline: re.Pattern[str] = _INLINE  # where within a line one begins
    listed: int | None = None
    own: str = ""  # the word that the problems are under
    pairs: list[list[str]] = field(default_factory=list)
    growing: int | None = None  # which half of the last pair further lines belong to
    turn: int = 0

    def take(self, line: str, following: str, *, quoted: bool) -> None:
        match = None if quoted else _head(line)
        text = match.groupdict().get("text") or "" if match else ""
        lists = match is not None and not text and bool(_ITEM.match(following))
        if match and match.group("problem") and (lists or self._is_own(match.group("problem"))):
            self._begin(text, lists)
        elif match and match.group("suggestion") and self._is_meant(match.group("suggestion")):
            self._suggest(text, lists)
        elif not quoted and STRENGTH.match(_bare(line)) and _ends_label(line):
            self.growing = self.listed = None
        elif self.listed is not None and not quoted and _ITEM.match(line):
            self._take_item(_ITEM.sub("", line, count=1))
        elif RULE.fullmatch(line) and not quoted:
            filled = self.growing is not None and self.pairs and self.pairs[-1][self.growing]
            self.growing = None if filled else self.growing
        else:
            self._grow(line)

    def _begin(self, text: str, lists: bool) -> None:
        if lists:
            self.listed, self.growing, self.turn = 0, None, len(self.pairs)
            return
        self.listed = None
        problem, fix = self._split(text)
        self.pairs.append([problem, fix])
        self.turn = len(self.pairs) - 1
        self.growing = 1 if fix else 0

    def _suggest(self, text: str, lists: bool) -> None:
        self.growing = 1 if self.pairs else None
        if lists:
            self.listed = 1
        else:
            self._grow(text)

    def _take_item(self, text: str) -> None:
        if self.listed == 0:
            problem, fix = self._split(text)
            self.pairs.append([problem, fix])
            self.growing = 1 if fix else 0
        elif self.pairs:
            place = min(self.turn, len(self.pairs) - 1)
            self.pairs[place][1] = f"{self.pairs[place][1]} {clean(text)}".strip()
            self.turn, self.growing = place + 1, None

    def _is_own(self, label: str) -> bool:
        self.own = self.own or label
        return label == self.own if self.own == "PROBLEM" else label.lower() == self.own.lower()

    def _is_meant(self, label: str) -> bool:
        return label == "SUGGESTION" or not self.asked

    def _split(self, text: str) -> tuple[str, str]:
        meant = (m for m in self.inline.finditer(text) if self._is_meant(m.group("label")))
        match = next(meant, None)
        if match is None:
            return clean(text), ""
        kept = text[: match.start("label")].rstrip(" *_(|;–—→-")
        return clean(kept), clean(text[match.end() :].rstrip(")"))

    def _grow(self, text: str) -> None:
        if self.growing is not None and self.pairs:
            half = self.pairs[-1][self.growing]
            self.pairs[-1][self.growing] = f"{half} {clean(text)}".strip()


def _from_lines(text: str) -> list[tuple[str, str]]:
    lines = [
        _UNDERLINED.sub(r"\1**\2**", " ".join(raw.split()))
        for raw in _DEFINED.sub(": ", _untagged(text)).splitlines()
    ]
    fenced = _fenced(lines)
    unfenced = [line for line in lines if not _FENCE.match(line)]
    found = _read(lines, fenced) or (_read(unfenced, set()) if fenced else [])
    if found or not any(_has_suggestion(line) for line in unfenced):
        return found
    return _read(unfenced, set(), listed=0)


def _untagged(text: str) -> str:
    """XML's labels as heads of lines, and a list's tags left out."""
    if _LIST_TAG.search(text):
        return _OTHER_TAG.sub("\n", _INLINE_TAG.sub("", text))
    if "</" not in text or not _TAG.search(text):
        return text
    return _TAG.sub(
        lambda tag: "\n---\n" if tag[1] else f"\n{tag['problem'] or tag['suggestion']}: ", text
    )


def _has_suggestion(line: str) -> bool:
    head = _LABELLED.fullmatch(_bare(line))
    return bool(head and head.group("suggestion")) or _INLINE.search(line) is not None


def _read(lines: list[str], fenced: set[int], listed: int | None = None) -> list[tuple[str, str]]:
    free = [line for number, line in enumerate(lines) if number not in fenced]
    beginning = any(_bare(line).startswith("SUGGESTION") for line in free)
    asked = beginning or any(_ASKED.search(line) for line in free)
    inline = _ASKED if asked and not beginning else _INLINE
    reading = _Reading(asked, inline, listed)
    following = ""
    ahead = []
    for line in reversed(lines):
        ahead.append(following)
        following = line or following
    for number, (line, after) in enumerate(zip(lines, reversed(ahead), strict=True)):
        reading.take(line, after, quoted=number in fenced)
    return [(problem, fix) for problem, fix in reading.pairs if problem]


def _fenced(lines: list[str]) -> set[int]:
    """The numbers of the lines of code between a fence and the one that closes it."""
    fences = [number for number, line in enumerate(lines) if _FENCE.match(line)]
    blocks = zip(fences[::2], fences[1::2], strict=False)
    return {number for first, last in blocks for number in range(first, last + 1)}


def _head(line: str) -> re.Match[str] | None:
    bare = _bare(line)
    found = _LABELLED.fullmatch(bare) or _ALONE.fullmatch(bare)
    dotted = _DOTTED.fullmatch(bare) if found is None else None
    return dotted if dotted and (dotted["problem"] or dotted["suggestion"]).isupper() else found


def _bare(line: str) -> str:
    lead = _LEAD.match(line)
    return line[lead.end() :] if lead else line


def _ends_label(line: str) -> bool:
    return bool(re.search(r"[:：]", line[:60])) or line[:1] in "#*"

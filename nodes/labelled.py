"""Reading reviews as models write them: labelled lines (numbered, bulleted, bold), tables, JSON."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nodes.state import Feedback

_LABELS = {
    "problem": r"problem|issue|fault|weakness|error|concern",
    "suggestion": r"suggestion|suggested\s+(?:fix|change)|fix|solution|recommendation|improvement",
}
_LEAD = " \t>#*_-•–+|(["
_NUMBERING = re.compile(r"\d+[.):]\s?")
# These patterns see lines whose runs of white space were made single spaces: with more, their
# time would grow with the cube of a run's length.
_LABELLED = re.compile(
    rf"(?:(?P<problem>{_LABELS['problem']})|(?P<suggestion>{_LABELS['suggestion']}))"
    r"(?:\s?#?\d*\s?[*_\]]*\s?(?:[:：=–]|-\s)|\s?#?\d*[*_]*\]\s)\s?[*_]*\s?(?P<text>.*)",  # noqa: RUF001
    re.IGNORECASE,
)
# A label alone on its line has its text below; it shows itself to be one by its marks.
_HEADING = re.compile(
    rf"(?=[#*_\[]|.*\d\W*\Z|(?-i:[A-Z]+\Z))[#*_\[\s]*(?:\d+[.)]\s?)?"
    rf"(?:(?P<problem>{_LABELS['problem']})|(?P<suggestion>{_LABELS['suggestion']}))"
    r"\s?#?\d*\s?[*_\]]*",
    re.IGNORECASE,
)
# Within a line a label follows the end of a sentence, or stands out by its marks.
_INLINE_SUGGESTION = re.compile(
    r"(?:[.!?;|(–—)]['\"”’*_]*\s?|-\s|\s?(?:\*\*|__))[*_(]{0,4}"
    rf"(?:\b|(?<=_))(?P<label>{_LABELS['suggestion']})\s?[*_]*\s?[:：=]\s?[*_]*\s?",  # noqa: RUF001
    re.IGNORECASE,
)
_ASKED = re.compile(r"\s?[;,|(–-]?\s?[*_]{0,3}\b(?P<label>SUGGESTION)\s?[*_]*\s?[:：=]\s?[*_]*\s?")  # noqa: RUF001
_RULE = re.compile(r"[\s|:\-–=*_#]*")
_BULLET = re.compile(r"\A(?:[-•–+>]\s)+")
_FENCE = re.compile(r"[ \t]{0,3}(?:```|~~~)")
_NONE = re.compile(
    r"<[^<>]*>|none(?:\s+(?:found|identified|at all))?|n/?a|nothing"
    r"|no\s+(?:\w+\s+)?(?:problems?|issues?|faults?|errors?)(?:\s+(?:found|identified))?|null|-+",
    re.IGNORECASE,
)
_EDGE = " \t*_|"
MOST_FEEDBACKS = 50


def read_feedbacks(text: str) -> list[Feedback]:
    """The feedbacks a critique lists, in its order; empty where none can be read.

    Suggestions belong to the problem before them. A problem without one is kept with an empty
    suggestion; a suggestion without a problem is not a feedback, nor is a form left unfilled.
    """
    pairs = _from_json(text) or _from_lines(text) or _from_table(text)
    return [
        Feedback(problem=problem, suggestion="" if _is_none(fix) else fix)
        for problem, fix in pairs
        if problem and not _is_none(problem)
    ][:MOST_FEEDBACKS]


def _is_none(text: str) -> bool:
    return _NONE.fullmatch(text.strip(" .!")) is not None


def _from_json(text: str) -> list[tuple[str, str]]:
    starts = [place for place in (text.find("["), text.find("{")) if place >= 0]
    end = max(text.rfind("]"), text.rfind("}"))
    if not starts:
        return []
    value = _loaded(text[min(starts) : end + 1])
    if isinstance(value, dict):
        value = next((inner for inner in value.values() if isinstance(inner, list)), [value])
    if not isinstance(value, list):
        value = [_loaded(line) for line in _objects(text)]
    pairs = [_pair(item) for item in value if isinstance(item, dict)]
    return [(problem, fix) for problem, fix in pairs if problem]


def _loaded(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _objects(text: str) -> Iterator[str]:
    """The lines that may each be one object."""
    for line in text.splitlines():
        found = line.strip().lstrip("-* ").rstrip(",")
        if found.startswith("{") and found.endswith("}"):
            yield found


def _pair(item: dict[str, object]) -> tuple[str, str]:
    columns = _columns(list(item))
    if columns is None:
        return "", ""
    values = [" ".join(str(value).split()) for value in item.values()]
    return values[columns[0]], values[columns[1]]


@dataclass
class _Reading:
    """Lines being read into pairs of problem and suggestion.

    The label a review uses first is its own: in "PROBLEM: It raises", "Error: division by zero" on
    the next line is what it raises, not a second problem.
    """

    asked: bool = False  # the suggestions are under the very label that was asked for
    inline: re.Pattern[str] = _INLINE_SUGGESTION  # where within a line one begins
    own: str = ""  # the word that the problems are under
    pairs: list[list[str]] = field(default_factory=list)
    growing: int | None = None  # which half of the last pair further lines belong to

    def take(self, line: str, *, quoted: bool) -> None:
        match = None if quoted else _labelled(line)
        if match and match.group("problem") and self._is_own(match.group("problem")):
            problem, fix = self._split(match.groupdict().get("text") or "")
            self.pairs.append([problem, fix])
            self.growing = 1 if fix else 0
        elif match and match.group("suggestion") and self._is_meant(match.group("suggestion")):
            self.growing = 1 if self.pairs else None
            self._grow(match.groupdict().get("text") or "")
        elif _RULE.fullmatch(line) and not quoted:
            filled = self.growing is not None and self.pairs[-1][self.growing]
            self.growing = None if filled else self.growing
        else:
            self._grow(line)

    def _is_own(self, label: str) -> bool:
        self.own = self.own or label
        return label == self.own if self.own == "PROBLEM" else label.lower() == self.own.lower()

    def _is_meant(self, label: str) -> bool:
        return label == "SUGGESTION" or not self.asked

    def _split(self, text: str) -> tuple[str, str]:
        meant = (m for m in self.inline.finditer(text) if self._is_meant(m.group("label")))
        match = next(meant, None)
        if match is None:
            return _clean(text), ""
        kept = text[: match.start("label")].rstrip(" *_(|;–—-")
        return _clean(kept), _clean(text[match.end() :].rstrip(")"))

    def _grow(self, text: str) -> None:
        if self.growing is not None:
            half = self.pairs[-1][self.growing]
            self.pairs[-1][self.growing] = f"{half} {_clean(text)}".strip()


def _from_lines(text: str) -> list[tuple[str, str]]:
    lines = [" ".join(raw.split()) for raw in text.splitlines()]
    fenced = _fenced(lines)
    if not fenced:
        return _read(lines, fenced)
    unfenced = [line for line in lines if not _FENCE.match(line)]
    return _read(lines, fenced) or _read(unfenced, set())


def _read(lines: list[str], fenced: set[int]) -> list[tuple[str, str]]:
    free = [line for number, line in enumerate(lines) if number not in fenced]
    beginning = any(_without_lead(line).startswith("SUGGESTION") for line in free)
    asked = beginning or any(_ASKED.search(line) for line in free)
    reading = _Reading(asked, _ASKED if asked and not beginning else _INLINE_SUGGESTION)
    for number, line in enumerate(lines):
        reading.take(line, quoted=number in fenced)
    return [(problem, fix) for problem, fix in reading.pairs if problem]


def _fenced(lines: list[str]) -> set[int]:
    """The numbers of the lines of code between a fence and the one that closes it."""
    fences = [number for number, line in enumerate(lines) if _FENCE.match(line)]
    blocks = zip(fences[::2], fences[1::2], strict=False)
    return {number for first, last in blocks for number in range(first, last + 1)}


def _labelled(line: str) -> re.Match[str] | None:
    return _LABELLED.fullmatch(_without_lead(line)) or _HEADING.fullmatch(line)


def _without_lead(line: str) -> str:
    unmarked = line.lstrip(_LEAD)
    numbering = _NUMBERING.match(unmarked)
    return unmarked[numbering.end() :].lstrip(_LEAD) if numbering else unmarked


def _from_table(text: str) -> list[tuple[str, str]]:
    rows = [
        [_clean(cell) for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.count("|") >= 2 and not _RULE.fullmatch(line)  # noqa: PLR2004
    ]
    columns = _columns(rows[0]) if rows else None
    if columns is None:
        return []
    problem, suggestion = columns
    return [
        (row[problem], row[suggestion])
        for row in rows[1:]
        if len(row) > max(columns) and row[problem]
    ]


def _columns(header: list[str]) -> tuple[int, int] | None:
    places = []
    for names in _LABELS.values():
        pattern = re.compile(rf"(?:{names})s?", re.IGNORECASE)
        matching = [place for place, cell in enumerate(header) if pattern.fullmatch(cell)]
        if not matching:
            return None
        places.append(matching[0])
    return places[0], places[1]


def _clean(text: str) -> str:
    return _BULLET.sub("", text.strip().strip(_EDGE)).strip()

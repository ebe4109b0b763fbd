"""Reading reviews as models write them: labelled lines (numbered, bulleted, bold), tables, JSON."""

import json
import re

from nodes.state import Feedback

_LABELS = {
    "problem": r"problem|issue|fault|weakness|error|concern",
    "suggestion": r"suggestion|suggested\s+(?:fix|change)|fix|solution|recommendation|improvement",
}
_LEAD = " \t>#*_-•–+|("
_NUMBERING = re.compile(r"\d+[.):]\s?")
# These patterns see lines whose runs of white space were made single spaces: with more, their
# time would grow with the cube of a run's length.
_LABELLED = re.compile(
    rf"(?:(?P<problem>{_LABELS['problem']})|(?P<suggestion>{_LABELS['suggestion']}))"
    r"\s?#?\d*\s?[*_]*\s?(?:[:=–]|-\s)\s?[*_]*\s?(?P<text>.*)",
    re.IGNORECASE,
)
_INLINE_SUGGESTION = re.compile(
    rf"\s?[;,|(–-]?\s?[*_]*\b(?:{_LABELS['suggestion']})\s?[*_]*\s?[:=]\s?[*_]*\s?", re.IGNORECASE
)
_RULE = re.compile(r"[\s|:\-–=*_#]*")
_BULLET = re.compile(r"\A(?:[-•–+>]\s)+")
_EDGE = " \t*_|"
MOST_FEEDBACKS = 50


def read_feedbacks(text: str) -> list[Feedback]:
    """The feedbacks a critique lists, in its order; empty where none can be read.

    Suggestions belong to the problem before them. A problem without one is kept with an empty
    suggestion; a suggestion without a problem is not a feedback.
    """
    found = _from_json(text) or _from_lines(text) or _from_table(text)
    return found[:MOST_FEEDBACKS]


def _from_json(text: str) -> list[Feedback]:
    starts = [place for place in (text.find("["), text.find("{")) if place >= 0]
    end = max(text.rfind("]"), text.rfind("}"))
    if not starts:
        return []
    try:
        value = json.loads(text[min(starts) : end + 1])
    except (ValueError, RecursionError):
        return []
    if isinstance(value, dict):
        value = next((inner for inner in value.values() if isinstance(inner, list)), [value])
    pairs = [_pair(item) for item in value if isinstance(item, dict)]
    return [Feedback(problem=problem, suggestion=fix) for problem, fix in pairs if problem]


def _pair(item: dict[str, object]) -> tuple[str, str]:
    columns = _columns(list(item))
    if columns is None:
        return "", ""
    values = [" ".join(str(value).split()) for value in item.values()]
    return values[columns[0]], values[columns[1]]


def _from_lines(text: str) -> list[Feedback]:
    pairs: list[list[str]] = []
    growing: int | None = None  # which half of the last pair further lines belong to
    for raw in text.splitlines():
        line = " ".join(raw.split())
        match = _LABELLED.fullmatch(_without_lead(line))
        if match and match.group("problem"):
            pairs.append([*_split_inline(match.group("text"))])
            growing = 1 if pairs[-1][1] else 0
        elif match:
            growing = 1 if pairs else None
            _grow(pairs, growing, match.group("text"))
        elif _RULE.fullmatch(line):
            growing = None if growing is not None and pairs[-1][growing] else growing
        else:
            _grow(pairs, growing, line)
    return [Feedback(problem=problem, suggestion=fix) for problem, fix in pairs if problem]


def _grow(pairs: list[list[str]], half: int | None, text: str) -> None:
    if half is not None:
        pairs[-1][half] = f"{pairs[-1][half]} {_clean(text)}".strip()


def _without_lead(line: str) -> str:
    unmarked = line.lstrip(_LEAD)
    numbering = _NUMBERING.match(unmarked)
    return unmarked[numbering.end() :].lstrip(_LEAD) if numbering else unmarked


def _split_inline(text: str) -> tuple[str, str]:
    problem, *rest = _INLINE_SUGGESTION.split(text, maxsplit=1)
    return _clean(problem), _clean(rest[0].rstrip(")")) if rest else ""


def _from_table(text: str) -> list[Feedback]:
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
        Feedback(problem=row[problem], suggestion=row[suggestion])
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

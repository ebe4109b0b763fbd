"""Reading plain labelled lines as small models write them: numbered, bulleted, bold, in tables."""

import re

from nodes.state import Feedback

_LEAD = r"[\s>#*_\-•–+|]*(?:\(?\d+[.):]\s*)?[\s*_|]*"
_LABELS = {
    "problem": r"problem|issue|fault|weakness|error|concern",
    "suggestion": r"suggestion|suggested\s+(?:fix|change)|fix|solution|recommendation|improvement",
}
_LABELLED = re.compile(
    _LEAD
    + rf"(?:(?P<problem>{_LABELS['problem']})|(?P<suggestion>{_LABELS['suggestion']}))"
    + r"\s*#?\d*\s*[*_]*\s*(?:[:=–]|-\s)\s*[*_]*\s*(?P<text>.*)",
    re.IGNORECASE,
)
_INLINE_SUGGESTION = re.compile(
    rf"\s*[;.,|(–-]?\s*[*_]*\b(?:{_LABELS['suggestion']})\s*[*_]*\s*[:=]\s*[*_]*\s*", re.IGNORECASE
)
_RULE = re.compile(r"[\s|:\-–=*_#]*")
_EDGE = " \t*_|"
MOST_FEEDBACKS = 50


def read_feedbacks(text: str) -> list[Feedback]:
    """The feedbacks a critique lists, in its order; empty where none can be read.

    A suggestion belongs to the problem before it. A problem without one is kept with an empty
    suggestion; a suggestion without a problem is not a feedback.
    """
    found = _from_lines(text) or _from_table(text)
    return found[:MOST_FEEDBACKS]


def _from_lines(text: str) -> list[Feedback]:
    pairs: list[list[str]] = []
    growing: int | None = None  # which half of the last pair further lines belong to
    for line in text.splitlines():
        match = _LABELLED.fullmatch(line)
        if match and match.group("problem"):
            pairs.append([*_split_inline(match.group("text"))])
            growing = 1 if pairs[-1][1] else 0
        elif match:
            growing = 1 if pairs and not pairs[-1][1] else None
            if growing:
                pairs[-1][1] = _clean(match.group("text"))
        elif _RULE.fullmatch(line):
            growing = None if growing is not None and pairs[-1][growing] else growing
        elif growing is not None:
            pairs[-1][growing] = f"{pairs[-1][growing]} {_clean(line)}".strip()
    return [Feedback(problem=problem, suggestion=fix) for problem, fix in pairs if problem]


def _split_inline(text: str) -> tuple[str, str]:
    problem, *rest = _INLINE_SUGGESTION.split(text, maxsplit=1)
    return _clean(problem), _clean(rest[0].rstrip(")")) if rest else ""


def _from_table(text: str) -> list[Feedback]:
    rows = [
        [_clean(cell) for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.count("|") >= 2 and not _RULE.fullmatch(line)  # noqa: PLR2004
    ]
    if not rows:
        return []
    columns = _columns(rows[0])
    if columns is None:
        return []
    problem, suggestion = columns
    widest = max(columns)
    return [
        Feedback(problem=row[problem], suggestion=row[suggestion])
        for row in rows[1:]
        if len(row) > widest and row[problem]
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
    return text.strip().strip(_EDGE).strip()

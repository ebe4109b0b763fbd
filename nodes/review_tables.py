"""Reading reviews that are JSON or tables, and what their cells have in common with lines."""

import json
import re

from nodes.documents.words import pattern

PROBLEM, SUGGESTION = pattern("problem"), pattern("suggestion")
MOST_LEVELS = 4  # of JSON around the list
_EXTRA_COMMA = re.compile(r",(\s*[\]}])")
RULE = re.compile(r"[\s|:\-–=*_#>]*")
_BULLET = re.compile(r"\A(?:[-•–+>·▪]\s)+")
_QUOTED = re.compile(r'"([^"]*)",?')
_EDGE = " \t*_|"


def from_json(text: str) -> list[tuple[str, str]]:
    """The problems and suggestions of a JSON list, or of objects on lines of their own."""
    starts = [place for place in (text.find("["), text.find("{")) if place >= 0]
    end = max(text.rfind("]"), text.rfind("}"))
    if not starts:
        return []
    found = text[min(starts) : end + 1]
    value = _loaded(found) or _loaded(_EXTRA_COMMA.sub(r"\1", found))
    for _ in range(MOST_LEVELS):
        if isinstance(value, dict) and _columns(list(value)) is None:
            inner = (each for each in value.values() if isinstance(each, list | dict))
            value = next(inner, value)
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        value = [_loaded(line.strip(" \t-*,")) for line in text.splitlines()]
    pairs = [_pair(item) for item in value if isinstance(item, dict)]
    return [(problem, fix) for problem, fix in pairs if problem]


def _loaded(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _pair(item: dict[str, object]) -> tuple[str, str]:
    columns = _columns(list(item))
    if columns is None:
        return "", ""
    values = [" ".join(str(value).split()) for value in item.values()]
    return values[columns[0]], values[columns[1]]


def from_table(text: str) -> list[tuple[str, str]]:
    """The problems and suggestions of a table whose columns are named so."""
    lines = [line for line in text.splitlines() if not RULE.fullmatch(line)]
    mark = next((mark for mark in "|\t;" if any(mark in line for line in lines[:1])), "|")
    rows = [
        [clean(cell) for cell in line.strip().strip("|").split(mark)]
        for line in lines
        if mark in line
    ]
    columns = _columns(rows[0]) if rows else None
    if columns is None:
        return []
    problem, suggestion = columns
    return [(row[problem], row[suggestion]) for row in rows[1:] if len(row) > max(columns)]


def _columns(header: list[str]) -> tuple[int, int] | None:
    places = []
    for names in (PROBLEM, SUGGESTION):
        matching = [at for at, cell in enumerate(header) if re.fullmatch(names, cell, re.I)]
        if not matching:
            return None
        places.append(matching[0])
    return places[0], places[1]


def clean(text: str) -> str:
    """A text without the marks, bullets and quotes around it."""
    plain = _BULLET.sub("", text.strip().strip(_EDGE)).strip()
    quoted = _QUOTED.fullmatch(plain)
    return quoted[1] if quoted else plain

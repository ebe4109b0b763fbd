"""What a model is asked for about a feedback, and what it answered."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Action = Literal["add", "replace", "forget"]
Applies = Literal["always", "topic"]

MOST_PREFERENCES = 8
SYSTEM = """\
You keep the list of what a user prefers. Read what the user says and note every lasting \
preference on how answers should be from now on (style, format, tone, language, content), and \
every lasting fact about the user that answers should respect. Note only what the user really says.
Lasting, to be noted: "Prices in pounds, please." "I teach chemistry, no need to explain atoms."
Not lasting, never noted: an order for this one answer, a correction, or praise, such as "Use a \
longer title this time." "No, that was in 1987." Where nothing lasting is said, the list is empty.
For each preference give:
quote: the words of the user that it rests on, copied exactly
content: it in one short sentence, in the user's own words
category: one of {categories}
applies: always if it concerns every answer, topic if only answers on some topic
action: add if it is new; replace if it takes the place of a known preference that cannot hold \
beside it; forget if the user only asks to drop a known preference
about: the number of the known preference to replace or to forget, else 0"""
LINES = """\
Write one line for each preference, of this form, and nothing else; if there is none, write NONE:
PREFERENCE: <content> | QUOTE: <quote> | CATEGORY: <category> | APPLIES: <always or topic> \
| ACTION: <add, replace or forget> | ABOUT: <number>"""

# Lines are read one by one, their runs of white space made single spaces.
_LABELLED = re.compile(
    r"(?:^|\|)[\s*_#>.\d-]*(PREFERENCE|QUOTE|CATEGORY|APPLIES|ACTION|ABOUT)[ \d*_]*: ?([^|]*)",
    re.IGNORECASE,
)
_NONE = re.compile(r"\W*none\W*", re.IGNORECASE)
_MARKS = " *_\"'“”‘’«»"


@dataclass(frozen=True, slots=True)
class Preference:
    """What a model read; `about` is the number of a known preference, 0 for none."""

    quote: str
    content: str
    category: str = "other"
    applies: Applies = "always"
    action: Action = "add"
    about: int = 0


def schema(categories: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of an extraction, bounded because small models run on where nothing is."""
    text = {"type": "string", "minLength": 1, "maxLength": 200}
    fields = {
        "quote": text,
        "content": text,
        "category": {"type": "string", "enum": list(categories)},
        "applies": {"type": "string", "enum": ["always", "topic"]},
        "action": {"type": "string", "enum": ["add", "replace", "forget"]},
        "about": {"type": "integer", "minimum": 0, "maximum": 1000},
    }
    closed = {"type": "object", "additionalProperties": False}
    item = {**closed, "properties": fields, "required": list(fields)}
    listed = {"preferences": {"type": "array", "maxItems": MOST_PREFERENCES, "items": item}}
    return {**closed, "title": "preferences", "properties": listed, "required": ["preferences"]}


def read_json(text: str, *, cut: bool = False) -> list[Preference] | None:
    """The preferences of a structured answer, none if it says so; `None` where it is broken.

    Of one that was cut, those that came whole.
    """
    whole = text[text.find("{") : text.rfind("}") + 1]
    try:
        found = json.loads(f"{whole}]}}" if cut and not whole.endswith("]}") else whole)[
            "preferences"
        ]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    if not isinstance(found, list):
        return None
    items = [item for fields in found if (item := _preference(fields))]
    return items if items or not found else None


def read_lines(text: str) -> list[Preference] | None:
    """The preferences of an answer in labelled lines, as `read_json` gives them."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    labelled = [{name.lower(): value for name, value in _LABELLED.findall(line)} for line in lines]
    whole = [fields for fields in labelled if {"preference", "quote"} <= fields.keys()]
    items = [_preference({**fields, "content": fields["preference"]}) for fields in whole]
    found = [item for item in items if item]
    return found if found or any(map(_NONE.fullmatch, lines)) else None


def _preference(fields: object) -> Preference | None:
    """What is not of the form asked for is taken for the default; `None` where nothing is said."""
    given = fields if isinstance(fields, Mapping) else {}
    read = {str(name): str(value or "").strip(_MARKS) for name, value in given.items()}
    if not (quote := read.get("quote", "")) and not read.get("content"):
        return None
    action, number = read.get("action", "").lower(), re.match(r"\d{1,4}", read.get("about", ""))
    return Preference(
        quote=quote,
        content=read.get("content", ""),
        category=read.get("category", "other").lower(),
        applies="topic" if read.get("applies", "").lower() == "topic" else "always",
        action="forget" if action == "forget" else "replace" if action == "replace" else "add",
        about=int(number.group()) if number else 0,
    )

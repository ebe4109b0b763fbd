"""Finding the preferences in what a person said."""

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from memory import CATEGORIES
from nodes.context import Material, Parts, compose
from nodes.errors import BackendRefused
from nodes.miner import Miner
from nodes.recall import deadline_of
from nodes.state import HumanFeedbackState, HumanFeedbackUpdate, Known, Preference, Turn
from nodes.steps import ask

SYSTEM = """\
You keep the list of what a user prefers. Read what the user says and note every lasting \
preference on how answers should be: style, format, tone, language, content. Note only \
what the user really says. For each preference give: what it is, in one short sentence; the exact \
words of the user it rests on; and the number of the known preference it replaces or asks to \
forget, or 0."""
LINES = """\
Write one line for each preference, of this form, and nothing else:
PREFERENCE: <it, in one short sentence> | QUOTE: <the user's exact words> | ABOUT: <number>"""
EXTRACT_TOKENS = 1200
LONGEST_CONTENT = 200
LONGEST_QUOTE = 200
MOST_PREFERENCES = 8
MOST_LINES = 50

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

# Strings and lists are bounded because small models, held to a schema without bounds, run on
# until the answer is cut in the middle.
SCHEMA: dict[str, Any] = {
    "title": "preferences",
    "type": "object",
    "properties": {
        "preferences": {
            "type": "array",
            "maxItems": MOST_PREFERENCES,
            "items": {
                "type": "object",
                "properties": {
                    "quote": {"type": "string", "minLength": 1, "maxLength": LONGEST_QUOTE},
                    "content": {"type": "string", "minLength": 1, "maxLength": LONGEST_CONTENT},
                    "category": {"type": "string", "enum": list(CATEGORIES)},
                    "about": {"type": "integer", "minimum": 0, "maximum": 1000},
                },
                "required": ["quote", "content", "category", "about"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["preferences"],
    "additionalProperties": False,
}
# Lines are matched one by one, their runs of white space made single spaces.
_LINE = re.compile(
    r"[^a-z]*(?:PREFERENCE|FORGET)[ \d*_#]*: ?[*_]*(?P<content>[^|]+)\|"
    r"\W*QUOTE\W*?: ?(?P<quote>[^|]+)(?:\|\W*ABOUT\W*(?P<about>\d{1,4})?.*|\|)?",
    re.IGNORECASE,
)
_MARKS = " *_\"'“”‘’"


class _Item(BaseModel):
    model_config = ConfigDict(extra="ignore")

    quote: Words
    content: Words
    category: str = "other"
    about: int = Field(0, ge=0)


class _Items(BaseModel):
    preferences: list[_Item]


async def recall_all(miner: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    """Everything known of the user, in the order it was learnt."""
    entries = await miner.playbook.all(state.cid) if state.cid else []
    known = [
        Known(
            node_id=entry.node_id,
            content=entry.content,
            category=entry.category,
            version=entry.version,
        )
        for entry in entries
    ]
    return {
        "deadline": deadline_of(miner, state),
        "known": known,
        "readings": state.readings + 1,
    }


async def extract(miner: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    """The preferences, asked for under a JSON schema."""
    prompt = await compose(
        miner,
        Parts(
            system=SYSTEM,
            preferences=(),
            history=(),
            task=f"The user says:\n{feedback_of(state)}",
            materials=[Material("Known preferences", _numbered(state.known))],
            closing="" if miner.model.honours_schema else LINES,
        ),
    )
    update: HumanFeedbackUpdate = {
        "prompt": prompt.turns,
        "cut": prompt.cut,
        "rounds": state.rounds + 1,
    }
    if not miner.model.honours_schema:
        return update
    try:
        reply = await ask(
            miner,
            state,
            prompt.turns,
            limit=EXTRACT_TOKENS,
            temperature=0.0,
            schema=SCHEMA,
        )
    except BackendRefused:
        return update  # some say no to a schema without naming it; plain lines will tell
    found = read_json(reply.text, state.known, cut=bool(reply.truncated))
    return update | {"extracted": found, "calls": [reply.call]}


async def extract_lines(miner: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    """The preferences, asked for in plain labelled lines."""
    turns = state.prompt
    if not turns[-1].content.endswith(LINES):
        turns = [*turns[:-1], Turn(role="user", content=f"{turns[-1].content}\n\n{LINES}")]
    reply = await ask(
        miner,
        state,
        turns,
        limit=EXTRACT_TOKENS,
        temperature=0.0,
    )
    return {
        "extracted": read_lines(reply.text, state.known),
        "fallbacks": ["labelled lines"],
        "rounds": state.rounds + 1,
        "calls": [reply.call],
    }


def read_json(text: str, known: Sequence[Known], *, cut: bool = False) -> list[Preference]:
    """The preferences of a structured reply; empty where it is broken.

    Of one that was cut, those that came whole.
    """
    start, end = text.find("{"), text.rfind("}")
    try:
        items = (
            _Items.model_validate(_whole(text))
            if cut
            else _Items.model_validate_json(text[start : end + 1])
        )
    except ValidationError:
        return []
    return [
        Preference(
            category=item.category,
            content=item.content,
            quote=item.quote,
            about=_meant(item.about, known),
        )
        for item in items.preferences
    ]


def is_full(state: HumanFeedbackState) -> bool:
    """Whether more may have been said than the model had room to write down."""
    cut = bool(state.calls and state.calls[-1].truncated)
    return cut or len(state.extracted) >= MOST_PREFERENCES


def _whole(text: str) -> dict[str, list[object]]:
    decoder, items = json.JSONDecoder(), list[object]()
    at = text.find("{", text.find("["))
    while at >= 0:
        try:
            item, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        items.append(item)
        at = text.find("{", end)
    return {"preferences": items}


def read_lines(text: str, known: Sequence[Known]) -> list[Preference]:
    """The preferences of a reply in labelled lines; empty where none can be read."""
    matches = [_LINE.fullmatch(" ".join(line.split())) for line in text.splitlines()]
    return [
        Preference(
            content=match.group("content").strip(_MARKS),
            quote=match.group("quote").strip(_MARKS),
            about=_meant(int(match.group("about") or 0), known),
        )
        for match in matches
        if match
    ][:MOST_LINES]


def feedback_of(state: HumanFeedbackState) -> str:
    """What the person said."""
    return "\n".join(state.queries)


def _meant(number: int, known: Sequence[Known]) -> str:
    return known[number - 1].node_id if 0 < number <= len(known) else ""


def _numbered(known: list[Known]) -> str:
    listed = "\n".join(f"{number}. {entry.content}" for number, entry in enumerate(known, 1))
    return listed or "none"

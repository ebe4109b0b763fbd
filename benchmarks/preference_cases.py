"""Labelled cases about preferences, and a simulated model that knows their labels.

A line of a file is one of two forms. A message: `known` entries, `feedback`, the `ideal`
extraction (`quote`, `content`, `category`, and `about`, the number of the known entry it concerns
or 0), and `after`: patterns, one for each entry that must be there in the end, and no others. Or a
pair: `old`, `new`, `category`, `contradicts`.
"""

import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.scripted import Recorded, Status, Text

INVENTED = (
    "Write like a pirate",
    "Sign every answer with Captain Nemo",
    "Use at least nine exclamation marks",
    "Mention the weather in Lisbon",
    "Answer only in Klingon",
)
LINE = "PREFERENCE: {content} | QUOTE: {quote}"


@dataclass(frozen=True, slots=True)
class Item:
    """A preference as an ideal model extracts it; `about` is the number of a known entry or 0."""

    quote: str
    content: str
    category: str
    about: int


@dataclass(frozen=True, slots=True)
class Case:
    known: tuple[str, ...]
    feedback: str
    ideal: tuple[Item, ...]
    after: tuple[str, ...]
    category: str = "other"

    @property
    def gone(self) -> set[int]:
        """The numbers of the known entries that must not be there in the end."""
        return {item.about for item in self.ideal} - {0}

    def patterns(self, item: Item) -> list[str]:
        """What must be there of an item in the end; nothing of one that only forgets."""
        staying = [text for at, text in enumerate(self.known, 1) if at not in self.gone]
        new = [it for it in self.after if not any(matches(it, text) for text in staying)]
        return [it for it in new if matches(it, item.quote) or matches(it, item.content)]

    def forgets(self, item: Item) -> bool:
        return item.about > 0 and not self.patterns(item)


def matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE | re.DOTALL) is not None


def read_cases(paths: Iterable[Path]) -> list[Case]:
    """The cases of files in either form."""
    lines = [line for path in paths for line in path.read_text("utf-8").splitlines()]
    return [_case(json.loads(line)) for line in lines if line.strip()]


def _case(row: dict[str, Any]) -> Case:
    if "old" not in row:
        ideal = tuple(
            Item(**{name: item[name] for name in Item.__slots__}) for item in row["ideal"]
        )
        return Case(tuple(row["known"]), row["feedback"], ideal, tuple(row["after"]))
    old, new = row["old"], row["new"]
    item = Item(new, new, row["category"], int(row["contradicts"]))
    after = [new] if row["contradicts"] else [old, new]
    return Case((old,), new, (item,), tuple(map(re.escape, after)), row["category"])


@dataclass(frozen=True, slots=True)
class Slips:
    """How often the model is right about a number and a yes or no, and how often it slips."""

    right: float
    misquote: float = 0.0
    repeat: float = 0.0
    invent: float = 0.0
    omit: float = 0.0


@dataclass
class Said:
    """What the model made of a case: the ideal items it marked, and what it invented."""

    marked: list[Item] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    calls: int = 0
    strayed: int = 0


class SimulatedModel:
    """Answers the miner's calls about the case that is set.

    An extraction is that of the labels with slips. Any other question is taken to be whether one
    known entry still holds after one thing that the user said: both are looked for in the last
    message, and `yes` means that it no longer holds. What is asked in which words and in which
    order changes nothing. Each answer is right independently of the others.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.slips = Slips(1.0)
        self.refuses_schemas = False
        self.begin(Case((), "", (), ()))

    def begin(self, case: Case) -> None:
        self.case = case
        self.said = Said()

    def __call__(self, request: Recorded) -> Text | Status:
        self.said.calls += 1
        schema = request.body.get("response_format", {}).get("json_schema", {}).get("schema")
        if schema and self.refuses_schemas:
            return Status(400, message="response_format is not supported", param="response_format")
        if schema:
            properties = schema["properties"]["preferences"]["items"]["properties"]
            return Text(self._as_json(self._extracted(), properties))
        last = str(request.body["messages"][-1]["content"])
        if "PREFERENCE:" in last:
            return Text("\n".join(map(_line, self._extracted())) or "NONE")
        return Text(self._look(last))

    def _extracted(self) -> list[dict[str, Any]]:
        self.said.marked, found = [], list[dict[str, Any]]()
        for item in self.case.ideal:
            if self._happens(self.slips.omit):
                continue
            self.said.marked.append(item)
            found.append(self._written(item))
            if self._happens(self.slips.repeat):
                found.append({**found[-1]})
        if self._happens(self.slips.invent):
            found.insert(self._random.randint(0, len(found)), self._invention())
        return found

    def _written(self, item: Item) -> dict[str, Any]:
        about, quote = item.about, item.quote
        if not self._happens(self.slips.right):
            others = [number for number in range(len(self.case.known) + 1) if number != about]
            about = self._random.choice(others) if others else about
        if self._happens(self.slips.misquote):
            quote = self._misquoted(item)
        forgets = self.case.forgets(item)
        action = "forget" if forgets else "replace" if about else "add"
        return _fields(quote, item.content, item.category, about, action)

    def _misquoted(self, item: Item) -> str:
        """The quote with other letter case or marks, a slip, a word less, or in other words."""
        quote = item.quote
        at = self._random.randrange(len(quote))
        words = quote.split()
        dropped = self._random.randrange(len(words))
        ways = (
            quote.swapcase() if quote.upper() != quote.lower() else f"« {quote} »",
            f"“{'  '.join(words)}…”",
            quote[:at] + self._random.choice("xqz") + quote[at + 1 :],
            " ".join(words[:dropped] + words[dropped + 1 :]) or quote[1:] or quote,
            f"The user says: {item.content}",
            "what was said about it above",
        )
        return self._random.choice(ways)

    def _invention(self) -> dict[str, Any]:
        content = self._random.choice(INVENTED)
        self.said.invented.append(content)
        true = [item.quote for item in self.case.ideal]
        behind = bool(true) and self._happens(0.5)
        quote = self._random.choice(true) if behind else content.lower()
        about = self._random.randint(0, len(self.case.known)) if self._happens(0.5) else 0
        return _fields(quote, content, "style", about, "replace" if about else "add")

    def _as_json(self, found: Sequence[dict[str, Any]], properties: dict[str, Any]) -> str:
        kept = [{name: item[name] for name in properties if name in item} for item in found]
        return json.dumps({"preferences": kept}, ensure_ascii=False)

    def _look(self, question: str) -> str:
        known, said = self._asked_about(question)
        if len(known) != 1:
            self.said.strayed += 1
            return "no"
        truth = any(item.about in known for item in said)
        return "yes" if truth == self._happens(self.slips.right) else "no"

    def _asked_about(self, question: str) -> tuple[set[int], list[Item]]:
        """The numbers of the known entries, and the items, that a question holds."""
        plain, known, said = _plain(question), set[int](), list[Item]()
        texts: list[tuple[str, int | Item]] = [
            (_plain(text), number) for number, text in enumerate(self.case.known, 1)
        ]
        texts += [(_plain(item.quote), item) for item in self.case.ideal]
        # The longest first, and each taken out: one may be a part of another.
        for text, what in sorted(texts, key=lambda pair: -len(pair[0])):
            if text not in plain:
                continue
            plain = plain.replace(text, "\0", 1)
            if isinstance(what, Item):
                said.append(what)
            else:
                known.add(what)
        return known, said

    def _happens(self, rate: float) -> bool:
        return self._random.random() < rate


def _fields(quote: str, content: str, category: str, about: int, action: str) -> dict[str, Any]:
    applies = "topic" if category in ("content", "domain") else "always"
    return {
        "quote": quote,
        "content": content,
        "category": category,
        "applies": applies,
        "action": action,
        "about": about,
    }


def _line(item: dict[str, Any]) -> str:
    return " | ".join(
        [
            f"PREFERENCE: {item['content']}",
            f"QUOTE: {item['quote']}",
            f"ACTION: {item['action']}",
            f"ABOUT: {item['about']}",
            f"CATEGORY: {item['category']}",
            f"APPLIES: {item['applies']}",
        ]
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()

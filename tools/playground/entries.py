"""A playbook as a table: the rows of its entries, and the calls that make it what a table shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.client import Call, calls
from tools.client.answers import Entry
from tools.playground.tables import Rows, text

HEADERS = ["#", "Preference", "Category"]
NUMBER, CONTENT, CATEGORY = range(3)


@dataclass(frozen=True, slots=True)
class Change:
    """A row that differs from its entry; a new one has none, a removed one no content."""

    entry: Entry | None
    content: str = ""
    category: str = ""

    def call(self, cid: str) -> Call[Any]:
        """What makes this change. An edit is refused if another has changed the entry since."""
        if self.entry is None:
            return calls.add_preference(cid, self.content, self.category)
        if not self.content:
            return calls.remove_preference(cid, self.entry)
        return calls.edit_preference(cid, self.entry, self.content, self.category)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A playbook as it was read, and whose it is. Rows go by the number of their entry."""

    url: str = ""
    cid: str = ""
    entries: Sequence[Entry] = ()

    def is_of(self, url: str, cid: str) -> bool:
        return (self.url, self.cid) == (url, cid)

    def rows(self, pending: Sequence[Change] = ()) -> Rows:
        """The table of the entries, with changes to it that are not made yet."""
        waiting = {change.entry.node_id: change for change in pending if change.entry is not None}
        shown = [
            [number, *_shown(entry, waiting.get(entry.node_id))]
            for number, entry in enumerate(self.entries, 1)
        ]
        new = [["", each.content, each.category] for each in pending if each.entry is None]
        return [*shown, *new]

    def changes(self, rows: Rows) -> tuple[Change, ...]:
        """What makes the playbook what the table shows: removals, edits, then new entries."""
        filled = [row for row in rows if text(row[CONTENT])]
        kept = {text(row[NUMBER]): row for row in filled}
        numbered = {str(number): entry for number, entry in enumerate(self.entries, 1)}
        gone = [Change(entry) for number, entry in numbered.items() if number not in kept]
        edited = [
            _change(kept[number], entry)
            for number, entry in numbered.items()
            if number in kept and _differs(kept[number], entry)
        ]
        new = [_change(row, None) for row in filled if text(row[NUMBER]) not in numbered]
        return (*gone, *edited, *new)


def _shown(entry: Entry, change: Change | None) -> list[str]:
    if change is None:
        return [entry.content, entry.category]
    return [change.content, change.category or entry.category]


def _change(row: list[Any], entry: Entry | None) -> Change:
    return Change(entry, text(row[CONTENT]), text(row[CATEGORY]))


def _differs(row: list[Any], entry: Entry) -> bool:
    shown = (text(row[CONTENT]), text(row[CATEGORY]))
    return shown != (entry.content.strip(), entry.category.strip())

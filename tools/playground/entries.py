"""A playbook as a table: the rows of its entries, and the calls that make it what a table shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.client import Call, calls
from tools.client.answers import Entry
from tools.playground.tables import Rows, filled

HEADERS = ["#", "Preference", "Category"]


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

    def rows(self, pending: Sequence[Change] = ()) -> Rows:
        """The table of the entries, with changes to it that are not made yet."""
        waiting = {change.entry.node_id: change for change in pending if change.entry is not None}
        known = [
            waiting.get(entry.node_id, Change(entry, entry.content, entry.category))
            for entry in self.entries
        ]
        shown = [
            [number, change.content, change.category or entry.category]
            for number, (entry, change) in enumerate(zip(self.entries, known, strict=True), 1)
        ]
        new = [["", each.content, each.category] for each in pending if each.entry is None]
        return [*shown, *new]

    def changes(self, rows: Rows) -> tuple[Change, ...]:
        """What makes the playbook what the table shows: removals, edits, then new entries."""
        written = [(number, (*shown,)) for number, *shown in filled(rows) if shown[0]]
        numbered = {str(number): entry for number, entry in enumerate(self.entries, 1)}
        kept = dict(written)
        gone = [Change(entry) for number, entry in numbered.items() if number not in kept]
        edited = [
            Change(entry, *kept[number])
            for number, entry in numbered.items()
            if number in kept and kept[number] != (entry.content.strip(), entry.category.strip())
        ]
        new = [Change(None, *shown) for number, shown in written if number not in numbered]
        return (*gone, *edited, *new)

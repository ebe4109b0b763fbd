"""Changes of a user's playbook, for whoever has the user's turn: all of a batch, or none."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from memory.embeddings import Vectors
from memory.entries import Applies, Entry, Export, History, Slot, Version
from memory.errors import EntryConflict, PlaybookFull, TurnTimeout, UnknownEntry
from memory.slots import Slots


@dataclass(frozen=True, slots=True)
class Add:
    """A new entry."""

    content: str
    category: str
    evidence: str = ""
    applies: Applies = "always"


@dataclass(frozen=True, slots=True)
class Replace:
    """An entry's next version; the present one goes into its history.

    `category` and `applies` None keep what it has. With `expected_version` the entry must be at
    that version.
    """

    node_id: str
    content: str
    category: str | None = None
    evidence: str = ""
    applies: Applies | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Forget:
    """Delete an entry with its history."""

    node_id: str
    expected_version: int | None = None


Change = Add | Replace | Forget


class Writer:
    """Reads and changes the playbook of one user; from `Playbook.writing`, inside its block only.

    The playbook is read once. Changes are checked first, then embedded, then written at once;
    what has begun to be written is completed even if its caller is cancelled. Every verb raises
    `StoreUnavailable`, and those that change raise `TurnTimeout` instead of writing after the
    deadline.
    """

    def __init__(self, slots: Slots, cid: str, limit: int, deadline: float | None) -> None:
        self._slots = slots
        self._cid = cid
        self._limit = limit
        self._deadline = deadline
        self._present: list[Slot] | None = None
        self.wrote = False

    async def all(self) -> list[Entry]:
        """The user's entries, oldest first."""
        return [slot.entry for slot in await self._read()]

    async def apply(self, changes: Iterable[Change]) -> list[Entry]:
        """Make all the changes, in their order, or none.

        Returns an entry for each: as it stands after the change, or as it was when forgotten.
        Raises `UnknownEntry`, `EntryConflict`, `InvalidEntry`, and `PlaybookFull` when there would
        be more entries than before and than the limit.
        """
        return await self._change(lambda plan: [_planned(plan, change) for change in changes])

    async def restore(self, data: object) -> list[Entry]:
        """Put back what `Playbook.export` gave, of this user or of another; returns the entries.

        An entry that is still there (by its node_id) goes back to its exported state; others
        stay. All or nothing. Raises `InvalidEntry`, `PlaybookFull`.
        """
        exported = Export.read(data)
        return await self._change(
            lambda plan: [plan.put(history).entry for history in exported.entries]
        )

    async def _read(self) -> list[Slot]:
        if self._present is None:
            self._present = await self._slots.read(self._cid)
        return self._present

    async def _change(self, decide: "Callable[[_Plan], list[Entry]]") -> list[Entry]:
        plan = _Plan(self._cid, await self._read())
        entries = decide(plan)
        plan.check_room(self._limit)
        written = plan.written
        vectors = await self._in_time(written)
        # Read anew after a failure, which may have come too late to prevent the change.
        self._present = None
        await self._slots.write(written, vectors, plan.gone)
        self.wrote = self.wrote or bool(written)
        self._present = sorted(plan.after.values(), key=lambda slot: slot.record.place)
        return entries

    async def _in_time(self, slots: Sequence[Slot]) -> Vectors:
        try:
            async with asyncio.timeout(self._left()):
                vectors = await self._slots.embed(slots)
        except TimeoutError:
            raise _late() from None
        if self._left() == 0:
            raise _late()
        return vectors

    def _left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())


class _Plan:
    """A playbook as it will be, by the numbers of its slots."""

    def __init__(self, cid: str, slots: Iterable[Slot]) -> None:
        self._cid = cid
        self._before = {slot.number: slot for slot in slots}
        self.after = dict(self._before)

    @property
    def written(self) -> list[Slot]:
        return [slot for at, slot in self.after.items() if self._before.get(at) is not slot]

    @property
    def gone(self) -> list[Slot]:
        return [slot for at, slot in self._before.items() if at not in self.after]

    def put(self, history: History) -> Slot:
        """Into the slot that has this entry already, else into a free one."""
        present = self._by_id(history.node_id)
        if present is None:
            number = next(at for at in range(len(self.after) + 1) if at not in self.after)
            places = [slot.record.place for slot in (*self._before.values(), *self.after.values())]
            slot = Slot.of(number, self._cid, max(places, default=0) + 1, history)
        else:
            slot = Slot.of(present.number, self._cid, present.record.place, history)
        self.after[slot.number] = slot
        return slot

    def replace(self, change: Replace) -> Slot:
        slot = self._found(change.node_id, change.expected_version)
        current = slot.record.current
        version = Version.now(
            current.version + 1,
            change.content,
            current.category if change.category is None else change.category,
            change.evidence,
            change.applies or current.applies,
        )
        self.after[slot.number] = slot = slot.with_version(version)
        return slot

    def forget(self, change: Forget) -> Slot:
        return self.after.pop(self._found(change.node_id, change.expected_version).number)

    def check_room(self, limit: int) -> None:
        if len(self.after) > max(limit, len(self._before)):
            raise PlaybookFull(
                f"this playbook has no room for {len(self.after)} entries, the limit is {limit} "
                "(MAX_PLAYBOOK_NODES): forget some first"
            )

    def _by_id(self, node_id: str) -> Slot | None:
        return next((s for s in self.after.values() if s.record.node_id == node_id), None)

    def _found(self, node_id: str, expected: int | None) -> Slot:
        slot = self._by_id(node_id)
        if slot is None:
            raise UnknownEntry("there is no such entry in this playbook")
        version = slot.record.current.version
        if expected not in (None, version):
            raise EntryConflict(f"the entry is at version {version}, not {expected}: read it again")
        return slot


def _planned(plan: _Plan, change: Change) -> Entry:
    match change:
        case Add(content, category, evidence, applies):
            return plan.put(History.begin(content, category, evidence, applies)).entry
        case Replace():
            return plan.replace(change).entry
        case Forget():
            return plan.forget(change).entry


def _late() -> TurnTimeout:
    return TurnTimeout("the deadline came before the changes could be written; none was made")

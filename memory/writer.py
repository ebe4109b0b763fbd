"""The verbs that change a user's playbook, for whoever has the user's turn."""

from collections.abc import Iterable

from memory.entries import Entry, Export, History, Record
from memory.errors import EntryConflict, PlaybookFull, UnknownEntry
from memory.leases import Lease
from memory.shelf import Shelf, Slot, slot_id


class Writer:
    """Changes the playbook of one user; from `Playbook.writing`, and only inside its block.

    A change that has begun is completed even if its caller is cancelled. Every verb raises
    `StoreUnavailable`.
    """

    def __init__(self, shelf: Shelf, cid: str, limit: int, lease: Lease | None) -> None:
        self._shelf = shelf
        self._cid = cid
        self._limit = limit
        self._lease = lease

    async def all(self) -> list[Entry]:
        """The user's entries, oldest first."""
        return [slot.entry for slot in await self._shelf.read(self._cid)]

    async def add(self, content: str, category: str, evidence: str = "") -> Entry:
        """A new entry. Raises `PlaybookFull`, `InvalidEntry`."""
        [entry] = await self._place([History.begin(content, category, evidence)])
        return entry

    async def supersede(
        self,
        node_id: str,
        content: str,
        category: str | None = None,
        evidence: str = "",
        *,
        expected_version: int | None = None,
    ) -> Entry:
        """The entry's next version; the present one goes into its history.

        `category` None keeps the category. Raises `UnknownEntry`, `InvalidEntry`, and
        `EntryConflict` unless the entry is at `expected_version`, where one is given.
        """
        slot = find(await self._shelf.read(self._cid), node_id, expected_version)
        history = slot.record.history.superseded(content, category, evidence)
        await self._put({slot.id: slot.record.model_copy(update={"history": history})})
        return history.entry()

    async def forget(self, node_id: str, *, expected_version: int | None = None) -> None:
        """Delete an entry and its history. Raises `UnknownEntry`, `EntryConflict`."""
        slot = find(await self._shelf.read(self._cid), node_id, expected_version)
        await self._shelf.remove([slot], self._lease)

    async def erase(self) -> int:
        """Delete everything of the user; returns how many entries that were."""
        slots = await self._shelf.read(self._cid)
        await self._shelf.remove(slots, self._lease)
        return len(slots)

    async def restore(self, data: object) -> list[Entry]:
        """Put back what `Playbook.export` gave, of this user or of another; returns the entries.

        An entry that is still there (by its node_id) goes back to its exported state; others
        stay. All or nothing. Raises `InvalidEntry`, `PlaybookFull`.
        """
        return await self._place(Export.read(data).entries)

    async def _place(self, histories: Iterable[History]) -> list[Entry]:
        """Write histories into the slots that have them already, else into free ones."""
        slots = await self._shelf.read(self._cid)
        present = {slot.record.history.node_id: slot for slot in slots}
        wanted = {history.node_id: history for history in histories}
        fresh = [history for node_id, history in wanted.items() if node_id not in present]
        self._check_room(len(slots) + len(fresh))
        records = {
            slot.id: slot.record.model_copy(update={"history": wanted[node_id]})
            for node_id, slot in present.items()
            if node_id in wanted
        }
        await self._put(records | self._new_records(slots, fresh))
        return [history.entry() for history in wanted.values()]

    def _check_room(self, needed: int) -> None:
        if needed > self._limit:
            raise PlaybookFull(
                f"this playbook has no room for {needed} entries, the limit is {self._limit} "
                "(MAX_PLAYBOOK_NODES): forget some first"
            )

    def _new_records(self, slots: list[Slot], histories: list[History]) -> dict[str, Record]:
        taken = {slot.id for slot in slots}
        ids = (slot_id(self._cid, number) for number in range(self._shelf.slots))
        free = (id_ for id_ in ids if id_ not in taken)
        last = slots[-1].record.place if slots else 0
        return {
            id_: Record(cid=self._cid, place=place, history=history)
            for place, (id_, history) in enumerate(zip(free, histories, strict=False), last + 1)
        }

    async def _put(self, records: dict[str, Record]) -> None:
        if records:
            await self._shelf.put(records, self._lease)


def find(slots: Iterable[Slot], node_id: str, expected_version: int | None = None) -> Slot:
    """The slot of an entry. Raises `UnknownEntry`, `EntryConflict`."""
    for slot in slots:
        if slot.record.history.node_id == node_id:
            _check_version(slot.entry, expected_version)
            return slot
    raise UnknownEntry("there is no such entry in this playbook")


def _check_version(entry: Entry, expected: int | None) -> None:
    if expected not in (None, entry.version):
        raise EntryConflict(
            f"the entry is at version {entry.version}, not {expected}: read it again"
        )

"""The collection of the current embeddings, filled from its predecessor when they change.

There is one collection for each embedding model and dimension, since Chroma fixes the dimension.
The label `state` of a new one is `filling` until it holds everything; only then are the others
dropped. A kill at any point therefore leaves at least one complete collection, and the next open
goes on where this one stopped, or back, if the setting was changed back.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
from tqdm import tqdm

from memory.embeddings import Embeddings
from memory.entries import History, Record, Slot
from memory.slots import Slots, embedded, is_mark, marks_below, row_of, slot_number
from memory.store import Collection, Label, Row, Store

PREFIX: Final = "playbook-"
BATCH: Final = 64


async def open_slots(store: Store, embeddings: Embeddings) -> Slots:
    """The collection of `embeddings`, complete; re-embeds what another model left.

    To be called while nobody else writes. Raises `StoreUnavailable`.
    """
    [probe] = await embeddings.embed(["a text whose vector tells the dimension"])
    name = PREFIX + sha256(f"{embeddings.name} {len(probe)}".encode()).hexdigest()[:16]
    rows = await _Move(store, embeddings, len(probe), name).complete()
    return Slots(rows, embeddings, len(probe))


@dataclass(frozen=True, slots=True)
class _Move:
    store: Store
    embeddings: Embeddings
    dimension: int
    name: str

    async def complete(self) -> Collection:
        found = await self.store.collections(PREFIX)
        target = found.pop(self.name, None) or await self._create()
        if target.label["state"] == "filling":
            await self._fill(target, found)
        for name in found:
            await self.store.drop(name)
        return target

    async def _create(self) -> Collection:
        label: Label = {"embeddings": self.embeddings.name, "state": "filling"}
        return await self.store.collection(self.name, label | {"dimension": self.dimension})

    async def _fill(self, target: Collection, found: dict[str, Collection]) -> None:
        for source in found.values():
            if source.label["state"] == "ready":
                await self._copy(source, target)
        await target.relabel(target.label | {"state": "ready"})

    async def _copy(self, source: Collection, target: Collection) -> None:
        ids = await source.ids()
        blank = np.ones(self.dimension, dtype=np.float32)
        await target.upsert([Row(mark, "", vector=blank) for mark in marks_below(ids)])
        entries = [id_ for id_ in ids if not is_mark(id_)]
        with tqdm(total=len(entries), desc="re-embedding the playbook", disable=not entries) as bar:
            for start in range(0, len(entries), BATCH):
                batch = entries[start : start + BATCH]
                await self._take(batch, source, target)
                bar.update(len(batch))

    async def _take(self, ids: list[str], source: Collection, target: Collection) -> None:
        there = await target.get(ids)
        rows = await source.get([id_ for id_ in ids if id_ not in there])
        slots = [_slot(row) for row in rows.values() if row.text]
        contents = [slot.record.current.content for slot in slots]
        vectors = await embedded(self.embeddings, contents, self.dimension)
        await target.upsert(
            [row_of(slot, vector) for slot, vector in zip(slots, vectors, strict=True)]
        )


def _slot(row: Row) -> Slot:
    """The entry of a row, also of one from when its history stood in the same text."""
    data = json.loads(row.text)
    number = slot_number(row.id)
    if "history" in data:
        history = History.model_validate(data["history"])
        return Slot.of(number, data["cid"], data["place"], history)
    return Slot(number, Record.model_validate(data), row.past)

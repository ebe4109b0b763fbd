"""The collection of the current embeddings, filled from its predecessor when they change.

There is one collection per embedding model, since Chroma fixes the dimension of each. The label
`state` of a new one is `filling` until it holds everything; only then are the others dropped. A
kill at any point therefore leaves at least one complete collection, and the next open goes on
where this one stopped, or back, if the setting was changed back.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from tqdm import tqdm

from memory.embeddings import Embeddings
from memory.entries import Record
from memory.leases import Lease, Leases
from memory.shelf import Shelf
from memory.store import Collection, Label, Row, Store

PREFIX: Final = "playbook-"
BATCH: Final = 64


async def open_shelf(store: Store, embeddings: Embeddings, slots: int) -> Shelf:
    """The collection of `embeddings`, complete; re-embeds what another model left.

    Raises `StoreUnavailable`.
    """
    name = PREFIX + sha256(embeddings.name.encode()).hexdigest()[:16]
    leases = await Leases.open(store, name) if store.shared else None
    async with _sole_mover(leases) as lease:
        rows = await _Move(store, embeddings, name, leases, lease).complete(slots)
    return Shelf(rows, int(rows.label["slots"]), embeddings, leases)


@asynccontextmanager
async def _sole_mover(leases: Leases | None) -> AsyncIterator[Lease | None]:
    async with leases.hold_unfenced("open") if leases else nullcontext() as lease:
        yield lease


@dataclass(frozen=True, slots=True)
class _Move:
    store: Store
    embeddings: Embeddings
    name: str
    leases: Leases | None
    lease: Lease | None

    async def complete(self, slots: int) -> Collection:
        found = await self.store.collections(PREFIX)
        target = found.pop(self.name, None) or await self._create(slots)
        if target.label["state"] == "filling":
            await self._fill(target, found, slots)
        for name in found:
            await self.store.drop(name)
        if self.leases:
            await self.leases.unfence(self.name)
        return await self._widened(target, slots)

    async def _create(self, slots: int) -> Collection:
        label: Label = {"embeddings": self.embeddings.name, "state": "filling", "slots": slots}
        return await self.store.collection(self.name, label)

    async def _fill(self, target: Collection, found: dict[str, Collection], slots: int) -> None:
        for source in found.values():
            if source.label["state"] == "ready":
                await self._fence(source)
                await self._copy(source, target)
                slots = max(slots, int(source.label["slots"]))
        await target.relabel(target.label | {"state": "ready", "slots": slots})

    async def _fence(self, source: Collection) -> None:
        if self.leases and self.lease:
            await self.leases.fence(source.name, self.lease)

    async def _copy(self, source: Collection, target: Collection) -> None:
        total = await source.count()
        with tqdm(total=total, desc="re-embedding the playbook", disable=not total) as bar:
            for offset in range(0, total, BATCH):
                rows = await source.page(offset, BATCH)
                await self._take(rows, target)
                bar.update(len(rows))

    async def _take(self, rows: list[Row], target: Collection) -> None:
        there = await target.get([row.id for row in rows])
        missing = [row for row in rows if row.id not in there]
        texts = [Record.model_validate_json(row.text).history.entry().content for row in missing]
        vectors = await self.embeddings.embed(texts)
        if self.lease:
            await self.lease.keep()
        await target.upsert(
            [Row(row.id, row.text, vector) for row, vector in zip(missing, vectors, strict=True)]
        )

    async def _widened(self, target: Collection, slots: int) -> Collection:
        # Slots once used stay visible after the limit is lowered.
        if int(target.label["slots"]) < slots:
            await target.relabel(target.label | {"slots": slots})
        return target

"""Users' entries in the collection in use: each user has numbered slots with computed ids.

Fetching a user's slots by id takes the same time however many users there are; a filter on
metadata does not.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import numpy as np

from memory.completion import finish
from memory.embeddings import Embeddings, Vectors
from memory.entries import Entry, Record
from memory.errors import StoreUnavailable
from memory.leases import Lease, Leases
from memory.rest import Rest
from memory.store import Collection, Row

QUERY_SECONDS: Final = 1.5
"""What the vector of a query may take: a run waits little longer for all that it recalls."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that one of the user's entries occupies."""

    id: str
    record: Record

    @property
    def entry(self) -> Entry:
        return self.record.history.entry()


@dataclass(frozen=True, slots=True)
class Shelf:
    """The collection in use, of vectors by `embeddings`, with `slots` slots a user.

    `leases` is None where no other process writes. Verbs raise `StoreUnavailable`.
    """

    rows: Collection
    slots: int
    embeddings: Embeddings
    leases: Leases | None
    ranking: Rest = field(default_factory=Rest)

    async def read(self, cid: str) -> list[Slot]:
        """The occupied slots of a user, oldest entry first."""
        rows = await self.rows.get([slot_id(cid, number) for number in range(self.slots)])
        slots = [Slot(row.id, Record.model_validate_json(row.text)) for row in rows.values()]
        own = (slot for slot in slots if slot.record.cid == cid)
        return sorted(own, key=lambda slot: slot.record.place)

    async def relevance(self, slots: Sequence[Slot], query: str) -> list[float]:
        """The cosine of each entry with the query; -1 for one that is gone by now."""
        rows = await self.rows.get([slot.id for slot in slots], vectors=True)
        [wanted] = await self._embedded(query)
        vectors = [rows[slot.id].vector if slot.id in rows else None for slot in slots]
        return [-1.0 if vector is None else float(np.dot(vector, wanted)) for vector in vectors]

    async def _embedded(self, query: str) -> Vectors:
        if not self.ranking.admits():
            raise StoreUnavailable("the embedding endpoint was silent; it is asked again later")
        try:
            async with asyncio.timeout(QUERY_SECONDS):
                vectors = await self.embeddings.embed([query])
        except TimeoutError:
            self.ranking.begin()
            raise StoreUnavailable("the embeddings did not come in time") from None
        self.ranking.end()
        return vectors

    async def put(self, records: Mapping[str, Record], lease: Lease | None) -> None:
        """Write the records into the slots of these ids, all or none."""
        contents = [record.history.entry().content for record in records.values()]
        vectors = await self.embeddings.embed(contents)
        rows = [
            Row(id_, record.model_dump_json(), vector)
            for (id_, record), vector in zip(records.items(), vectors, strict=True)
        ]
        if lease is not None:
            await lease.keep()
        await finish(self.rows.upsert(rows))

    async def remove(self, slots: Sequence[Slot], lease: Lease | None) -> None:
        """Leave nothing in these slots."""
        if lease is not None:
            await lease.keep()
        await finish(self.rows.delete([slot.id for slot in slots]))


def slot_id(cid: str, number: int) -> str:
    # A digest, so that no cid can be chosen to look like another's slot.
    return f"{sha256(cid.encode(errors='surrogatepass')).hexdigest()}-{number}"

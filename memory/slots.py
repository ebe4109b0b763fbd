"""Users' entries in the collection in use: each user has numbered slots with computed ids.

Fetching a user's slots by id takes the same time however many users there are; a filter on
metadata does not. Slots are read up to the highest that any user ever had: the first 16, and 16
more for each mark in the collection, which is written together with the first entry beyond.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

import numpy as np
import structlog

from memory.breaker import CircuitBreaker
from memory.completion import finish
from memory.embeddings import Embeddings, Vectors
from memory.entries import Record, Slot
from memory.errors import StoreUnavailable
from memory.store import Collection, Row

log = structlog.get_logger(__name__)

STEP: Final = 16
QUERY_SECONDS: Final = 1.5
"""What the vector of a query may take: a run waits little longer for all that it recalls."""


class Slots:
    """The slots of all users in `rows`, with vectors of `dimension` by `embeddings`.

    Verbs raise `StoreUnavailable`.
    """

    def __init__(self, rows: Collection, embeddings: Embeddings, dimension: int) -> None:
        self._rows = rows
        self._embeddings = embeddings
        self._dimension = dimension
        self._ranking = CircuitBreaker()
        self._used = STEP

    async def read(self, cid: str) -> list[Slot]:
        """The occupied slots of a user, oldest entry first."""
        return (await self.read_users([digest(cid)])).get(cid, [])

    async def read_users(self, digests: Sequence[str]) -> dict[str, list[Slot]]:
        """The slots of several users, of each as of one moment, by cid."""
        rows: list[Row] = []
        first, more = 0, True
        while more:
            end = self._used
            ids = [f"{user}-{number}" for user in digests for number in range(first, end)]
            found = await self._rows.get([*ids, mark_id(end)])
            more = found.pop(mark_id(end), None) is not None
            rows += found.values()
            if more:
                first, self._used = end, max(self._used, end + STEP)
        users = defaultdict[str, list[Slot]](list)
        for row in rows:
            # One without a text was forgotten, and its deletion cut short.
            if row.text:
                record = Record.model_validate_json(row.text)
                users[record.cid].append(Slot(slot_number(row.id), record, row.past))
        for slots in users.values():
            slots.sort(key=lambda slot: slot.record.place)
        return users

    async def users(self) -> list[str]:
        """The digests of all users who have entries."""
        ids = await self._rows.ids()
        return sorted({id_.rpartition("-")[0] for id_ in ids if not is_mark(id_)})

    async def relevance(self, slots: Sequence[Slot], query: str) -> list[float]:
        """The cosine of each entry with the query; -1 for one that is gone by now."""
        ids = [slot_id(slot.record.cid, slot.number) for slot in slots]
        rows = await self._rows.get(ids, vectors=True)
        wanted = await self._of_query(query)
        vectors = [rows[id_].vector if id_ in rows else None for id_ in ids]
        return [-1.0 if vector is None else float(np.dot(vector, wanted)) for vector in vectors]

    async def embed(self, slots: Sequence[Slot]) -> Vectors:
        """The vectors to write the slots with, one row each."""
        return await embedded(
            self._embeddings, [slot.record.current.content for slot in slots], self._dimension
        )

    async def write(self, slots: Sequence[Slot], vectors: Vectors, gone: Sequence[Slot]) -> None:
        """Write `slots` and leave nothing in those that are `gone`: all of it or nothing.

        What has begun is completed even if the caller is cancelled.
        """
        ids = [slot_id(slot.record.cid, slot.number) for slot in gone]
        if not slots:
            await finish(self._rows.delete(ids))
            return
        end = max(slot.number for slot in slots)
        marks = [mark_id(number) for number in range(self._used, end + 1, STEP)]
        blank = np.ones(self._dimension, dtype=np.float32)
        rows = [row_of(slot, vector) for slot, vector in zip(slots, vectors, strict=True)]
        rows += [Row(id_, "", vector=blank) for id_ in (*ids, *marks)]
        await finish(self._written(rows, ids))
        self._used = max(self._used, end // STEP * STEP + STEP)

    async def count(self) -> int:
        """Entries of all users."""
        return await self._rows.count() - (self._used // STEP - 1)

    async def _of_query(self, query: str) -> Vectors:
        if not self._ranking.allow():
            raise StoreUnavailable(
                "the embedding endpoint failed lately; it is asked again in a while"
            )
        try:
            async with asyncio.timeout(QUERY_SECONDS):
                [vector] = await embedded(self._embeddings, [query], self._dimension)
        except (TimeoutError, StoreUnavailable) as error:
            self._ranking.failed()
            raise StoreUnavailable(
                str(error) or "the vector of the query did not come in time"
            ) from error
        self._ranking.succeeded()
        return vector  # type: ignore[no-any-return]  # numpy has no type for a row of a matrix

    async def _written(self, rows: list[Row], gone: list[str]) -> None:
        await self._rows.upsert(rows)
        try:
            await self._rows.delete(gone)
        except StoreUnavailable as error:
            # They are blank by now: nobody reads them, and their slots are free.
            log.warning("forgotten entries left blank", entries=len(gone), reason=str(error))


async def embedded(embeddings: Embeddings, texts: Sequence[str], dimension: int) -> Vectors:
    """Vectors of the expected dimension. Raises `StoreUnavailable`."""
    if not texts:
        return np.empty((0, dimension), dtype=np.float32)
    vectors = await embeddings.embed(texts)
    if vectors.shape != (len(texts), dimension):
        raise StoreUnavailable(
            f"{embeddings.name} gave vectors of shape {vectors.shape} for {len(texts)} texts, "
            f"where the playbook has {dimension} dimensions: was the model behind it changed? "
            "A restart embeds everything anew"
        )
    return vectors


def row_of(slot: Slot, vector: Vectors) -> Row:
    id_ = slot_id(slot.record.cid, slot.number)
    return Row(id_, slot.record.model_dump_json(), slot.past, vector)


def slot_id(cid: str, number: int) -> str:
    # A digest, so that no cid can be chosen to look like another's slot.
    return f"{digest(cid)}-{number}"


def digest(cid: str) -> str:
    return sha256(cid.encode(errors="surrogatepass")).hexdigest()


def slot_number(id_: str) -> int:
    return int(id_.rpartition("-")[2])


def mark_id(number: int) -> str:
    return f"slots-{number}"


def is_mark(id_: str) -> bool:
    return id_.startswith("slots-")


def marks_below(ids: Iterable[str]) -> list[str]:
    """The marks that slots of these ids need to be read."""
    end = max((slot_number(id_) for id_ in ids if not is_mark(id_)), default=0)
    return [mark_id(number) for number in range(STEP, end + 1, STEP)]

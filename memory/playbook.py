"""The playbook: what each user prefers, with the history of every entry.

Reads go through `Playbook`. Writes go through a `Writer`, which has the user's turn:

    async with playbook.writing(cid) as writer:
        entry = await writer.add("Answer in French", "language")
        await writer.supersede(entry.node_id, "Answer in German", expected_version=1)

The write verbs of `Playbook` take the turn for one call. Inside the block use the writer: the
turn is not reentrant.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self
from weakref import WeakValueDictionary

from memory.embeddings import Embeddings, open_embeddings
from memory.entries import ALWAYS_RECALLED, Entry, Export, Version
from memory.migration import open_shelf
from memory.shelf import Shelf
from memory.store import Store, open_store
from memory.writer import Writer, find
from settings import Settings


class Playbook:
    """All users' preferences. Open it with `Playbook.open`.

    Every verb raises `StoreUnavailable` when the store or the embedding endpoint does not answer.
    """

    def __init__(self, store: Store, shelf: Shelf, limit: int) -> None:
        self._store = store
        self._shelf = shelf
        self._limit = limit
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, *, embeddings: Embeddings | None = None
    ) -> AsyncIterator[Self]:
        """The playbook of these settings, closed at the end of the block.

        `embeddings` replaces those of the settings; its owner closes it. If they are not those
        the playbook was written with, everything is re-embedded first, with a progress bar on
        stderr. Raises `StoreLocked`, `StoreUnavailable`.
        """
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(open_store(settings))
            if embeddings is None:
                embeddings = await stack.enter_async_context(open_embeddings(settings))
            shelf = await open_shelf(store, embeddings, settings.max_playbook_nodes)
            yield cls(store, shelf, settings.max_playbook_nodes)

    async def all(self, cid: str) -> list[Entry]:
        """The user's entries, oldest first."""
        return [slot.entry for slot in await self._shelf.read(cid)]

    async def recall(
        self, cid: str, query: str, *, max_tokens: int, count_tokens: Callable[[str], int]
    ) -> list[Entry]:
        """The entries to put into a prompt for `query`, oldest first.

        All of them while their contents fit `max_tokens` together; beyond that the most important
        that fit: first style, format, tone and language, the latest first, then the others by
        relevance. `count_tokens` is called in a thread.
        """
        slots = await self._shelf.read(cid)
        entries = [slot.entry for slot in slots]
        costs = await asyncio.to_thread(_costs, entries, count_tokens)
        if sum(costs) <= max_tokens:
            return entries
        relevance = await self._shelf.relevance(slots, query)
        ranked = sorted(range(len(entries)), key=lambda at: _rank(entries[at], relevance[at]))
        return [entries[at] for at in sorted(_fitting(ranked, costs, max_tokens))]

    async def history(self, cid: str, node_id: str) -> list[Version]:
        """The versions of an entry, oldest first, the current one last.

        The latest 100 are kept. Raises `UnknownEntry`.
        """
        return find(await self._shelf.read(cid), node_id).record.history.history()

    async def export(self, cid: str) -> dict[str, Any]:
        """The user's entries with their histories, fit for JSON and for `restore`."""
        entries = tuple(slot.record.history for slot in await self._shelf.read(cid))
        return Export(cid=cid, entries=entries).model_dump(mode="json")

    @asynccontextmanager
    async def writing(self, cid: str) -> AsyncIterator[Writer]:
        """Wait for the user's turn to write, also among processes that share a Chroma server."""
        turn = self._turns.setdefault(cid, asyncio.Lock())
        async with turn:
            if self._shelf.leases is None:
                yield Writer(self._shelf, cid, self._limit, None)
                return
            async with self._shelf.leases.hold(cid) as lease:
                yield Writer(self._shelf, cid, self._limit, lease)

    async def add(self, cid: str, content: str, category: str, evidence: str = "") -> Entry:
        """See `Writer.add`."""
        async with self.writing(cid) as writer:
            return await writer.add(content, category, evidence)

    async def supersede(
        self,
        cid: str,
        node_id: str,
        content: str,
        category: str | None = None,
        evidence: str = "",
        *,
        expected_version: int | None = None,
    ) -> Entry:
        """See `Writer.supersede`."""
        async with self.writing(cid) as writer:
            return await writer.supersede(
                node_id, content, category, evidence, expected_version=expected_version
            )

    async def forget(self, cid: str, node_id: str, *, expected_version: int | None = None) -> None:
        """See `Writer.forget`."""
        async with self.writing(cid) as writer:
            await writer.forget(node_id, expected_version=expected_version)

    async def erase(self, cid: str) -> int:
        """See `Writer.erase`."""
        async with self.writing(cid) as writer:
            return await writer.erase()

    async def restore(self, cid: str, data: object) -> list[Entry]:
        """See `Writer.restore`."""
        async with self.writing(cid) as writer:
            return await writer.restore(data)

    async def count(self) -> int:
        """How many entries there are, of all users."""
        return await self._shelf.rows.count()

    async def ping(self) -> None:
        """Raises `StoreUnavailable` if the store does not answer."""
        await self._store.ping()


def _costs(entries: Sequence[Entry], count_tokens: Callable[[str], int]) -> list[int]:
    return [count_tokens(entry.content) for entry in entries]


def _rank(entry: Entry, relevance: float) -> tuple[int, float]:
    if entry.category.strip().casefold() in ALWAYS_RECALLED:
        return 0, -entry.updated_at.timestamp()
    return 1, -relevance


def _fitting(ranked: Iterable[int], costs: Sequence[int], room: int) -> list[int]:
    chosen = []
    for at in ranked:
        if costs[at] <= room:
            room -= costs[at]
            chosen.append(at)
    return chosen

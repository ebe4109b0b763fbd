"""The playbook: what each user prefers, with the history of every entry.

Reads go through `Playbook`. Writes go through a `Writer`, which has the user's turn:

    async with playbook.writing(cid, deadline=deadline) as writer:
        known = await writer.all()
        await writer.apply([Forget(known[0].node_id), Add("Be brief", "style")])

The write verbs of `Playbook` take the turn for one call. Inside the block use the writer: the
turn is not reentrant.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Self

from memory.census import Census
from memory.embeddings import Embeddings, open_embeddings
from memory.entries import Applies, Entry, Export, Slot, Version
from memory.errors import UnknownEntry
from memory.migration import open_slots
from memory.slots import Slots
from memory.store import open_store
from memory.turns import Turns, open_turns
from memory.writer import Add, Forget, Writer
from settings import Settings

USERS_TOGETHER: Final = 20
CUT_SHORT: Final = " …"
LONG_PLAYBOOK: Final = 10_000  # characters; counting the tokens of more takes a while


class Playbook:
    """All users' preferences. Open it with `Playbook.open`.

    Every verb raises `StoreUnavailable` when the store or the embedding endpoint does not answer.
    """

    def __init__(self, slots: Slots, turns: Turns, census: Census, limit: int) -> None:
        self._slots = slots
        self._turns = turns
        self._census = census
        self._limit = limit

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
            opening = open_turns(settings, shared=store.shared)
            turns = await stack.enter_async_context(opening)
            async with turns.hold_all():
                slots = await open_slots(store, embeddings)
            census = Census(settings.data_dir, "playbook")
            await census.note(empty=not await slots.count())
            yield cls(slots, turns, census, settings.max_playbook_nodes)

    async def all(self, cid: str) -> list[Entry]:
        """The user's entries, oldest first."""
        return [slot.entry for slot in await self._slots.read(cid)]

    async def recall(
        self, cid: str, query: str, *, max_tokens: int, count_tokens: Callable[[str], int]
    ) -> list[Entry]:
        """The entries to put into a prompt for `query`, oldest first.

        All of them while their contents fit `max_tokens` together; beyond that the most important
        that fit: first those that apply always, the latest first, then the others by relevance.
        One that would not fit alone is cut to half of `max_tokens`.
        """
        slots = await self._slots.read(cid)
        entries = [slot.entry for slot in slots]
        if sum(len(entry.content) for entry in entries) > LONG_PLAYBOOK:
            entries, costs = await asyncio.to_thread(_costs, entries, count_tokens, max_tokens)
        else:
            entries, costs = _costs(entries, count_tokens, max_tokens)
        if sum(costs) <= max_tokens:
            return entries
        relevance = await self._slots.relevance(slots, query)
        ranked = sorted(range(len(entries)), key=lambda at: _rank(entries[at], relevance[at]))
        return [entries[at] for at in sorted(_fitting(ranked, costs, max_tokens))]

    async def nearest(self, cid: str, text: str) -> list[Entry]:
        """The user's entries, those first whose content is most like `text`."""
        slots = await self._slots.read(cid)
        relevance = await self._slots.relevance(slots, text)
        ranked = sorted(range(len(slots)), key=lambda at: -relevance[at])
        return [slots[at].entry for at in ranked]

    async def history(self, cid: str, node_id: str) -> list[Version]:
        """The versions of an entry, oldest first, the current one last.

        The latest 100 are kept. Raises `UnknownEntry`.
        """
        for slot in await self._slots.read(cid):
            if slot.record.node_id == node_id:
                return list(slot.versions())
        raise UnknownEntry("there is no such entry in this playbook")

    async def export(self, cid: str) -> dict[str, Any]:
        """The user's entries with their histories, fit for JSON and for `restore`."""
        return _export(cid, await self._slots.read(cid)).model_dump(mode="json")

    async def exports(self) -> AsyncIterator[Export]:
        """The playbooks of all users that have one when this begins, each as of one moment."""
        users = await self._slots.users()
        for at in range(0, len(users), USERS_TOGETHER):
            found = await self._slots.read_users(users[at : at + USERS_TOGETHER])
            for cid, slots in found.items():
                yield _export(cid, slots)

    @asynccontextmanager
    async def writing(self, cid: str, *, deadline: float | None = None) -> AsyncIterator[Writer]:
        """Wait for the user's turn to write, also among processes that share a Chroma server.

        `deadline`, on the clock of `time.monotonic()`, ends the waiting, and keeps the writer from
        writing after it. Raises `TurnTimeout`.
        """
        async with self._turns.hold(cid, deadline):
            writer = Writer(self._slots, cid, self._limit, deadline)
            yield writer
            if writer.wrote:
                await self._census.note(empty=False)

    async def add(
        self,
        cid: str,
        content: str,
        category: str,
        evidence: str = "",
        applies: Applies = "always",
    ) -> Entry:
        """See `Writer.apply`, and so for the following."""
        async with self.writing(cid) as writer:
            [entry] = await writer.apply([Add(content, category, evidence, applies)])
        return entry

    async def forget(self, cid: str, node_id: str) -> None:
        async with self.writing(cid) as writer:
            await writer.apply([Forget(node_id)])

    async def erase(self, cid: str) -> int:
        """Delete everything of the user; returns how many entries that were."""
        async with self.writing(cid) as writer:
            return len(await writer.apply([Forget(each.node_id) for each in await writer.all()]))

    async def restore(self, cid: str, data: object) -> list[Entry]:
        """See `Writer.restore`."""
        async with self.writing(cid) as writer:
            return await writer.restore(data)

    async def count(self) -> int:
        """How many entries there are, of all users."""
        count = await self._slots.count()
        await self._census.note(empty=not count)
        return count


def _export(cid: str, slots: Sequence[Slot]) -> Export:
    return Export(cid=cid, entries=tuple(slot.history() for slot in slots))


def _costs(
    entries: Sequence[Entry], count_tokens: Callable[[str], int], max_tokens: int
) -> tuple[list[Entry], list[int]]:
    """The entries as they can be recalled, and the tokens of each."""
    fitting, costs = list(entries), [count_tokens(entry.content) for entry in entries]
    for at in [at for at, cost in enumerate(costs) if cost > max_tokens]:
        fitting[at] = _in_part(entries[at], count_tokens, max_tokens // 2)
        costs[at] = count_tokens(fitting[at].content)
    return fitting, costs


def _in_part(entry: Entry, count_tokens: Callable[[str], int], room: int) -> Entry:
    content = entry.content
    while (cost := count_tokens(f"{content}{CUT_SHORT}")) > room and content:
        content = content[: min(len(content) - 1, len(content) * room // cost)]
    return replace(entry, content=f"{content}{CUT_SHORT}") if content else entry


def _rank(entry: Entry, relevance: float) -> tuple[int, float]:
    if entry.applies == "always":
        return 0, -entry.updated_at.timestamp()
    return 1, -relevance


def _fitting(ranked: Iterable[int], costs: Sequence[int], room: int) -> list[int]:
    chosen = []
    for at in ranked:
        if costs[at] <= room:
            room -= costs[at]
            chosen.append(at)
    return chosen

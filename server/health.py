"""Whether what the miner depends on answers, found out beside the requests."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from pydantic import BaseModel, Field

from memory.errors import MemoryStoreError
from nodes.miner import Miner

LOOK_EVERY = 10.0  # seconds
ASKED_WITHIN = 600.0  # seconds; whoever asks at least that often is always told
OLD_AFTER = 2.5  # looks; what was found before them is told no more
PATIENCE = 2.0  # seconds for the stores


class Snapshot(BaseModel):
    """What the last look found. Nothing is known before the first has ended, or long after it."""

    llm_available: bool | None = Field(default=None, description="whether the LLM backend answers")
    memory_available: bool | None = Field(default=None, description="whether the stores answer")
    playbook_entries: int | None = None
    conversations: int | None = None


class Health:
    """Gives the last snapshot at once; new ones are taken in the background while it is asked.

    One look begins with the first question, and further ones follow every `every` seconds until
    nobody has asked for `asked_within` seconds.
    """

    def __init__(self, miner: Miner, every: float, asked_within: float) -> None:
        self._miner = miner
        self._every = every
        self._asked_within = asked_within
        self._snapshot = Snapshot()
        self._taken_at = self._asked_at = float("-inf")
        self._looking: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, miner: Miner, *, every: float = LOOK_EVERY, asked_within: float = ASKED_WITHIN
    ) -> AsyncIterator[Self]:
        health = cls(miner, every, asked_within)
        try:
            yield health
        finally:
            await health._close()

    def snapshot(self) -> Snapshot:
        now = self._asked_at = time.monotonic()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_asked())
        return self._snapshot if now - self._taken_at < OLD_AFTER * self._every else Snapshot()

    async def _look_while_asked(self) -> None:
        while time.monotonic() - self._asked_at < self._asked_within:
            await self._look()
            await asyncio.sleep(self._every)

    async def _look(self) -> None:
        llm, memory = await asyncio.gather(self._miner.model.ping(), self._count())
        entries, conversations = memory or (None, None)
        self._snapshot = Snapshot(
            llm_available=llm,
            memory_available=memory is not None,
            playbook_entries=entries,
            conversations=conversations,
        )
        self._taken_at = time.monotonic()

    async def _count(self) -> tuple[int, int] | None:
        playbook, conversations = self._miner.playbook, self._miner.conversations
        try:
            return await asyncio.gather(
                self._miner.background.wait_for(PATIENCE, "counting preferences", playbook.count),
                self._miner.background.wait_for(PATIENCE, "counting messages", conversations.count),
            )
        except MemoryStoreError:
            return None

    async def _close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait((self._looking,))

"""Whether what the miner depends on answers, found out beside the requests."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from pydantic import BaseModel, Field

from memory.errors import MemoryStoreError
from nodes.miner import Miner

STALE_AFTER = 5.0  # seconds


class Snapshot(BaseModel):
    """What the last look found. Before the first look has ended, nothing is known yet."""

    llm_available: bool | None = Field(default=None, description="whether the LLM backend answers")
    memory_available: bool | None = Field(default=None, description="whether the stores answer")
    playbook_entries: int | None = None
    conversations: int | None = None


class Health:
    """Gives the last snapshot at once, and takes a new one in the background when it is stale."""

    def __init__(self, miner: Miner) -> None:
        self._miner = miner
        self._snapshot = Snapshot()
        self._taken_at = float("-inf")
        self._look: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, miner: Miner) -> AsyncIterator[Self]:
        health = cls(miner)
        try:
            yield health
        finally:
            await health._close()

    def snapshot(self) -> Snapshot:
        stale = time.monotonic() - self._taken_at > STALE_AFTER
        if stale and (self._look is None or self._look.done()):
            self._look = asyncio.create_task(self._refresh())
        return self._snapshot

    async def _refresh(self) -> None:
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
        try:
            return await self._miner.playbook.count(), await self._miner.conversations.count()
        except MemoryStoreError:
            return None

    async def _close(self) -> None:
        if self._look is not None:
            self._look.cancel()
            await asyncio.wait((self._look,))

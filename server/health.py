"""Whether what the miner depends on answers, found out beside the requests."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self

from pydantic import BaseModel, Field

from memory.errors import MemoryStoreError
from nodes.miner import Miner

LOOK_EVERY = 10.0  # seconds
LOOK_AGAIN = 2.0  # seconds, where something did not answer
ASKED_WITHIN = 600.0  # seconds; whoever asks at least that often is always told
OLD_AFTER = 2.5  # looks; what was found before them is told no more
PATIENCE = 2.0  # seconds for the stores
FIRST_LOOK = 1.0  # seconds that a caller waits where nothing is known yet


class Snapshot(BaseModel):
    """What the last look found. Nothing is known before the first has ended, or long after it."""

    llm_available: bool | None = Field(default=None, description="whether the LLM backend answers")
    memory_available: bool | None = Field(default=None, description="whether the stores answer")
    playbook_entries: int | None = None
    conversations: int | None = None


class Health:
    """Gives the last snapshot at once; new ones are taken in the background while it is asked.

    One look begins with the first question, and further ones follow every `every` seconds until
    nobody has asked for `asked_within` seconds; sooner where something did not answer.
    """

    def __init__(self, miner: Miner, every: float, asked_within: float) -> None:
        self._miner = miner
        self._every = every
        self._asked_within = asked_within
        self._snapshot = Snapshot()
        self._taken_at = self._asked_at = float("-inf")
        self._looking: asyncio.Task[None] | None = None
        self._looked = asyncio.Event()

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
        if now - self._taken_at < OLD_AFTER * self._every:
            return self._snapshot
        self._looked.clear()
        return Snapshot()

    async def missing(self) -> list[str]:
        """What does not answer: `model`, `memory`. It is told at once where it is known."""
        seen = self.snapshot()
        if seen.memory_available is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_LOOK):
                    await self._looked.wait()
            seen = self.snapshot()
        answers = {
            "model": self._miner.model.answered_lately() or seen.llm_available,
            "memory": seen.memory_available,
        }
        return [name for name, answering in answers.items() if not answering]

    async def _look_while_asked(self) -> None:
        while time.monotonic() - self._asked_at < self._asked_within:
            await self._look()
            seen = self._snapshot
            well = seen.llm_available and seen.memory_available
            await asyncio.sleep(self._every if well else min(LOOK_AGAIN, self._every))

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
        self._looked.set()

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

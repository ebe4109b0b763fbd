"""Calls to the memory, for which a run waits only as long as it can afford."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

from memory import StoreUnavailable
from memory.rest import Rest

T = TypeVar("T")

LONGEST = 2.0  # seconds; a good answer without the memory is worth more than a late one with it
SILENCE = 1.0  # a shorter wait, because little time was left, proves nothing


class Errands:
    """Calls under way. What is not waited for any longer goes on, and ends before the stores do.

    Something that was silent is left to rest, until what is still under way brings an answer or
    the rest is over.
    """

    def __init__(self) -> None:
        self._rests: defaultdict[str, Rest] = defaultdict(Rest)
        self._under_way: set[asyncio.Task[Any]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        """Errands that have all ended when the block has."""
        errands = cls()
        try:
            yield errands
        finally:
            if errands._under_way:
                await asyncio.wait(errands._under_way)

    async def within(
        self, seconds: float, what: str, work: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        """What `work` brings within `seconds`, of which `LONGEST` are waited at most.

        `what` names the thing that is asked. Raises what `work` raises, and `StoreUnavailable`
        when it takes longer, or at once while `what` rests.
        """
        if not self._rests[what].admits():
            raise StoreUnavailable(f"{what} did not answer lately; it is asked again in a while")
        task = self.carry(work())
        task.add_done_callback(lambda done: self._note(what, done))
        patience = max(0.0, min(seconds, LONGEST))
        done, _ = await asyncio.wait([task], timeout=patience)
        if done:
            return task.result()
        if patience >= SILENCE:
            self._rests[what].begin()
        raise StoreUnavailable(f"{what} did not answer in time")

    def carry(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin work that is carried through even if nobody waits for it."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            # Whoever waits gets it; where nobody does any more, asyncio would log its message.
            task.exception()

    def _note(self, what: str, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._rests[what].end()

"""Long work off the event loop, and calls to the memory that a run cannot wait for for ever."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

from memory import CircuitBreaker, StoreUnavailable

T = TypeVar("T")

LONG_TEXT = 20_000  # characters that take long to read
LONGEST = 2.0  # seconds; a good answer without the memory is worth more than a late one with it
SILENCE = 1.0  # a shorter wait, because little time was left, proves nothing


async def aside(length: int, read: Callable[[], T]) -> T:
    """What `read` makes of texts of `length` characters, off the event loop where they are long."""
    return await asyncio.to_thread(read) if length > LONG_TEXT else read()


class BackgroundTasks:
    """Tasks that are carried through, also when nobody waits for them any longer.

    They end before the stores do. What does not answer most of the time is not asked for a while.
    """

    def __init__(self) -> None:
        self._breakers: defaultdict[str, CircuitBreaker] = defaultdict(CircuitBreaker)
        self._running: set[asyncio.Task[Any]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        """Tasks that have all ended when the block has."""
        tasks = cls()
        try:
            yield tasks
        finally:
            if tasks._running:
                await asyncio.wait(tasks._running)

    async def wait_for(
        self, seconds: float, what: str, work: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        """What `work` brings within `seconds`, of which `LONGEST` are waited at most.

        `what` names the thing that is asked. Raises what `work` raises, and `StoreUnavailable`
        when it takes longer, or at once while the breaker of `what` is open.
        """
        breaker = self._breakers[what]
        if not breaker.allow():
            raise StoreUnavailable(f"{what} did not answer lately; it is asked again in a while")
        task = self.start(work())
        task.add_done_callback(lambda done: _note(breaker, done))
        patience = max(0.0, min(seconds, LONGEST))
        done, _ = await asyncio.wait([task], timeout=patience)
        if done:
            return task.result()
        if patience >= SILENCE:
            breaker.failed()
        raise StoreUnavailable(f"{what} did not answer in time")

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin work that is carried through even if nobody waits for it."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Whoever waits gets it; where nobody does any more, asyncio would log its message.
            task.exception()


def _note(breaker: CircuitBreaker, task: asyncio.Task[Any]) -> None:
    # One that fails at once costs nobody's time.
    if not task.cancelled() and task.exception() is None:
        breaker.succeeded()

"""Turns to write: one writer for each user at a time, in this process and among those that share
the playbook.

Processes that share it exclude each other by advisory locks of the PostgreSQL database that they
share as well, else by locks on files of the DATA_DIR that they share. Both end with their holder.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from hashlib import sha256
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

import asyncpg
from filelock import FileLock, Timeout

from memory.completion import finish
from memory.errors import StoreUnavailable, TurnTimeout
from memory.ownership import private_folder
from memory.postgres import CONNECTION_LOST, FAILURES, lock_number, open_pool, translated
from settings import Settings

LONGEST_WAIT: Final = 30.0  # seconds, for who has no deadline
FILES: Final = 256
RETRY_SECONDS: Final = (0.005, 0.02)
MOVING: Final = "the playbook moves"


class _AdvisoryLocks:
    """`one` keeps others from writing to the playbook of a cid, `all` from writing to any."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    def one(self, cid: str) -> AbstractAsyncContextManager[None]:
        return self._locked("pg_advisory_xact_lock_shared($1)", f"playbook {cid}")

    def all(self) -> AbstractAsyncContextManager[None]:
        return self._locked("pg_advisory_xact_lock($1)", None)

    @asynccontextmanager
    async def _locked(self, moving: str, key: str | None) -> AsyncIterator[None]:
        held = AsyncExitStack()
        try:
            with translated():
                connection = await held.enter_async_context(self._pool.acquire())
                await held.enter_async_context(connection.transaction())
                await connection.execute(
                    f"SELECT {moving}", lock_number(MOVING), timeout=LONGEST_WAIT
                )
                if key is not None:
                    await connection.execute(
                        "SELECT pg_advisory_xact_lock($1)", lock_number(key), timeout=LONGEST_WAIT
                    )
            yield
        finally:
            # A lock ends with its connection; that changes nothing of what was done under it.
            with suppress(*CONNECTION_LOST, *FAILURES):
                await held.aclose()


class _FileLocks:
    """The same by locks on files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def one(self, cid: str) -> AbstractAsyncContextManager[None]:
        digest = sha256(cid.encode(errors="surrogatepass")).digest()
        return self._locked(digest[0])

    @asynccontextmanager
    async def all(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as held:
            for number in range(FILES):
                await held.enter_async_context(self._locked(number))
            yield

    @asynccontextmanager
    async def _locked(self, number: int) -> AsyncIterator[None]:
        lock = FileLock(self._folder / f"{number}.lock", thread_local=False)
        try:
            while not await finish(asyncio.to_thread(_attempt, lock)):  # noqa: ASYNC110 (others')
                await asyncio.sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311
            yield
        finally:
            await finish(asyncio.to_thread(lock.release))


def _attempt(lock: FileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    except OSError as error:
        raise StoreUnavailable(f"cannot lock {lock.lock_file}: {error.strerror}") from error
    return True


class Turns:
    """Who may write. `processes` is None where no other process shares the playbook."""

    def __init__(self, processes: _AdvisoryLocks | _FileLocks | None) -> None:
        self._processes = processes
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, cid: str, deadline: float | None = None) -> AsyncIterator[None]:
        """Wait for the turn of `cid`, at most until `deadline` on the clock of
        `time.monotonic()`, and give it back at the end of the block.

        Raises `TurnTimeout`, `StoreUnavailable`.
        """
        left = LONGEST_WAIT if deadline is None else max(0.0, deadline - time.monotonic())
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(left):
                    lock = self._locks.setdefault(cid, asyncio.Lock())
                    await held.enter_async_context(lock)
                    if self._processes is not None:
                        await held.enter_async_context(self._processes.one(cid))
            except TimeoutError:
                raise TurnTimeout(
                    "others are changing this playbook; nothing was changed"
                ) from None
            yield

    @asynccontextmanager
    async def hold_all(self) -> AsyncIterator[None]:
        """Wait until no other process writes, and let none begin within the block."""
        async with AsyncExitStack() as held:
            if self._processes is not None:
                await held.enter_async_context(self._processes.all())
            yield


@asynccontextmanager
async def open_turns(settings: Settings, *, shared: bool) -> AsyncIterator[Turns]:
    """The turns for a playbook that is `shared` with other processes, or not.

    Raises `StoreUnavailable`.
    """
    if not shared:
        yield Turns(None)
    elif settings.database_url is None:
        folder = settings.data_dir / "turns"
        await asyncio.to_thread(private_folder, folder)
        yield Turns(_FileLocks(folder))
    else:
        async with open_pool(settings.database_url) as pool:
            yield Turns(_AdvisoryLocks(pool))

"""SQLite with one writer: a thread with one connection that commits together what has gathered.

Writers on connections of their own wait for each other's lock by sleeping; here they wait in a
queue, in their order, and each is told once the commit it was part of is done. Readers have
connections and threads apart, which no writer keeps waiting.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread, local
from typing import Any, Final

from filelock import FileLock

from memory.completion import finish
from memory.errors import StoreUnavailable
from memory.ownership import damaged, private_folder

LOCKED_SECONDS: Final = 10.0
"""How long another process may keep the file locked."""
RETRY_SECONDS: Final = 0.01
MOST_TOGETHER: Final = 100
READERS: Final = 2
CHECKPOINT_AFTER: Final = 1_000
"""Changes after which the journal is copied into the file, by a thread of the readers: that waits
for the disk, which no commit should."""
MOST_JOURNAL: Final = 16_000
"""Pages of 4 KiB after which a commit does wait for that."""

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT, cid BLOB NOT NULL, "
    "role VARCHAR(16) NOT NULL, content BLOB NOT NULL, created_at BIGINT NOT NULL)"
)


@dataclass(slots=True)
class _Change:
    statements: Sequence[tuple[str, Sequence[object]]]
    scrubbed: bool
    done: asyncio.Future[list[int]]
    result: list[int] | StoreUnavailable


class Sqlite:
    """A `memory.database.Database`; from `open_sqlite`."""

    skips_locked = ""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: SimpleQueue[_Change | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._writer = Thread(target=self._write, name="conversations-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="conversations")
        self._opened: list[sqlite3.Connection] = []
        self._unchecked = 0
        self._own = local()

    async def read(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return await self._loop.run_in_executor(self._readers, self._read, sql, parameters)

    def change(
        self,
        key: str,
        statements: Sequence[tuple[str, Sequence[object]]],
        *,
        scrubbed: bool = False,
    ) -> asyncio.Future[list[int]]:
        del key  # all changes are made in their order
        done: asyncio.Future[list[int]] = self._loop.create_future()
        self._queue.put(_Change(statements, scrubbed, done, []))
        return done

    def prepare(self, indexes: Iterable[str]) -> None:
        """Open the writer's connection, make the table, and begin to take changes."""
        try:
            # One worker at a time: SQLite's change to WAL does not wait for other connections.
            with FileLock(self._path.parent / ".conversations.lock", timeout=LOCKED_SECONDS):
                connection = self._connected()
                for sql in (_TABLE, *indexes):
                    connection.execute(sql)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise damaged(self._path, error) from error
        self._writer.start()

    def close(self) -> None:
        """End, after all changes that were asked for are made."""
        self._queue.put(None)
        if self._writer.ident is not None:
            self._writer.join()
        self._readers.shutdown()
        for connection in self._opened:
            connection.close()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=LOCKED_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._opened.append(connection)
        # In WAL mode a commit survives the death of the process at NORMAL already.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}").close()
        connection.execute(f"PRAGMA wal_autocheckpoint={MOST_JOURNAL}").close()
        return connection

    def _read(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        try:
            if not hasattr(self._own, "connection"):
                self._own.connection = self._connected()
            rows: list[tuple[Any, ...]] = self._own.connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return rows

    def _write(self) -> None:
        """The writer's thread."""
        connection, ended = self._opened[0], False
        while not ended and (first := self._queue.get()) is not None:
            batch, ended = self._gathered(first)
            try:
                self._commit(connection, batch)
            except sqlite3.Error:
                # Only who cannot be written shall fail.
                for change in batch:
                    self._commit_alone(connection, change)
            if erasures := [change for change in batch if change.scrubbed]:
                self._scrub(connection, erasures)
            self._loop.call_soon_threadsafe(_tell, batch)
            self._unchecked += len(batch)
            if self._unchecked >= CHECKPOINT_AFTER:
                self._unchecked = 0
                self._readers.submit(self._read, "PRAGMA wal_checkpoint(PASSIVE)", ())

    def _gathered(self, first: _Change) -> tuple[list[_Change], bool]:
        batch = [first]
        while len(batch) < MOST_TOGETHER:
            try:
                further = self._queue.get_nowait()
            except Empty:
                break
            if further is None:
                return batch, True
            batch.append(further)
        return batch, False

    def _commit(self, connection: sqlite3.Connection, batch: Sequence[_Change]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            for change in batch:
                change.result = [
                    connection.execute(sql, parameters).rowcount
                    for sql, parameters in change.statements
                ]
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _scrub(self, connection: sqlite3.Connection, erasures: Sequence[_Change]) -> None:
        # Deleted rows are overwritten in the file; its journal has them until emptied.
        try:
            give_up = time.monotonic() + LOCKED_SECONDS
            while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                # SQLite does not wait for another checkpoint.
                if time.monotonic() > give_up:
                    raise sqlite3.OperationalError("the journal is in use")
                time.sleep(RETRY_SECONDS)
        except sqlite3.Error as error:
            for change in erasures:
                change.result = self._failed(error)

    def _commit_alone(self, connection: sqlite3.Connection, change: _Change) -> None:
        try:
            self._commit(connection, [change])
        except sqlite3.Error as error:
            change.result = self._failed(error)

    def _failed(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"the database of the conversations, {self._path}, fails us "
            f"({getattr(error, 'sqlite_errorname', type(error).__name__)})"
        )


@asynccontextmanager
async def open_sqlite(data_dir: Path, indexes: Iterable[str]) -> AsyncIterator[Sqlite]:
    """The database in `data_dir`, closed after the block. Raises `StoreUnavailable`."""
    await asyncio.to_thread(private_folder, data_dir)
    database = Sqlite(data_dir / "conversations.db")
    await asyncio.to_thread(database.prepare, indexes)
    try:
        yield database
    finally:
        await finish(asyncio.to_thread(database.close))


def _tell(batch: Sequence[_Change]) -> None:
    for change in batch:
        if change.done.done():
            continue  # nobody waits any more
        if isinstance(change.result, StoreUnavailable):
            change.done.set_exception(change.result)
        else:
            change.done.set_result(change.result)

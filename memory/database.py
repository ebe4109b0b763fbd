"""The SQL database of the conversations: SQLite in DATA_DIR, or PostgreSQL. Errors translated."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final
from weakref import WeakValueDictionary

import asyncpg

from memory.completion import finish
from memory.postgres import CONNECTION_LOST, lock_number, open_pool, translated
from memory.sqlite import Sqlite, open_sqlite
from settings import Settings

Rows = list[tuple[Any, ...]]
Statement = tuple[str, Sequence[object]]
"""SQL with `?` for its parameters, and these. Texts are kept as bytes: compared exactly under any
collation, and able to hold a NUL or half a surrogate pair, which PostgreSQL's text refuses."""

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS messages (id BIGSERIAL PRIMARY KEY, cid BYTEA NOT NULL, "
    "role VARCHAR(16) NOT NULL, content BYTEA NOT NULL, created_at BIGINT NOT NULL)"
)
INDEXES: Final = (
    "CREATE INDEX IF NOT EXISTS messages_by_cid ON messages (cid, id)",
    "CREATE INDEX IF NOT EXISTS messages_by_age ON messages (created_at)",
)


class _Postgres:
    skips_locked = "FOR UPDATE SKIP LOCKED"

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, sql: str, *parameters: object) -> Rows:
        with translated():
            try:
                rows = await self._pool.fetch(_numbered(sql), *parameters)
            except CONNECTION_LOST:  # by now, as the pool gave it out: another one may do
                rows = await self._pool.fetch(_numbered(sql), *parameters)
        return [tuple(row) for row in rows]

    async def change(
        self, key: str, statements: Sequence[Statement], *, scrubbed: bool = False
    ) -> list[int]:
        del scrubbed  # its files are the server's own
        async with self._locks.setdefault(key, asyncio.Lock()):
            return await finish(self._transaction(key, statements))

    async def _transaction(self, key: str, statements: Sequence[Statement]) -> list[int]:
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", lock_number(key))
                told = [
                    await connection.execute(_numbered(sql), *parameters)
                    for sql, parameters in statements
                ]
        # Such as INSERT 0 2, or CREATE TABLE.
        return [int(number) if (number := each.split()[-1]).isdigit() else 0 for each in told]


Database = Sqlite | _Postgres
"""Where messages are kept. `read` gives the rows of a query. `change` runs statements in one
transaction and gives how many rows each touched: those of one key in the order in which they were
asked for, and carried through when the caller is cancelled; `scrubbed` leaves nothing deleted in
any file. Both raise `StoreUnavailable`."""


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database of these settings, with its table, closed after the block.

    Raises `StoreUnavailable`.
    """
    if settings.database_url is None:
        async with open_sqlite(settings.data_dir, INDEXES) as sqlite:
            yield sqlite
        return
    async with open_pool(settings.database_url) as pool:
        database = _Postgres(pool)
        # "If not exists" checks first and creates then: workers would collide.
        await database.change("schema", [(sql, ()) for sql in (_TABLE, *INDEXES)])
        yield database


def _numbered(sql: str) -> str:
    numbers = count(1)
    return "".join(f"${next(numbers)}" if letter == "?" else letter for letter in sql)

"""The SQL database of the conversations: SQLite in DATA_DIR, or PostgreSQL. Errors translated."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

import asyncpg
from filelock import FileLock
from pydantic import SecretStr
from sqlalchemy import BigInteger, Dialect, LargeBinary, MetaData, event, func, literal, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeDecorator

from memory.completion import finish
from memory.errors import StoreUnavailable
from memory.ownership import private_folder
from settings import Settings

T = TypeVar("T")

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CONNECT_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 10.0


class Utf8(TypeDecorator[str]):
    """Text kept as bytes: compared exactly under any collation, and able to hold a NUL or half
    a surrogate pair, which models do send and PostgreSQL's text refuses."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else value.encode(errors="surrogatepass")

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else value.decode(errors="surrogatepass")


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


class Database:
    """An engine whose failures are `StoreUnavailable`, without the address's password."""

    def __init__(self, engine: AsyncEngine, address: str) -> None:
        self._engine = engine
        self._address = address

    @property
    def is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    async def take_turn(self, connection: AsyncConnection, key: str) -> None:
        """Keep others with the same key waiting until the transaction of `connection` ends.

        Where there is but one writer at a time, as in SQLite, there is nothing to do.
        """
        if not self.is_sqlite:
            number = int.from_bytes(sha256(key.encode(errors="surrogatepass")).digest()[:8])
            turn = func.pg_advisory_xact_lock(literal(number - 2**63, BigInteger))
            await connection.execute(select(turn))

    async def run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What `work` returns, done in one transaction: committed, or rolled back on an error.

        Carried through when the caller is cancelled: a connection given up in the middle keeps
        its locks until the database loses patience. Raises `StoreUnavailable`.
        """
        return await finish(self._transaction(work))

    async def _transaction(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        try:
            async with self._engine.begin() as connection:
                return await work(connection)
        except (
            DBAPIError,
            PoolTimeout,
            OSError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
        ) as error:
            raise self._silent(error) from error

    def _silent(self, error: Exception) -> StoreUnavailable:
        # The driver's own error says more than what it is wrapped in, twice for PostgreSQL.
        cause = getattr(error, "orig", None) or error
        cause = cause.__cause__ or cause
        return StoreUnavailable(
            f"the database of the conversations, {self._address}, fails us ({type(cause).__name__})"
        )


@asynccontextmanager
async def open_database(settings: Settings, schema: MetaData) -> AsyncIterator[Database]:
    """The database of these settings, with the tables of `schema`, closed after the block.

    Raises `StoreUnavailable`.
    """
    if settings.database_url is None:
        engine, address = await asyncio.to_thread(_sqlite, settings.data_dir)
    else:
        engine, address = _postgresql(settings.database_url)
    database = Database(engine, address)
    try:
        async with _schema_turn(settings.data_dir) if database.is_sqlite else nullcontext():
            await _create(database, schema)
        yield database
    finally:
        await engine.dispose()


@asynccontextmanager
async def _schema_turn(data_dir: Path) -> AsyncIterator[None]:
    """One worker at a time: SQLite's change to WAL does not wait for other connections."""
    lock = FileLock(data_dir / ".conversations.lock", timeout=COMMAND_SECONDS, thread_local=False)
    try:
        await asyncio.to_thread(lock.acquire)
    except OSError as error:
        raise StoreUnavailable(f"cannot lock {lock.lock_file}: {error}") from error
    try:
        yield
    finally:
        await asyncio.to_thread(lock.release)


async def _create(database: Database, schema: MetaData) -> None:
    async def create(connection: AsyncConnection) -> None:
        # PostgreSQL's "if not exists" checks first and creates then: workers would collide.
        await database.take_turn(connection, "schema")
        for table in schema.sorted_tables:
            await connection.execute(CreateTable(table, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                await connection.execute(CreateIndex(index, if_not_exists=True))

    await database.run(create)


def _sqlite(data_dir: Path) -> tuple[AsyncEngine, str]:
    private_folder(data_dir)
    path = data_dir / "conversations.db"
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        connect_args={"timeout": COMMAND_SECONDS},
        pool_timeout=COMMAND_SECONDS,
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine, str(path)


def _prepare_sqlite(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    # In WAL mode a commit survives the death of the process at NORMAL already.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _postgresql(url: SecretStr) -> tuple[AsyncEngine, str]:
    dsn = "postgresql://" + url.get_secret_value().partition("://")[2]

    async def connect() -> asyncpg.Connection:
        # asyncpg reads the address itself: it knows sslmode and the rest of libpq's parameters.
        return await asyncpg.connect(dsn, timeout=CONNECT_SECONDS, command_timeout=COMMAND_SECONDS)

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_pre_ping=True,
        pool_timeout=COMMAND_SECONDS,
    )
    parts = urlsplit(dsn)
    return engine, f"{parts.hostname or 'localhost'}{parts.path} (DATABASE_URL)"

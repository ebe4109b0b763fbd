"""The last messages of each conversation, in SQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Self
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    Delete,
    Executable,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    delete,
    distinct,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from memory.database import Database, Instant, Utf8, open_database
from memory.errors import StoreUnavailable
from settings import Settings

log = structlog.get_logger(__name__)

PURGE_EVERY_SECONDS: Final = 3600.0

Role = Literal["user", "assistant"]

SCHEMA = MetaData()
MESSAGES = Table(
    "messages",
    SCHEMA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("cid", Utf8, nullable=False),
    Column("role", String(16), nullable=False),
    Column("content", Utf8, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("messages_by_cid", "cid", "id"),
    Index("messages_by_age", "created_at"),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. The time is in UTC."""

    role: Role
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is remembered of a conversation: how many messages, and when the last one came."""

    cid: str
    messages: int
    last_at: datetime


class Conversations:
    """All conversations. Open it with `Conversations.open`.

    Every verb raises `StoreUnavailable` when the database does not answer.
    """

    def __init__(self, database: Database, kept: int, retention: timedelta) -> None:
        self._database = database
        self._kept = kept
        self._retention = retention
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, *, purged_every: float = PURGE_EVERY_SECONDS
    ) -> AsyncIterator[Self]:
        """The conversations of these settings, expired ones purged, closed after the block."""
        retention = timedelta(days=settings.message_retention_days)
        async with open_database(settings, SCHEMA) as database:
            conversations = cls(database, settings.max_conversation_messages, retention)
            await conversations.purge()
            # Apart from the appends: one that has committed must not fail, or wait, for this.
            purging = asyncio.create_task(conversations._purge(purged_every))
            try:
                yield conversations
            finally:
                purging.cancel()
                await asyncio.wait([purging])

    async def messages(self, cid: str) -> list[Message]:
        """The last messages that are neither too many nor too old, oldest first."""
        query = (
            select(MESSAGES.c.role, MESSAGES.c.content, MESSAGES.c.created_at)
            .where(MESSAGES.c.cid == cid, MESSAGES.c.created_at >= self._cutoff())
            .order_by(MESSAGES.c.id.desc())
            .limit(self._kept)
        )
        rows = await self._rows(query)
        return [Message(row.role, row.content, row.created_at) for row in reversed(rows)]

    async def append(self, cid: str, *messages: tuple[Role, str]) -> None:
        """Remember messages, given as (role, content), in this order: all or none.

        What exceeds the limit is forgotten in the same transaction.
        """
        now = datetime.now(UTC)
        rows = [
            {"cid": cid, "role": role, "content": content, "created_at": now}
            for role, content in messages[-self._kept :]
        ]
        if not rows or not self._kept:
            return

        async def write(connection: AsyncConnection) -> None:
            await self._database.take_turn(connection, f"append {cid}")
            await connection.execute(insert(MESSAGES), rows)
            await connection.execute(self._beyond_limit(cid))

        async with self._turn(cid):
            await self._database.run(write)

    async def list(self, *, limit: int, offset: int) -> "tuple[list[Conversation], int]":
        """`limit` conversations from `offset` on, that with the newest message first; and how
        many there are in all."""
        count, last = func.count(), func.max(MESSAGES.c.created_at, type_=Instant)
        query = (
            select(MESSAGES.c.cid, count.label("messages"), last.label("last_at"))
            .where(MESSAGES.c.created_at >= self._cutoff())
            .group_by(MESSAGES.c.cid)
            .order_by(func.max(MESSAGES.c.id).desc())
            .limit(limit)
            .offset(offset)
        )
        rows = await self._rows(query)
        items = [Conversation(row.cid, min(row.messages, self._kept), row.last_at) for row in rows]
        return items, await self.count()

    async def erase(self, cid: str) -> int:
        """Forget a conversation; returns how many messages that were."""
        async with self._turn(cid):
            erased = await self._delete(delete(MESSAGES).where(MESSAGES.c.cid == cid))
        if self._database.is_sqlite:
            # Deleted rows are overwritten in the file; its journal has them until emptied.
            await self._rows(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        return erased

    async def purge(self) -> int:
        """Forget the messages that are too old; returns how many that were.

        Done at the opening, and once an hour.
        """
        expired = select(MESSAGES.c.id).where(MESSAGES.c.created_at < self._cutoff())
        # A row that another worker is deleting is skipped, so that no two wait for each other.
        unlocked = expired.with_for_update(skip_locked=True)
        return await self._delete(delete(MESSAGES).where(MESSAGES.c.id.in_(unlocked)))

    async def count(self) -> int:
        """How many conversations are remembered."""
        query = select(func.count(distinct(MESSAGES.c.cid))).where(
            MESSAGES.c.created_at >= self._cutoff()
        )
        [(count,)] = await self._rows(query)
        return int(count)

    async def ping(self) -> None:
        """Raises `StoreUnavailable` if the database does not answer."""
        await self._rows(select(1))

    async def _rows(self, query: Executable) -> Sequence[Row[Any]]:
        async def read(connection: AsyncConnection) -> Sequence[Row[Any]]:
            return (await connection.execute(query)).all()

        return await self._database.run(read)

    async def _delete(self, statement: Delete) -> int:
        async def change(connection: AsyncConnection) -> int:
            return (await connection.execute(statement)).rowcount

        return await self._database.run(change)

    async def _purge(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await self.purge()
            except StoreUnavailable as error:
                log.warning("expired messages not purged; tried again", reason=str(error))

    def _turn(self, cid: str) -> asyncio.Lock:
        """Changes of one conversation are made in the order in which they were asked for: one
        that is late, and that nobody waits for any more, does not come after an erasure."""
        return self._turns.setdefault(cid, asyncio.Lock())

    def _cutoff(self) -> datetime:
        return datetime.now(UTC) - self._retention

    def _beyond_limit(self, cid: str) -> Delete:
        of_cid = MESSAGES.c.cid == cid
        newest_beyond = (
            select(MESSAGES.c.id)
            .where(of_cid)
            .order_by(MESSAGES.c.id.desc())
            .offset(self._kept)
            .limit(1)
            .scalar_subquery()
        )
        return delete(MESSAGES).where(of_cid, MESSAGES.c.id <= newest_beyond)

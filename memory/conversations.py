"""The last messages of each conversation, in SQL."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import structlog

from memory.breaker import CircuitBreaker
from memory.census import Census
from memory.database import Database, Statement, open_database
from memory.errors import StoreUnavailable
from memory.recent import Message, RecentMessages, Role
from settings import Settings

log = structlog.get_logger(__name__)

PURGE_EVERY_SECONDS: Final = 3600.0
PURGED_TOGETHER: Final = 1_000
MOST_WAITING: Final = 64_000_000
"""Characters of the messages that wait to be written, at most."""
Counts = list[int]
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_LAST: Final = (
    "SELECT role, content, created_at FROM messages WHERE cid = ? AND created_at >= ? "
    "ORDER BY id DESC LIMIT ?"
)
_LIST: Final = (
    "SELECT cid, count(*), max(created_at) FROM messages WHERE created_at >= ? "
    "GROUP BY cid ORDER BY max(id) DESC LIMIT ? OFFSET ?"
)
_CIDS: Final = (
    "SELECT DISTINCT cid FROM messages WHERE cid > ? AND created_at >= ? ORDER BY cid LIMIT ?"
)
_COUNT: Final = "SELECT count(DISTINCT cid) FROM messages WHERE created_at >= ?"
_INSERT: Final = "INSERT INTO messages (cid, role, content, created_at) VALUES "
_TRIM: Final = (
    "DELETE FROM messages WHERE cid = ? AND id <= (SELECT id FROM messages WHERE cid = ? "
    "ORDER BY id DESC LIMIT 1 OFFSET ?)"
)
_ERASE: Final = "DELETE FROM messages WHERE cid = ?"
_PURGE: Final = (
    "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE created_at < ? LIMIT ? {})"
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is remembered of a conversation: how many messages, and when the last one came."""

    cid: str
    messages: int
    last_at: datetime


class Conversations:
    """All conversations. Open it with `Conversations.open`.

    Every verb raises `StoreUnavailable` when the database does not answer. `on_loss` is called
    for each append that was not made.
    """

    def __init__(
        self,
        database: Database,
        kept: int,
        retention: timedelta,
        recent: RecentMessages,
        census: Census,
    ) -> None:
        self.on_loss: Callable[[], None] = lambda: None
        self._database = database
        self._kept = kept
        self._retention = retention
        self._recent = recent
        self._census = census
        self._breaker = CircuitBreaker()
        self._waiting = 0
        self._changing: dict[str, asyncio.Future[Counts]] = {}
        self._reading: dict[str, object] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, *, purged_every: float = PURGE_EVERY_SECONDS
    ) -> AsyncIterator[Self]:
        """The conversations of these settings, expired ones purged, closed after the block."""
        retention = timedelta(days=settings.message_retention_days)
        # Who has the embedded playbook is the only one on this DATA_DIR.
        alone = settings.database_url is None and settings.chroma_url is None
        recent = RecentMessages() if alone else RecentMessages(0)
        async with open_database(settings) as database:
            census = Census(settings.data_dir, "conversations")
            kept = settings.max_conversation_messages
            conversations = cls(database, kept, retention, recent, census)
            purged = await conversations.purge()
            await census.note(empty=not purged and not await conversations._counted())
            # Apart from the appends: one that has committed must not fail, or wait, for this.
            purging = asyncio.create_task(conversations._purge(purged_every))
            try:
                yield conversations
            finally:
                purging.cancel()
                await asyncio.wait([purging])

    async def messages(self, cid: str) -> Sequence[Message]:
        """The last messages that are neither too many nor too old, oldest first.

        Those whose append has begun are among them.
        """
        if (known := self._recent.get(cid)) is not None:
            cutoff = datetime.now(UTC) - self._retention
            return [message for message in known if message.created_at >= cutoff]
        if cid in self._changing:
            await asyncio.wait([self._changing[cid]])
        mark = self._reading[cid] = object()
        try:
            messages = await self._stored(cid)
            if self._reading.get(cid) is mark:
                self._recent.put(cid, tuple(messages))
        finally:
            if self._reading.get(cid) is mark:
                del self._reading[cid]
        return messages

    async def append(self, cid: str, *messages: tuple[Role, str]) -> None:
        """Remember messages, given as (role, content), in this order: all or none.

        What exceeds the limit is forgotten in the same transaction. Returns once it is committed.
        Raises `StoreUnavailable` also at once, while most appends fail or too much waits.
        """
        now = datetime.now(UTC)
        new = tuple(Message(role, content, now) for role, content in messages[-self._kept :])
        if not new or not self._kept:
            return
        size = sum(len(message.content) for message in new)
        self._waiting += size
        try:
            await self._appended(cid, new)
        except StoreUnavailable:
            self.on_loss()
            raise
        finally:
            self._waiting -= size

    async def _appended(self, cid: str, new: tuple[Message, ...]) -> None:
        if self._waiting > MOST_WAITING:
            raise StoreUnavailable("too many messages wait to be written")
        if not self._breaker.allow():
            raise StoreUnavailable("messages could not be written lately; tried again in a while")
        known = self._recent.get(cid)
        after = None if known is None else (*known, *new)[-self._kept :]
        try:
            trim: Statement = (_TRIM, (_bytes(cid), _bytes(cid), self._kept))
            await self._change(cid, [_insert(cid, new), trim], after)
        except StoreUnavailable:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        await self._census.note(empty=False)

    async def list(self, *, limit: int, offset: int) -> "tuple[list[Conversation], int]":
        """`limit` conversations from `offset` on, that with the newest message first; and how
        many there are in all."""
        rows = await self._database.read(_LIST, self._cutoff(), limit, offset)
        items = [
            Conversation(_text(cid), min(count, self._kept), _time(last))
            for cid, count, last in rows
        ]
        return items, await self.count()

    async def erase(self, cid: str) -> int:
        """Forget a conversation; returns how many messages that were."""
        statements = [(_ERASE, (_bytes(cid),))]
        [erased] = await self._change(cid, statements, (), scrubbed=True)
        return erased

    async def exports(self) -> AsyncIterator[tuple[str, Sequence[Message]]]:
        """Every conversation with its messages, each as of one moment."""
        last: bytes | None = b""
        while last is not None:
            rows = await self._database.read(_CIDS, last, self._cutoff(), PURGED_TOGETHER)
            for (cid,) in rows:
                if messages := await self._stored(_text(cid)):
                    yield _text(cid), messages
            last = bytes(rows[-1][0]) if rows else None

    async def restore(self, cid: str, messages: Sequence[Message]) -> bool:
        """Put messages back; returns whether that was done. A conversation of which anything is
        remembered is left as it is: that is newer."""
        if not (self._kept and messages) or await self._stored(cid):
            return False
        await self._change(cid, [_insert(cid, messages[-self._kept :])], None)
        self._recent.drop(cid)
        return True

    async def purge(self) -> int:
        """Forget the messages that are too old; returns how many that were.

        Done at the opening, and once an hour.
        """
        # A row that another worker is deleting is skipped, so that no two wait for each other.
        sql = _PURGE.format(self._database.skips_locked)
        purged = 0
        while True:
            [some] = await self._database.change("", [(sql, (self._cutoff(), PURGED_TOGETHER))])
            purged += some
            if some < PURGED_TOGETHER:
                return purged

    async def count(self) -> int:
        """How many conversations are remembered."""
        count = await self._counted()
        await self._census.note(empty=not count)
        return count

    async def _counted(self) -> int:
        [(count,)] = await self._database.read(_COUNT, self._cutoff())
        return int(count)

    async def _stored(self, cid: str) -> Sequence[Message]:
        rows = await self._database.read(_LAST, _bytes(cid), self._cutoff(), self._kept)
        return [Message(role, _text(content), _time(at)) for role, content, at in rows[::-1]]

    async def _change(
        self,
        cid: str,
        statements: Sequence[Statement],
        after: tuple[Message, ...] | None,
        *,
        scrubbed: bool = False,
    ) -> Counts:
        """Make a change, after which `after` is known to be all of the conversation."""
        if after is not None:
            self._recent.put(cid, after)
        self._reading.pop(cid, None)
        change = asyncio.ensure_future(self._database.change(cid, statements, scrubbed=scrubbed))
        self._changing[cid] = change
        change.add_done_callback(lambda done: self._changed(cid, done))
        return await asyncio.shield(change)

    def _changed(self, cid: str, change: "asyncio.Future[Counts]") -> None:
        if self._changing.get(cid) is change:
            del self._changing[cid]
        if change.cancelled() or change.exception():
            self._recent.drop(cid)

    async def _purge(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await self.purge()
            except StoreUnavailable as error:
                log.warning("expired messages not purged; tried again", reason=str(error))

    def _cutoff(self) -> int:
        return _microseconds(datetime.now(UTC) - self._retention)


def _insert(cid: str, messages: Sequence[Message]) -> Statement:
    values: list[object] = []
    for each in messages:
        values += _bytes(cid), each.role, _bytes(each.content), _microseconds(each.created_at)
    return _INSERT + ", ".join(["(?, ?, ?, ?)"] * len(messages)), values


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _text(stored: bytes) -> str:
    return stored.decode(errors="surrogatepass")


def _microseconds(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


def _time(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)

"""What conversations promise, on SQLite and on PostgreSQL alike."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from memory import Conversation, Conversations, Message, StoreUnavailable
from settings import Settings
from stores import PASSWORD
from support import free_port, make_settings

DAY = 24 * 60 * 60


@pytest.fixture(params=["sqlite", "postgresql"])
def database_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "sqlite":
        return make_settings(tmp_path, max_conversation_messages=4)
    url = request.getfixturevalue("database_url")
    return make_settings(tmp_path, max_conversation_messages=4, database_url=url)


@pytest.fixture
async def conversations(database_settings: Settings) -> AsyncIterator[Conversations]:
    async with Conversations.open(database_settings) as opened:
        yield opened


def said(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in messages]


async def test_messages_come_back_in_order(conversations: Conversations) -> None:
    before = datetime.now(UTC)
    await conversations.append("a", ("user", "Hello"), ("assistant", "Good morning"))
    await conversations.append("a", ("user", "Goodbye"))
    messages = await conversations.messages("a")
    assert said(messages) == [
        ("user", "Hello"),
        ("assistant", "Good morning"),
        ("user", "Goodbye"),
    ]
    assert all(before <= message.created_at <= datetime.now(UTC) for message in messages)
    assert await conversations.messages("b") == []


async def test_only_the_last_messages_are_kept(
    conversations: Conversations, database_settings: Settings
) -> None:
    for number in range(7):
        await conversations.append("a", ("user", str(number)))
    await conversations.append("b", *(("user", str(number)) for number in range(6)))
    assert [text for _, text in said(await conversations.messages("a"))] == ["3", "4", "5", "6"]
    assert [text for _, text in said(await conversations.messages("b"))] == ["2", "3", "4", "5"]
    roomy = database_settings.model_copy(update={"max_conversation_messages": 100})
    async with Conversations.open(roomy) as reopened:
        assert len(await reopened.messages("a")) == 4
        assert len(await reopened.messages("b")) == 4


async def test_a_limit_of_none_stores_nothing(database_settings: Settings) -> None:
    forgetful = database_settings.model_copy(update={"max_conversation_messages": 0})
    async with Conversations.open(forgetful) as conversations:
        await conversations.append("a", ("user", "Hello"))
        assert await conversations.messages("a") == []
        assert await conversations.count() == 0


async def test_conversations_are_told_apart_exactly(conversations: Conversations) -> None:
    names = ["a", "A", "a ", " a", "á", "a\u0301", "a%", "a_", "a\x00", "a\x00b", "日", "'; --", ""]
    for name in names:
        await conversations.append(name, ("user", f"of {name!r}"))
    for name in names:
        assert said(await conversations.messages(name)) == [("user", f"of {name!r}")]
    assert await conversations.erase("a") == 1
    assert await conversations.count() == len(names) - 1


@pytest.mark.parametrize("text", ["", "\x00", "half \ud83d", "👩‍👩‍👧 日本語", "x" * 300_000])
async def test_any_text_survives(conversations: Conversations, text: str) -> None:
    await conversations.append("a", ("assistant", text))
    assert said(await conversations.messages("a")) == [("assistant", text)]


async def test_everything_survives_a_restart(database_settings: Settings) -> None:
    async with Conversations.open(database_settings) as conversations:
        await conversations.append("a", ("user", "Hello"))
        before = await conversations.messages("a")
    async with Conversations.open(database_settings) as conversations:
        assert await conversations.messages("a") == before
        await conversations.count()


async def test_the_list_begins_with_the_newest(conversations: Conversations) -> None:
    for cid in ("a", "b", "c", "a"):
        await conversations.append(cid, ("user", "Hello"))
    items, total = await conversations.list(limit=2, offset=0)
    rest, _ = await conversations.list(limit=2, offset=2)
    assert total == await conversations.count() == 3
    assert [(item.cid, item.messages) for item in [*items, *rest]] == [("a", 2), ("c", 1), ("b", 1)]
    last = (await conversations.messages("c"))[-1]
    assert items[1] == Conversation("c", 1, last.created_at)
    assert await conversations.list(limit=2, offset=3) == ([], 3)


async def test_erasure_leaves_nothing(conversations: Conversations) -> None:
    await conversations.append("a", ("user", "Hello"), ("assistant", "Good morning"))
    assert await conversations.erase("a") == 2
    assert await conversations.erase("a") == 0
    assert await conversations.messages("a") == []
    assert await conversations.list(limit=10, offset=0) == ([], 0)


async def test_erasure_overwrites_the_words_on_disk(settings: Settings) -> None:
    async with Conversations.open(settings) as conversations:
        await conversations.append("a", ("user", "unmistakable"))
        await conversations.append("b", ("user", "another"))
        assert b"unmistakable" in await asyncio.to_thread(_bytes, settings.data_dir)
        await conversations.erase("a")
        assert b"unmistakable" not in await asyncio.to_thread(_bytes, settings.data_dir)
        assert len(await conversations.messages("b")) == 1


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_messages_expire(database_settings: Settings) -> None:
    async with Conversations.open(database_settings) as conversations:
        await conversations.append("a", ("user", "Hello"))
    short = database_settings.model_copy(update={"message_retention_days": 0.5 / DAY})
    async with Conversations.open(short) as conversations:
        await conversations.append("b", ("user", "Hello"))
        await asyncio.sleep(0.6)
        assert await conversations.messages("b") == []
        assert await conversations.list(limit=10, offset=0) == ([], 0)
        assert await conversations.purge() >= 1
        assert await conversations.purge() == 0
    async with Conversations.open(database_settings) as conversations:
        assert await conversations.count() == 0


async def test_opening_purges_what_has_expired(database_settings: Settings) -> None:
    async with Conversations.open(database_settings) as conversations:
        await conversations.append("a", ("user", "Hello"))
    await asyncio.sleep(0.1)
    short = database_settings.model_copy(update={"message_retention_days": 0.05 / DAY})
    async with Conversations.open(short):
        pass
    async with Conversations.open(database_settings) as conversations:
        assert await conversations.messages("a") == []


async def test_what_has_expired_is_purged_while_nobody_writes(
    settings: Settings, tmp_path: Path
) -> None:
    short = settings.model_copy(update={"message_retention_days": 0.05 / DAY})
    async with Conversations.open(short, purged_every=0.02) as conversations:
        await conversations.append("a", ("user", "Hello"))
        async with asyncio.timeout(10):
            while await asyncio.to_thread(_rows_in, tmp_path / "conversations.db"):
                continue


def _rows_in(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        [count] = connection.execute("SELECT count(*) FROM messages").fetchone()
    return int(count)


async def test_a_purge_that_fails_is_tried_again(database_url: str, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, database_url=database_url, message_retention_days=0.05 / DAY)
    rival = await asyncpg.connect(database_url)
    async with Conversations.open(settings, purged_every=0.02) as conversations:
        await rival.execute("ALTER TABLE messages RENAME TO elsewhere")
        with pytest.raises(StoreUnavailable, match="UndefinedTableError"):
            await conversations.append("a", ("user", "Hello"))
        await asyncio.sleep(0.2)
        await rival.execute("ALTER TABLE elsewhere RENAME TO messages")
        await conversations.append("a", ("user", "Hello"))
        async with asyncio.timeout(10):
            while await rival.fetchval("SELECT count(*) FROM messages"):
                continue
    await rival.close()


async def test_changes_of_a_conversation_keep_their_order(conversations: Conversations) -> None:
    appending = [
        asyncio.create_task(conversations.append("a", ("user", str(number)))) for number in range(4)
    ]
    erasing = asyncio.create_task(conversations.erase("a"))
    await asyncio.gather(*appending, erasing)
    assert erasing.result() == 4
    assert await conversations.messages("a") == []


async def test_workers_may_start_and_write_at_once(database_settings: Settings) -> None:
    # Who shares the files shares a Chroma server; who does not has them alone.
    shared = database_settings.model_copy(update={"chroma_url": "http://127.0.0.1:1"})
    async with AsyncExitStack() as stack:
        opening = (stack.enter_async_context(Conversations.open(shared)) for _ in range(5))
        workers = await asyncio.gather(*opening)
        await asyncio.gather(
            *(
                worker.append("a", ("user", str(number)), ("assistant", str(number)))
                for number, worker in enumerate(workers * 4)
            )
        )
        messages = said(await workers[0].messages("a"))
        assert [role for role, _ in messages] == ["user", "assistant"] * 2
        assert messages[0][1] == messages[1][1]
        assert messages[2][1] == messages[3][1]


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 4, 8])
async def test_a_cancelled_append_is_all_or_nothing(
    conversations: Conversations, milliseconds: int
) -> None:
    appending = asyncio.create_task(
        conversations.append("a", ("user", "one"), ("assistant", "two"))
    )
    await asyncio.sleep(milliseconds / 1000)
    appending.cancel()
    await asyncio.wait([appending])
    left = said(await conversations.messages("a"))
    assert left in ([], [("user", "one"), ("assistant", "two")])
    await conversations.append("a", ("user", "the database is free"))
    assert said(await conversations.messages("a")) == [*left, ("user", "the database is free")]


async def test_both_spellings_of_the_address_are_read(database_url: str, tmp_path: Path) -> None:
    rest = database_url.removeprefix("postgresql")
    for scheme in ("postgres", "postgresql", "postgresql+asyncpg"):
        settings = make_settings(tmp_path, database_url=f"{scheme}{rest}?sslmode=prefer")
        async with Conversations.open(settings) as conversations:
            await conversations.append("a", ("user", scheme))
            assert said(await conversations.messages("a"))[-1] == ("user", scheme)


async def test_a_database_that_refuses_is_named_without_its_password(
    postgres_server: str, tmp_path: Path
) -> None:
    wrong = postgres_server.replace(PASSWORD, "a-wrong-secret")
    absent = f"postgresql://miner:a-wrong-secret@127.0.0.1:{free_port()}"
    missing = f"{postgres_server}/nowhere"
    for url in (f"{wrong}/postgres", f"{absent}/postgres", missing, f"{missing}?sslmode=bad"):
        with pytest.raises(StoreUnavailable, match="DATABASE_URL") as caught:
            async with Conversations.open(make_settings(tmp_path, database_url=url)):
                pass
        assert "secret" not in str(caught.value)


async def test_a_lost_connection_is_reported_and_replaced(
    database_url: str, tmp_path: Path
) -> None:
    settings = make_settings(tmp_path, database_url=database_url)
    async with Conversations.open(settings) as conversations:
        await conversations.append("a", ("user", "Hello"))
        rival = await asyncpg.connect(database_url)
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
        await rival.execute(
            f"{ended.replace('$1', 'current_database()')} AND pid <> pg_backend_pid()"
        )
        await rival.close()
        assert said(await conversations.messages("a")) == [("user", "Hello")]


async def test_what_this_process_wrote_is_what_stands_in_the_files(settings: Settings) -> None:
    """Messages are not read back from the disk; it must make no difference."""
    limited = settings.model_copy(update={"max_conversation_messages": 4})
    async with Conversations.open(limited) as conversations:
        assert await conversations.messages("a") == []
        for number in range(3):
            await conversations.append("a", ("user", str(number)), ("assistant", f"{number}!"))
        known = await conversations.messages("a")
        assert said(known) == [
            ("user", "1"),
            ("assistant", "1!"),
            ("user", "2"),
            ("assistant", "2!"),
        ]
    async with Conversations.open(limited) as conversations:
        assert await conversations.messages("a") == known
        await conversations.append("a", ("user", "3"))
        known = [*known[1:], *(await conversations.messages("a"))[-1:]]
        assert await conversations.messages("a") == known
        await conversations.erase("a")
        assert await conversations.messages("a") == []


async def test_a_message_is_read_as_soon_as_its_append_has_begun(
    conversations: Conversations,
) -> None:
    appending = asyncio.create_task(conversations.append("a", ("user", "Hello")))
    await asyncio.sleep(0)
    assert said(await conversations.messages("a")) == [("user", "Hello")]
    await appending


async def test_many_appends_are_all_kept_each_in_its_conversation(
    conversations: Conversations,
) -> None:
    async def caller(name: str) -> None:
        for number in range(10):
            await conversations.append(name, ("user", f"{name} {number}"))

    await asyncio.gather(*(caller(f"caller-{number}") for number in range(32)))
    for number in range(32):
        name = f"caller-{number}"
        expected = [("user", f"{name} {each}") for each in range(6, 10)]
        assert said(await conversations.messages(name)) == expected


async def test_an_append_that_fails_is_counted_and_not_read(settings: Settings) -> None:
    lost: list[None] = []
    async with Conversations.open(settings) as conversations:
        conversations.on_loss = lambda: lost.append(None)
        await conversations.append("a", ("user", "kept"))
        assert said(await conversations.messages("a")) == [("user", "kept")]
        await asyncio.to_thread(_execute, settings.data_dir, "ALTER TABLE messages RENAME TO other")
        with pytest.raises(StoreUnavailable):
            await conversations.append("a", ("user", "lost"))
        await asyncio.to_thread(_execute, settings.data_dir, "ALTER TABLE other RENAME TO messages")
        assert len(lost) == 1
        assert said(await conversations.messages("a")) == [("user", "kept")]
        await conversations.append("a", ("user", "kept again"))
        assert len(await conversations.messages("a")) == 2


def _execute(folder: Path, sql: str) -> None:
    with closing(sqlite3.connect(folder / "conversations.db")) as connection:
        connection.execute(sql)


async def test_a_store_that_keeps_failing_is_left_alone_for_a_while(settings: Settings) -> None:
    async with Conversations.open(settings) as conversations:
        await asyncio.to_thread(_execute, settings.data_dir, "ALTER TABLE messages RENAME TO other")
        for _ in range(5):
            with pytest.raises(StoreUnavailable, match="SQLITE_ERROR"):
                await conversations.append("a", ("user", "lost"))
        with pytest.raises(StoreUnavailable, match="lately"):
            await conversations.append("a", ("user", "lost"))


@pytest.fixture
def unusable(tmp_path: Path) -> Settings:
    (tmp_path / "conversations.db").mkdir()
    return make_settings(tmp_path)


async def test_an_unusable_folder_is_named(unusable: Settings) -> None:
    with pytest.raises(StoreUnavailable, match=str(unusable.data_dir)):
        async with Conversations.open(unusable):
            pass

"""More than one process: one owner of a folder, turns on a server, and sudden death."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from child import COUNTS, USER
from children import child, line

from memory import (
    Playbook,
    PlaybookFull,
    StoreLocked,
    StoreUnavailable,
    TurnTimeout,
    playbook_folder,
    sole_owner,
)
from memory.turns import Turns, open_turns
from settings import Settings
from stores import chroma
from support import free_port, make_settings


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    kills = (1, 20)
    for entries in kills:
        with child("add_forever", tmp_path) as process:
            acknowledged += [line(process) for _ in range(entries)]
            process.kill()
            assert process.stdout
            acknowledged += process.stdout.read().split()
    kept = asyncio.run(_ids_with_histories(tmp_path))
    assert set(acknowledged) <= set(kept)
    # Each child may have died between a write and its acknowledgement.
    assert len(kept) <= len(acknowledged) + len(kills)


async def _ids_with_histories(folder: Path) -> list[str]:
    async with Playbook.open(make_settings(folder, max_playbook_nodes=1000)) as playbook:
        entries = await playbook.all(USER)
        for entry in entries:
            [version] = await playbook.history(USER, entry.node_id)
            assert version.evidence == "x" * 500
        return [entry.node_id for entry in entries]


async def test_a_second_process_is_told_that_the_folder_is_taken(settings: Settings) -> None:
    async with Playbook.open(settings):
        returned, complaint = await asyncio.to_thread(_try_to_own, settings.data_dir)
    assert returned == 1
    assert len(complaint.splitlines()) == 1
    assert str(settings.data_dir) in complaint
    assert "CHROMA_URL" in complaint


def _try_to_own(folder: Path) -> tuple[int, str]:
    with child("add_forever", folder) as process:
        _, complaint = process.communicate(timeout=60)
        return process.returncode, complaint


async def test_a_folder_has_one_owner_within_a_process(settings: Settings) -> None:
    async with Playbook.open(settings) as playbook:
        with pytest.raises(StoreLocked):
            async with Playbook.open(settings):
                pass
        await playbook.add("a", "the owner goes on", "topic")
    async with Playbook.open(settings) as playbook:
        assert len(await playbook.all("a")) == 1


def test_a_server_of_ours_can_own_the_folder(tmp_path: Path) -> None:
    with sole_owner(tmp_path), pytest.raises(StoreLocked), sole_owner(tmp_path):
        pass
    with sole_owner(tmp_path):
        pass


@pytest.fixture(params=["no folder", "no playbook folder", "damaged files"])
def unusable(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    match request.param:
        case "no folder":
            (tmp_path / "data").touch()
        case "no playbook folder":
            (tmp_path / "data").mkdir()
            playbook_folder(tmp_path / "data").touch()
        case "damaged files":
            playbook_folder(tmp_path / "data").mkdir(parents=True)
            (playbook_folder(tmp_path / "data") / "chroma.sqlite3").write_text("x" * 10_000)
    return make_settings(tmp_path / "data")


async def test_an_unusable_folder_is_named_and_left(unusable: Settings) -> None:
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="DATA_DIR"):
            async with Playbook.open(unusable):
                pass


@pytest.fixture(params=["a folder", "PostgreSQL"])
def shared(
    request: pytest.FixtureRequest, chroma_server: str, postgres_server: str, tmp_path: Path
) -> Settings:
    """Settings of processes that share a Chroma server, and what they exclude each other by."""
    database = f"{postgres_server}/postgres" if request.param == "PostgreSQL" else None
    return make_settings(tmp_path, chroma_url=chroma_server, database_url=database)


def _urls(settings: Settings) -> list[str]:
    database = settings.database_url
    return [str(settings.chroma_url), *([database.get_secret_value()] if database else [])]


def test_processes_that_share_a_server_write_in_turns(shared: Settings) -> None:
    asyncio.run(_start_counting(shared))
    arguments = ("count_up", shared.data_dir, *_urls(shared))
    with child(*arguments) as one, child(*arguments) as other:
        for process in (one, other):
            assert line(process) == "open"
        for process in (one, other):
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in (one, other):
            assert process.communicate(timeout=60)[0] == ""
            assert process.returncode == 0
    asyncio.run(_check_count(shared))


async def _start_counting(settings: Settings) -> None:
    async with Playbook.open(settings) as playbook:
        await playbook.erase(USER)
        await playbook.add(USER, "0", "topic")


async def _check_count(settings: Settings) -> None:
    async with Playbook.open(settings) as playbook:
        [entry] = await playbook.all(USER)
        assert (entry.content, entry.version) == (str(2 * COUNTS), 2 * COUNTS + 1)


def test_the_turn_of_a_dead_process_passes_on_to_one(shared: Settings) -> None:
    with child("die_in_turn", shared.data_dir, *_urls(shared)) as process:
        assert line(process) == "held"
        process.wait()
    asyncio.run(_contend(shared))


async def _contend(settings: Settings) -> None:
    """Several processes' worth of contenders, each with turns of its own, and one for all users."""
    inside, most = 0, 0

    async def contender(*, for_all: bool = False) -> None:
        nonlocal inside, most
        async with (
            open_turns(settings, shared=True) as turns,
            turns.hold_all() if for_all else turns.hold(USER),
        ):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.02)
            inside -= 1

    async with asyncio.timeout(60):
        await asyncio.gather(*(contender(for_all=number == 3) for number in range(6)))
    assert most == 1


async def test_a_turn_is_waited_for_until_the_deadline(shared: Settings) -> None:
    async with open_turns(shared, shared=True) as one, open_turns(shared, shared=True) as other:
        for rival in (one, other):
            async with one.hold(USER):
                with pytest.raises(TurnTimeout):
                    async with rival.hold(USER, time.monotonic() + 0.2):
                        pass
            async with rival.hold(USER, time.monotonic() + 5):
                pass


async def test_a_turn_that_loses_its_connection_changes_nothing_of_what_was_done(
    tmp_path: Path, database_url: str
) -> None:
    rival = await asyncpg.connect(database_url)
    others = "pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    settings = make_settings(tmp_path, database_url=database_url)
    async with open_turns(settings, shared=True) as turns:
        async with turns.hold(USER):
            await rival.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM {others}")
        with pytest.raises(PlaybookFull):
            await _lose_connection_and_fail(turns, rival, others)
        async with turns.hold(USER):
            pass
    await rival.close()


async def _lose_connection_and_fail(turns: Turns, rival: asyncpg.Connection, others: str) -> None:
    async with turns.hold(USER):
        await rival.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM {others}")
        raise PlaybookFull


async def test_an_absent_server_is_named_without_its_password(tmp_path: Path) -> None:
    port = free_port()
    absent = make_settings(tmp_path, chroma_url=f"http://user:password@127.0.0.1:{port}")
    with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}") as caught:
        async with Playbook.open(absent):
            pass
    assert "password" not in str(caught.value)


async def test_a_server_that_dies_is_reported(tmp_path: Path) -> None:
    async with AsyncExitStack() as server:
        url = await server.enter_async_context(chroma(tmp_path / "files"))
        settings = make_settings(tmp_path, chroma_url=url)
        async with Playbook.open(settings) as playbook:
            entry = await playbook.add("a", "Be brief", "style")
            await server.aclose()
            for failing in (playbook.count(), playbook.count(), playbook.all("a")):
                with pytest.raises(StoreUnavailable, match="CHROMA_URL"):
                    await failing
            with pytest.raises(StoreUnavailable):
                await playbook.add("a", "Be polite", "tone")
    async with AsyncExitStack() as server:
        url = await server.enter_async_context(chroma(tmp_path / "files"))
        async with Playbook.open(make_settings(tmp_path, chroma_url=url)) as playbook:
            assert await playbook.all("a") == [entry]


@pytest.mark.parametrize("reply", [b"<html>", b"{}", b"[]"])
async def test_another_kind_of_server_is_told_apart(tmp_path: Path, reply: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(reply)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + reply)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(StoreUnavailable, match="CHROMA_URL"):
            async with Playbook.open(
                make_settings(tmp_path, chroma_url=f"http://127.0.0.1:{port}")
            ):
                pass

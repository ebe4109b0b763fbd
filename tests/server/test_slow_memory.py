"""Stores that are slow or gone cost a run little, and never its answer."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from running_miner import COMPLETE, client_of, miner_settings, serving
from scripted import Hang, Scripted, until
from stores import running_chroma

NOT_REMEMBERED = "not remembered"
LATE = "not remembered yet"


@pytest.fixture(scope="module", autouse=True)
def _watch_for_blocking() -> None:
    """Not here: asyncpg looks for certificates in the home directory whenever it connects."""


@asynccontextmanager
async def miner(
    folder: Path, backend: Scripted, **settings: object
) -> AsyncIterator[httpx.AsyncClient]:
    backend.default("Paris")
    with serving(miner_settings(folder, backend, **settings)) as address:
        async with client_of(address) as client:
            yield client


@contextmanager
def write_locked(database: Path) -> Iterator[None]:
    """Somebody else writes to a SQLite file, and is not done."""
    rival = sqlite3.connect(database, isolation_level=None)
    rival.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        rival.execute("ROLLBACK")
        rival.close()


@contextmanager
def stopped(processes: list[int]) -> Iterator[None]:
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


async def answered(client: httpx.AsyncClient, fallback: str = "", **fields: object) -> None:
    """Ask; there is an answer, and it tells of `fallback`, if there was to be one."""
    response = await client.post("/complete", json={**COMPLETE, **fields})
    assert (response.status_code, response.json().get("response")) == (200, "Paris")
    told = response.headers.get("X-Miner-Fallback", "")
    assert fallback in told if fallback else not told


@asynccontextmanager
async def late(client: httpx.AsyncClient, database: Path) -> AsyncIterator[None]:
    """The database is locked, and an answer in the conversation `late` waits to be kept."""
    await answered(client)
    with write_locked(database):
        await answered(client, LATE, cid="late")
        yield


async def kept(client: httpx.AsyncClient, cid: str) -> list[str]:
    found = await client.get(f"/conversations/{cid}")
    return [message["content"] for message in found.json().get("messages", [])]


@pytest.mark.parametrize("seconds", [4, 25])
async def test_an_answer_does_not_wait_for_a_locked_database(
    tmp_path: Path, backend: Scripted, seconds: int
) -> None:
    async with miner(tmp_path, backend, deadline_seconds=seconds) as client:
        async with late(client, tmp_path / "conversations.db"):
            await asyncio.gather(
                *(answered(client, LATE, cid=f"other-{each}") for each in range(40))
            )
        # What waited is kept, all of it.
        for cid in ("late", *(f"other-{each}" for each in range(40))):
            assert len(await kept(client, cid)) == 2
        await answered(client, cid="after")
        assert await kept(client, "after")
        assert "playbook_miner_not_remembered_total 0.0" in (await client.get("/metrics")).text


async def test_a_place_is_free_as_soon_as_the_answer_is_there(
    tmp_path: Path, backend: Scripted
) -> None:
    async with miner(tmp_path, backend, max_concurrency=1) as client:
        await answered(client)
        with write_locked(tmp_path / "conversations.db"):
            asked = len(backend.requests)
            first = asyncio.create_task(answered(client, LATE, cid="first"))
            await until(lambda: len(backend.requests) > asked and not backend.in_flight)
            await asyncio.sleep(0.05)
            assert not first.done()
            await answered(client, LATE, cid="second")
            await first


async def test_what_is_late_does_not_come_back_after_an_erasure(
    tmp_path: Path, backend: Scripted
) -> None:
    async with miner(tmp_path, backend, deadline_seconds=4) as client:
        async with late(client, tmp_path / "conversations.db"):
            erasing = asyncio.create_task(client.delete("/conversations/late"))
            await asyncio.sleep(0.2)
        assert (await erasing).status_code == 200
        assert await kept(client, "late") == []


async def test_a_miner_closes_after_what_is_still_being_kept(
    tmp_path: Path, backend: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "conversations.db"
    async with miner(tmp_path, backend, deadline_seconds=4) as client, late(client, database):
        pass
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT content FROM messages WHERE cid = ?", [b"late"])
        assert [content for (content,) in rows][-1:] == [b"Paris"]
    assert "Task" not in capfd.readouterr().err


async def test_a_database_that_hangs_costs_little_and_is_left_to_rest(
    tmp_path: Path, backend: Scripted, database_url: str
) -> None:
    async with miner(tmp_path, backend, database_url=database_url, deadline_seconds=8) as client:
        await answered(client)
        both = f"no history, {NOT_REMEMBERED}"
        with stopped(await _processes_of(database_url)):
            await answered(client, both)
            await asyncio.gather(*(answered(client, both, cid=f"{each}") for each in range(20)))


async def _processes_of(database_url: str) -> list[int]:
    """The server's process, and those behind its connections but one's own."""
    connection = await asyncpg.connect(database_url)
    try:
        rows: list[Any] = await connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
    connected: list[int] = [row["pid"] for row in rows]
    return [await asyncio.to_thread(_parent, connected[0]), *connected]


def _parent(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


async def test_a_database_that_lost_its_tables_costs_no_answer(
    tmp_path: Path, backend: Scripted, database_url: str
) -> None:
    async with miner(tmp_path, backend, database_url=database_url) as client:
        await answered(client)
        rival = await asyncpg.connect(database_url)
        await rival.execute("DROP TABLE messages")
        await rival.close()
        await answered(client, f"no history, {NOT_REMEMBERED}")
        metrics = (await client.get("/metrics")).text
        assert "playbook_miner_not_remembered_total 1.0" in metrics
        refused = await client.get("/conversations")
        assert (refused.status_code, refused.json()["error"]) == (503, "memory_unavailable")
        assert "UndefinedTableError" in refused.json()["detail"]


async def test_a_chroma_server_that_hangs_costs_little(tmp_path: Path, backend: Scripted) -> None:
    with running_chroma(tmp_path / "chroma") as url:
        async with miner(tmp_path, backend, chroma_url=url, deadline_seconds=5) as client:
            await client.post("/playbook/c", json={"content": "Be brief"})
            await answered(client)
            assert "Be brief" in backend.requests[-1].prompt
            with stopped(_listening_on(url)):
                await answered(client, "no playbook")
                await asyncio.gather(
                    *(answered(client, "no playbook", cid=f"{each}") for each in range(20))
                )


def _listening_on(url: str) -> list[int]:
    """The processes whose command line has the port of `url`."""
    mark = b"\0--port\0" + url.rpartition(":")[2].encode() + b"\0"
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if mark in _command_line(path)]


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except FileNotFoundError:
        return b""  # it has ended meanwhile


async def test_a_recall_that_cannot_be_ranked_in_time_is_done_without(
    tmp_path: Path, backend: Scripted
) -> None:
    endpoint = {"embeddings": "openai", "embedding_base_url": backend.base_url}
    async with miner(
        tmp_path, backend, deadline_seconds=20, playbook_token_budget=50, **endpoint
    ) as client:
        for number in range(5):
            content = f"Preference {number} has more words than there is room for in the prompt"
            added = await client.post("/playbook/many", json={"content": content})
            assert added.status_code == 201, added.text
        await client.post("/playbook/one", json={"content": "Be brief"})
        backend.embeddings_reply = Hang()
        asked = len(backend.embedding_requests)
        # Never for one slow call alone; after five it is left alone for a while.
        await asyncio.gather(*(answered(client, "no playbook", cid="many") for _ in range(5)))
        for _ in range(3):
            await answered(client, "no playbook", cid="many")
        assert len(backend.embedding_requests) == asked + 5
        # Whose playbook fits needs no ranking.
        await answered(client, cid="one")
        assert "Be brief" in backend.requests[-1].prompt


async def test_a_feedback_that_is_late_and_fails_is_not_logged_by_asyncio(
    tmp_path: Path, backend: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    endpoint = {"embeddings": "openai", "embedding_base_url": backend.base_url}
    async with miner(tmp_path, backend, deadline_seconds=1.5, **endpoint) as client:
        backend.embeddings_reply = Hang()
        told = {"cid": "c", "human_feedback": "Answer in French."}
        response = await client.post("/human_feedback", json=told)
        assert response.status_code == 504
    assert "never retrieved" not in capfd.readouterr().err

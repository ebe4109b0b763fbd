"""Steady load leaves a miner as it was."""

import asyncio
import gc
import socket
import struct
from pathlib import Path

import httpx

from benchmarks.faulty_backend import faulty_backend
from benchmarks.miner_process import OPENED, running_miner
from benchmarks.soak import EVENTS, SAID, soak
from running_miner import COMPLETE, client_of
from scripted import Scripted, until
from server.protocol import Protocol

GROWTH = 1.08  # of memory from the second stretch on; a leak of 2 KiB a request is more
CALLERS = 8
# Pools that fill as they are needed, and the most that each of them holds.
POOLS = {OPENED: CALLERS, "chroma.sqlite3": 10}
PASSING = {"chroma.sqlite3-journal"}  # there while Chroma writes


async def test_memory_and_files_do_not_grow_under_load(tmp_path: Path) -> None:
    async with faulty_backend("plain") as (backend, _):
        running = running_miner(tmp_path, backend)
        miner = await asyncio.to_thread(running.__enter__)
        try:
            stretches = await soak(miner, 4, CALLERS, 100, minute=4.0)
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)
    _, second, _, last = stretches
    assert all(stretch.seconds and not stretch.failed for stretch in stretches)
    assert all(last.files[kind] <= most for kind, most in POOLS.items())
    assert not set(last.files - second.files) - {*POOLS, *PASSING}
    assert last.resident <= second.resident * GROWTH


async def test_no_task_outlives_its_request(
    client: httpx.AsyncClient, address: str, shared_backend: Scripted
) -> None:
    shared_backend.default("Paris")
    await client.post("/complete", json=COMPLETE)

    async def use(number: int) -> None:
        cid = f"task-{number}"
        async with client_of(address) as one:
            await one.post("/complete", json={**COMPLETE, "cid": cid})
            await one.post("/complete", json={**COMPLETE, "cid": cid}, headers=EVENTS)
            await one.post("/human_feedback", json={"cid": cid, "human_feedback": SAID})
            leaving = asyncio.create_task(one.post("/complete", json={**COMPLETE, "cid": cid}))
            await asyncio.sleep(0.005)
            leaving.cancel()

    await asyncio.gather(*map(use, range(3)))
    before = tasks()
    await asyncio.gather(*map(use, range(30)))
    await until(lambda: tasks() <= before)


async def test_nothing_is_kept_of_connections_that_were_reset(address: str) -> None:
    before = connections()
    for _ in range(20):
        await asyncio.to_thread(ask_and_reset, address)
    await until(lambda: connections() <= before)


def ask_and_reset(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: miner\r\n\r\n")
        assert connection.recv(4096)
        at_once = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)


def connections() -> int:
    gc.collect()
    return sum(isinstance(each, Protocol) for each in gc.get_objects())


def tasks() -> int:
    """How many tasks of any loop of this process have not ended."""
    return sum(isinstance(each, asyncio.Task) and not each.done() for each in gc.get_objects())

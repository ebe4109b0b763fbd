"""What remembering costs: the playbook's reads and writes, and the conversations under load.

`python -m benchmarks.memory [--entries 1000,10000,100000] [--callers 1,16,32]
[--messages 1000000] [--appends 4000] [--database-url postgresql://…]`

The playbook is filled to each size, 20 entries a user, and read and written by one caller; the
conversations, filled with so many messages, by each number of callers at once, every one of which
reads a conversation's last messages and then appends two, as a request does. Printed are
milliseconds, and the CPU of a request in all threads with the share of the event loop. Stores are
made in a temporary folder, or in the empty PostgreSQL database that is named.
"""

import argparse
import asyncio
import gc
import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, quantiles

from memory import Add, Conversations, Playbook, Replace
from nodes.llm.tokens import TokenCounter
from settings import Settings

ENTRIES_EACH = 20
MESSAGES_EACH = 10
READS, WRITES = 300, 60
ANSWER = "A paragraph such as a model writes it, of some length. " * 20
TASK = "What is the shortest way from the station to the harbour, on foot?"


async def _playbook(settings: Settings, size: int) -> None:
    tokens = TokenCounter()
    async with Playbook.open(settings) as playbook:
        users = [f"user-{number}" for number in range(max(1, size // ENTRIES_EACH))]
        started = time.monotonic()
        for user in users:
            await playbook.restore(user, _export(user))
        filled = time.monotonic() - started
        print(f"playbook, {size} entries (filled in {filled:.0f} s)")

        async def recall() -> None:
            await playbook.recall(
                random.choice(users), TASK, max_tokens=800, count_tokens=tokens.count
            )

        async def ranked() -> None:
            await playbook.recall(
                random.choice(users), TASK, max_tokens=60, count_tokens=tokens.count
            )

        async def add() -> None:
            await playbook.add(random.choice(users), "Give sources for figures", "content")

        async def three() -> None:
            async with playbook.writing(random.choice(users)) as writer:
                entries = await writer.all()
                await writer.apply(
                    [
                        Replace(entries[0].node_id, "Answer in Italian"),
                        Replace(entries[1].node_id, "Answer at length"),
                        Add("Use metric units", "content"),
                    ]
                )

        await _measure("recall, all fits", recall, READS)
        await _measure("recall, ranked", ranked, READS)
        await _measure("add one", add, WRITES)
        await _measure("three changes in a turn", three, WRITES)


def _export(user: str) -> dict[str, object]:
    now = datetime.now(UTC).isoformat()
    entries = [
        {
            "node_id": f"{number:032x}",
            "created_at": now,
            "versions": [
                {
                    "version": 1,
                    "content": f"Preference {number} of {user}: keep it under {number} lines",
                    "category": "format",
                    "evidence": "keep it short, as I said",
                    "at": now,
                }
            ],
        }
        for number in range(ENTRIES_EACH)
    ]
    return {"cid": user, "entries": entries}


async def _measure(what: str, call: Callable[[], Awaitable[None]], times: int) -> None:
    taken = []
    cpu = time.process_time()
    for _ in range(times):
        started = time.perf_counter()
        await call()
        taken.append(time.perf_counter() - started)
    _tell(what, taken, (time.process_time() - cpu) / times)


async def _conversations(settings: Settings, callers: list[int], appends: int) -> None:
    async with Conversations.open(settings) as conversations:
        started = time.perf_counter()
        count = await conversations.count()
        print(f"conversations: {count}, counted in {(time.perf_counter() - started) * 1000:.0f} ms")
        for number in callers:
            await _load(conversations, max(1, count), number, appends)


async def _load(conversations: Conversations, known: int, callers: int, appends: int) -> None:
    reads: list[float] = []
    writes: list[float] = []

    async def caller() -> None:
        for _ in range(appends // callers):
            cid = f"user-{random.randrange(2 * known)}"
            began = time.perf_counter()
            await conversations.messages(cid)
            read = time.perf_counter()
            await conversations.append(cid, ("user", TASK), ("assistant", ANSWER))
            reads.append(read - began)
            writes.append(time.perf_counter() - read)

    began, cpu, loop_cpu = time.perf_counter(), time.process_time(), time.thread_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    seconds = time.perf_counter() - began
    cpu, loop_cpu = time.process_time() - cpu, time.thread_time() - loop_cpu
    print(
        f"{callers} callers: {len(writes) / seconds:.0f} requests/s, CPU a request "
        f"{cpu / len(writes) * 1000:.2f} ms, of it on the event loop {loop_cpu / cpu:.0%}"
    )
    _tell("read", reads)
    _tell("append", writes)


def _tell(what: str, taken: list[float], cpu: float | None = None) -> None:
    hundredths = quantiles((second * 1000 for second in taken), n=100)
    p50, p95, p99 = (hundredths[at - 1] for at in (50, 95, 99))
    told = f"  {what:24} mean {mean(taken) * 1000:7.2f}  p50 {p50:7.2f}  p95 {p95:7.2f}"
    told += f"  p99 {p99:7.2f}  max {max(taken) * 1000:7.2f}"
    print(told + ("" if cpu is None else f"  CPU {cpu * 1000:.2f}"), flush=True)


def _fill(database: Path, messages: int) -> None:
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    with closing(sqlite3.connect(database)) as connection:
        connection.executemany(
            "INSERT INTO messages (cid, role, content, created_at) VALUES (?, ?, ?, ?)",
            _rows(messages, now),
        )
        connection.commit()


def _rows(messages: int, now: int) -> Iterator[tuple[bytes, str, bytes, int]]:
    for number in range(messages):
        role, text = (("user", TASK), ("assistant", ANSWER))[number % 2]
        yield f"user-{number // MESSAGES_EACH}".encode(), role, text.encode(), now


async def _run(options: argparse.Namespace) -> None:
    for size in options.entries:
        with tempfile.TemporaryDirectory(prefix="memory-") as folder:
            await _playbook(_settings(Path(folder)), size)
    with tempfile.TemporaryDirectory(prefix="memory-") as folder:
        settings = _settings(Path(folder), database_url=options.database_url)
        async with Conversations.open(settings):
            pass
        if options.database_url is None:
            _fill(Path(folder) / "conversations.db", options.messages)
        await _conversations(settings, options.callers, options.appends)


def _settings(folder: Path, **chosen: object) -> Settings:
    own = {"llm_provider": "local", "miner_api_key": "benchmark", "data_dir": folder}
    return Settings.load(None, **(own | chosen))


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--entries", type=_numbers, default=[1_000, 10_000, 100_000])
    parser.add_argument("--callers", type=_numbers, default=[1, 16, 32])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--appends", type=int, default=4_000)
    parser.add_argument("--database-url")
    return parser.parse_args()


if __name__ == "__main__":
    gc.collect()
    gc.freeze()  # as the server does
    asyncio.run(_run(_options()))

"""Whether a miner stays as it was: memory, open files and latency under steady load.

`python -m benchmarks.soak [--minutes 10] [--callers 32] [--users 2000]`

Callers send flat `/complete` requests of random users, and now and then `/human_feedback`, a read
of a playbook and a streamed request, to a miner whose backend answers at once. Printed for each
minute are requests, answers other than 200, seconds at the median and the 99th percentile, memory
and open files; at last memory against that after the first minute, the kinds of files that became
more or fewer, and the 99th percentile of the last minute against that of the first.

The miner keeps as many connections to its backend as were ever in use at once: at most one for
each caller, which may be reached late. Of everything else it has what it began with.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.faulty_backend import faulty_backend
from benchmarks.miner_process import KEY, MinerProcess, percentile, running_miner

MINUTE = 60.0
EVENTS = {"Accept": "text/event-stream"}
SAID = "I only want answers in French."


@dataclass
class Minute:
    """What one minute saw; memory in MB at its end."""

    seconds: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    resident: float = 0.0
    files: Counter[str] = field(default_factory=Counter)

    @property
    def p99(self) -> float:
        return percentile(self.seconds, 0.99)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--users", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        async with faulty_backend("plain") as (address, _):
            running = running_miner(Path(folder), address)
            miner = await asyncio.to_thread(running.__enter__)
            try:
                minutes = await soak(miner, options.minutes, options.callers, options.users)
            finally:
                await asyncio.to_thread(running.__exit__, None, None, None)
    first, last = minutes[0], minutes[-1]
    print(
        f"memory {last.resident / first.resident - 1:+.1%} since the first minute; p99 of the last "
        f"minute {last.p99 / first.p99:.2f} x the first\nfiles since the first minute: "
        f"{_changes(first.files, last.files)}"
    )


async def soak(
    miner: MinerProcess, minutes: int, callers: int, users: int, *, minute: float = MINUTE
) -> list[Minute]:
    """Load the miner for so many minutes of `minute` seconds, and look at it after each."""
    seen = [Minute()]
    headers = {"X-API-Key": KEY}
    limits = httpx.Limits(max_connections=callers)
    async with httpx.AsyncClient(
        base_url=miner.url, headers=headers, timeout=60, trust_env=False, limits=limits
    ) as client:
        tasks = [asyncio.create_task(_call(client, users, seen)) for _ in range(callers)]
        for number in range(minutes):
            await asyncio.sleep(minute)
            ended = seen[-1]
            ended.resident, ended.files = miner.resident, miner.open_files
            print(_row(number + 1, ended), flush=True)
            seen.append(Minute())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return seen[:-1]


async def _call(client: httpx.AsyncClient, users: int, seen: list[Minute]) -> None:
    chance = random.Random()
    while True:
        began = time.monotonic()
        status = await _one(client, f"user-{chance.randrange(users)}", chance.random())
        seen[-1].seconds.append(time.monotonic() - began)
        if status != "200":
            seen[-1].failed[status] += 1


async def _one(client: httpx.AsyncClient, cid: str, chance: float) -> str:
    body = {"cid": cid, "task": "Say hello", "input": "Please"}
    try:
        if chance < 0.02:
            said = {"cid": cid, "human_feedback": SAID}
            response = await client.post("/human_feedback", json=said)
        elif chance < 0.05:
            response = await client.get(f"/playbook/{cid}")
        elif chance < 0.1:
            response = await client.post("/complete", json=body, headers=EVENTS)
        else:
            response = await client.post("/complete", json=body)
    except httpx.HTTPError as error:
        return type(error).__name__
    return str(response.status_code)


def _row(number: int, minute: Minute) -> str:
    failed = ", ".join(f"{count} x {name}" for name, count in sorted(minute.failed.items()))
    return (
        f"minute {number}: {len(minute.seconds)} requests, p50 "
        f"{percentile(minute.seconds, 0.5):.3f} s, p99 {minute.p99:.3f} s, "
        f"{minute.resident:.0f} MB, {minute.files.total()} files; failed: {failed or 'none'}"
    )


def _changes(before: Counter[str], after: Counter[str]) -> str:
    changed = [name for name in sorted(before | after) if before[name] != after[name]]
    return ", ".join(f"{name} {before[name]} -> {after[name]}" for name in changed) or "the same"


if __name__ == "__main__":
    asyncio.run(main())

"""What an outage of a store that miners share costs their callers, and what it loses.

`python -m benchmarks.outage [chroma] [postgres] [redis] [--seconds 10] [--callers 8]`

Two miners share a Chroma server, a PostgreSQL database and a Redis, all started here. While callers
ask questions, add preferences and give feedback, each store is stopped and started again, and then
hangs and goes on. Printed of each outage are the answers by status, those answered without a part
of the memory, the slowest ones; how long after the store was back everything was well again, and
`/ready` said so; the lines that the miners logged; and how much of what was acknowledged is
missing. Ends with code 1 if any is.
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.faulty_backend import faulty_backend
from benchmarks.kill import NOT_REMEMBERED, QUESTIONS_EACH, Acknowledged, missing
from benchmarks.miner_process import KEY, MinerProcess, running_miner
from benchmarks.store_servers import StoreServer, store_servers
from benchmarks.storm import Seen

STORES = ("chroma", "postgres", "redis")
WAYS = ("stopped", "hanging")
LEAD_SECONDS = 1.0  # of work before the outage
WELL_SECONDS = 90.0  # after which a miner is given up
PAUSE = 0.05  # of each caller between two requests
WATCHED = 0.25  # between two looks at /health and /ready


@dataclass
class Outage:
    """What callers saw; `well` and `ready` in seconds after the store was back, or None.

    `logged` is how many lines the miners wrote.
    """

    seen: defaultdict[str, Seen] = field(default_factory=lambda: defaultdict(Seen))
    without: Counter[str] = field(default_factory=Counter)
    told: Acknowledged = field(default_factory=Acknowledged)
    missing: list[str] = field(default_factory=list)
    well: float | None = None
    ready: float | None = None
    logged: int = 0


class _Caller:
    """Sends requests to any of the miners, and notes what comes of them."""

    def __init__(
        self, client: httpx.AsyncClient, miners: Sequence[MinerProcess], outage: Outage
    ) -> None:
        self.client = client
        self.over = asyncio.Event()
        self._miners = miners
        self._outage = outage

    async def write(self, name: str) -> None:
        """Ask, prefer and give feedback until it is over."""
        number = 0
        while not self.over.is_set():
            cid = f"{name}-{number // QUESTIONS_EACH}"
            address = random.choice(self._miners).url
            await self.ask(address, cid, f"Question {number} of {name}")
            if number % QUESTIONS_EACH == 0:
                await self.prefer(address, cid, f"Preference {number} of {name}.")
                await self.correct(address, cid, f"I prefer answer {number} of {name}.")
            number += 1
            await asyncio.sleep(PAUSE)

    async def watch(self, miner: MinerProcess) -> None:
        while not self.over.is_set():
            await self._send("/health", "GET", f"{miner.url}/health")
            await self._send("/ready", "GET", f"{miner.url}/ready")
            await asyncio.sleep(WATCHED)

    async def ask(self, address: str, cid: str, task: str) -> bool:
        """Whether the answer is one with all of the memory."""
        sent = {"cid": cid, "task": task, "input": ""}
        answer = await self._send("/complete", "POST", f"{address}/complete", sent)
        if answer is None:
            return False
        fallbacks = answer.headers.get("X-Miner-Fallback", "")
        self._outage.without.update(filter(None, fallbacks.split(", ")))
        if NOT_REMEMBERED not in fallbacks:
            self._outage.told.questions.setdefault(cid, []).append(task)
        return not fallbacks

    async def prefer(self, address: str, cid: str, content: str) -> bool:
        sent = {"content": content}
        answer = await self._send("/playbook", "POST", f"{address}/playbook/{cid}", sent)
        if answer is not None:
            self._outage.told.preferences.setdefault(cid, []).append(content)
        return answer is not None

    async def correct(self, address: str, cid: str, said: str) -> bool:
        sent = {"cid": cid, "human_feedback": said}
        answer = await self._send("/human_feedback", "POST", f"{address}/human_feedback", sent)
        if answer is None:
            return False
        kept = [each["content"] for each in answer.json()["actions_applied"] if each["success"]]
        self._outage.told.preferences.setdefault(cid, []).extend(kept)
        return bool(kept)

    async def is_well(self, miner: MinerProcess) -> bool:
        name = f"well-{random.randrange(10**9)}"
        return (
            await self.ask(miner.url, name, "Is all well?")
            and await self.prefer(miner.url, name, "All is well.")
            and await self.correct(miner.url, name, "I am glad of that.")
        )

    async def is_ready(self, miner: MinerProcess) -> bool:
        return await self._send("/ready", "GET", f"{miner.url}/ready") is not None

    async def _send(
        self, kind: str, method: str, url: str, body: object = None
    ) -> httpx.Response | None:
        """The answer, where it is a success."""
        began = time.monotonic()
        try:
            answer = await self.client.request(method, url, json=body)
            status = str(answer.status_code)
        except httpx.HTTPError as error:
            answer, status = None, type(error).__name__
        self._outage.seen[kind].note(status, time.monotonic() - began)
        return answer if answer is not None and answer.is_success else None


async def suffered(
    stores: Sequence[StoreServer],
    way: str,
    miners: Sequence[MinerProcess],
    *,
    seconds: float,
    callers: int,
) -> Outage:
    """What comes of stores that are `stopped` or `hanging` at once for so long."""
    outage = Outage(logged=-_lines(miners))
    async with httpx.AsyncClient(headers={"X-API-Key": KEY}, trust_env=False, timeout=60) as client:
        caller = _Caller(client, miners, outage)
        name = "-".join([*(store.setting for store in stores), way])
        tasks = [asyncio.create_task(caller.write(f"{name}-{n}")) for n in range(callers)]
        tasks += [asyncio.create_task(caller.watch(miner)) for miner in miners]
        await asyncio.sleep(LEAD_SECONDS)
        async with AsyncExitStack() as down:
            for store in stores:
                await down.enter_async_context(_down(store, way))
            await asyncio.sleep(seconds)
        outage.well, outage.ready = await asyncio.gather(
            _seconds_until(caller.is_well, miners), _seconds_until(caller.is_ready, miners)
        )
        caller.over.set()
        await asyncio.gather(*tasks)
        outage.missing = await missing(client, miners[0].url, outage.told)
    outage.logged += _lines(miners)
    return outage


def _lines(miners: Sequence[MinerProcess]) -> int:
    return sum(miner.log.read_text().count("\n") for miner in miners)


@asynccontextmanager
async def _down(store: StoreServer, way: str) -> AsyncIterator[None]:
    stopping, starting = (
        (store.stop, store.start) if way == "stopped" else (store.hang, store.go_on)
    )
    await asyncio.to_thread(stopping)
    try:
        yield
    finally:
        await asyncio.to_thread(starting)


async def _seconds_until(
    holds: Callable[[MinerProcess], Coroutine[Any, Any, bool]], miners: Sequence[MinerProcess]
) -> float | None:
    """How long it takes until something has held of every miner."""
    began = time.monotonic()
    for miner in miners:
        while not await holds(miner):
            if time.monotonic() > began + WELL_SECONDS:
                return None
            await asyncio.sleep(WATCHED)
    return time.monotonic() - began


@contextmanager
def sharing_miners(
    folder: Path, backend: str, stores: dict[str, StoreServer]
) -> Iterator[list[MinerProcess]]:
    """Two miners that share the stores."""
    shared = {store.setting: store.url for store in stores.values()}
    with ExitStack() as opened:
        yield [
            opened.enter_context(running_miner(folder / name, backend, **shared))
            for name in ("one", "two")
        ]


def _told(name: str, outage: Outage) -> str:
    lines = [f"  {kind:16} {seen}" for kind, seen in sorted(outage.seen.items())]
    without = ", ".join(f"{count} x {part}" for part, count in sorted(outage.without.items()))
    lost = len(outage.missing)
    return "\n".join(
        [
            f"{name}: {outage.told.count} acknowledged, {lost} missing; well again after "
            f"{_shown(outage.well)}, ready after {_shown(outage.ready)}",
            *lines,
            f"  {'memory':16} {without or 'whole'}",
            f"  {'log':16} {outage.logged} lines",
        ]
    )


def _shown(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s"


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outage", description=__doc__)
    parser.add_argument("stores", nargs="*", help=f"which of {', '.join(STORES)}; all without")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--callers", type=int, choices=range(1, 65), default=8, metavar="1..64")
    options = parser.parse_args()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    lost = 0
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="outage-")))
        stores = await asyncio.to_thread(opened.enter_context, store_servers())
        async with faulty_backend("plain") as (backend, _):
            starting = sharing_miners(folder, backend, stores)
            miners = await asyncio.to_thread(opened.enter_context, starting)
            for name in options.stores or STORES:
                for way in WAYS:
                    outage = await suffered(
                        [stores[name]],
                        way,
                        miners,
                        seconds=options.seconds,
                        callers=options.callers,
                    )
                    print(_told(f"{name} {way} {options.seconds:.0f} s", outage), flush=True)
                    lost += len(outage.missing)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

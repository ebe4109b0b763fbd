"""Whether what a miner acknowledged is still there after `kill -9` under load.

`python -m benchmarks.kill [--rounds 20] [--callers 32] [--least 200] [--shared]` starts `run.py` on
temporary stores, lets the callers write preferences and ask questions, kills it at a random moment
once `--least` are acknowledged, starts it again and asks for everything that was acknowledged: a
preference by its 201, a question and its answer by a 200 that does not say `not remembered`. With
`--shared` two miners share servers that are started here, and one of the two is killed in each
round. Ends with code 1 if anything is missing.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.simulated.backend import KEY, SimulatedBackend, served
from benchmarks.store_servers import store_servers
from settings import ROOT, Settings
from tools.addresses import free_port

START_SECONDS = 300
LOAD_SECONDS = 120  # at most, before each kill
QUESTIONS_EACH = 4  # of one conversation, which keeps ten messages
NOT_REMEMBERED = "not remembered"


@dataclass
class Acknowledged:
    """What callers were told is kept, by conversation or user."""

    questions: dict[str, list[str]] = field(default_factory=dict)
    preferences: dict[str, list[str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        kept = (*self.questions.values(), *self.preferences.values())
        return sum(len(each) for each in kept)


class Miner:
    """A `run.py` of its own, which can be killed and started again."""

    def __init__(self, data: Path, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        names = {name.upper() for name in Settings.model_fields}
        kept = {name: value for name, value in os.environ.items() if name.upper() not in names}
        self._environment = kept | environment | {"DATA_DIR": str(data)}
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        process = self._process = await asyncio.to_thread(self._started)
        give_up = time.monotonic() + START_SECONDS
        async with httpx.AsyncClient(trust_env=False, timeout=1) as client:
            while time.monotonic() < give_up and process.poll() is None:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{self.address}/health")).is_success:
                        return
                await asyncio.sleep(0.05)
        raise SystemExit("the miner did not start")

    def _started(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "run.py", "--port", str(self.port), "--env-file", os.devnull],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.DEVNULL,
        )

    def end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()


async def _write(
    client: httpx.AsyncClient,
    miners: list[Miner],
    over: asyncio.Event,
    told: Acknowledged,
    name: str,
) -> None:
    """One caller, who writes until it is over."""
    number = 0
    while not over.is_set():
        cid = f"{name}-{number // QUESTIONS_EACH}"
        address = random.choice(miners).address
        try:
            await _ask(client, address, cid, f"Question {number} of {name}", told)
            if number % QUESTIONS_EACH == 0:
                await _prefer(client, address, cid, f"Preference {number} of {name}", told)
        except httpx.HTTPError:
            await asyncio.sleep(0.01)
        number += 1


async def _ask(
    client: httpx.AsyncClient, address: str, cid: str, task: str, told: Acknowledged
) -> None:
    sent = {"cid": cid, "task": task, "input": ""}
    answer = await client.post(f"{address}/complete", json=sent)
    if answer.is_success and NOT_REMEMBERED not in answer.headers.get("X-Miner-Fallback", ""):
        told.questions.setdefault(cid, []).append(task)


async def _prefer(
    client: httpx.AsyncClient, address: str, cid: str, content: str, told: Acknowledged
) -> None:
    answer = await client.post(f"{address}/playbook/{cid}", json={"content": content})
    if answer.is_success:
        told.preferences.setdefault(cid, []).append(content)


async def missing(client: httpx.AsyncClient, address: str, told: Acknowledged) -> list[str]:
    """What was acknowledged and is not there."""
    missing: list[str] = []
    for path, listed, kept in (
        ("conversations", "messages", told.questions),
        ("playbook", "entries", told.preferences),
    ):
        for cid, expected in kept.items():
            found = (await client.get(f"{address}/{path}/{cid}")).json().get(listed, [])
            there = {item["content"].strip() for item in found}
            missing += [f"{path} {cid}: {each}" for each in expected if each not in there]
    return missing


async def _round(
    client: httpx.AsyncClient, number: int, miners: list[Miner], callers: int, least: int
) -> Acknowledged:
    told, over = Acknowledged(), asyncio.Event()
    calling = [
        asyncio.create_task(_write(client, miners, over, told, f"{number}-{caller}"))
        for caller in range(callers)
    ]
    give_up = time.monotonic() + LOAD_SECONDS
    while told.count < least and time.monotonic() < give_up:  # noqa: ASYNC110 (a count)
        await asyncio.sleep(0.01)
    await asyncio.sleep(random.uniform(0, 0.5))
    victim = random.choice(miners)
    await asyncio.to_thread(victim.end, signal.SIGKILL)
    over.set()
    await asyncio.gather(*calling)
    await victim.start()
    return told


async def kills(
    miners: list[Miner], *, rounds: int, callers: int, least: int
) -> tuple[int, list[str]]:
    """How much was acknowledged around so many kills, and what of it is missing."""
    lost, everything = set[str](), list[Acknowledged]()
    await asyncio.gather(*(miner.start() for miner in miners))
    async with httpx.AsyncClient(
        headers={"X-API-Key": KEY}, trust_env=False, timeout=httpx.Timeout(30, connect=2)
    ) as client:
        for number in range(1, rounds + 1):
            told = await _round(client, number, miners, callers, least)
            gone = await missing(client, random.choice(miners).address, told)
            print(f"round {number}: {told.count} acknowledged, {len(gone)} missing", flush=True)
            everything.append(told)
            lost.update(gone)
        for told in everything:
            lost.update(await missing(client, miners[0].address, told))
    return sum(told.count for told in everything), sorted(lost)


@contextmanager
def killable(folder: Path, *, shared: bool) -> Iterator[list[Miner]]:
    """A miner, or two with `shared` stores, and a backend for them."""
    backend = SimulatedBackend(latency=0.02)
    backend.answering = lambda _: "An answer."
    with ExitStack() as opened:
        environment = {
            "MINER_API_KEY": KEY,
            "LLM_PROVIDER": "vllm",
            "VLLM_API_BASE": f"{opened.enter_context(served(backend.app))}/v1",
            "COMPLETE_STRATEGY": "draft",
            "RATE_LIMIT": "1000000/minute",
            "LOG_LEVEL": "error",
        }
        if shared:
            stores = opened.enter_context(store_servers()).values()
            environment |= {store.setting.upper(): store.url for store in stores}
        names = ("one", "two") if shared else ("one",)
        miners = [Miner(folder / name, environment) for name in names]
        for miner in miners:
            opened.callback(miner.end, signal.SIGTERM)
        yield miners


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill", description=__doc__)
    parser.add_argument("--rounds", type=int, choices=range(1, 101), default=20, metavar="1..100")
    parser.add_argument("--callers", type=int, choices=range(1, 129), default=32, metavar="1..128")
    parser.add_argument("--least", type=int, default=200, help="acknowledged before each kill")
    parser.add_argument("--shared", action="store_true", help="two miners share their stores")
    return parser.parse_args()


def main() -> int:
    options = _options()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with (
        tempfile.TemporaryDirectory(prefix="kill-") as folder,
        killable(Path(folder), shared=options.shared) as miners,
    ):
        load = {"callers": options.callers, "least": options.least}
        told, lost = asyncio.run(kills(miners, rounds=options.rounds, **load))
    print(f"{options.rounds} kills, {told} acknowledged, {len(lost)} missing")
    for each in lost[:10]:
        print(f"  missing: {each}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())

"""How long one hostile request stops the event loop, and with it everybody else's.

`python -m benchmarks.hostile [--patterns 'nested|digits'] [--part 1/4] [--most-seconds 1200]`

Sends every pattern of `benchmarks.hostile_texts` to every endpoint that reads a text, in all its
forms, to a miner whose backend answers either a greeting or the hostile text itself; and bodies of
10 MiB whose structure is hostile. In the miner's own loop a watcher sleeps 5 ms at a time; what it
oversleeps, as far as the process worked in that time, is the stop. Of one beyond the target the
least of three tries counts. Printed are each stop of more than 100 ms as it is found, a line for
each pattern with its longest, and at the end how many there were.
"""

import argparse
import asyncio
import gc
import logging
import multiprocessing
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from benchmarks.hostile_requests import ANSWERS, ASKING, BODIES, requests_of
from benchmarks.hostile_texts import PATTERNS
from benchmarks.miner_process import free_port
from benchmarks.simulated.backend import KEY, SimulatedBackend, served
from server.app import create_app
from server.serving import server_config
from settings import Settings

TARGET = 0.1  # seconds
TICK = 0.005
PATIENCE = 60.0
START_SECONDS = 120.0
SETTLE = 0.03  # for a stop that ends with the answer to be seen
GREETING = "Hello there!"
BIG = "10 MiB"
RAW = "what is no answer"


@dataclass(frozen=True)
class Stop:
    """The longest stop of the loop while one request was in work, and how long that was."""

    seconds: float
    took: float
    status: str
    name: str

    def __str__(self) -> str:
        stopped = f"{self.seconds * 1000:6.0f} ms of {self.took * 1000:6.0f}"
        return f"{stopped}  {self.status:>16}  {self.name}"


class Watched:
    """A miner in a process of its own, and the longest stop of its loop since last asked."""

    def __init__(self, backend: str, folder: Path) -> None:
        self.port = free_port()
        context = multiprocessing.get_context("spawn")
        self._longest = context.Value("d", 0.0)
        chosen: dict[str, object] = {
            "miner_api_key": KEY,
            "llm_provider": "vllm",
            "vllm_api_base": f"{backend}/v1",
            "data_dir": folder,
            "rate_limit": "10000000/minute",
            "deadline_seconds": 10,
            "log_level": "error",
        }
        arguments = (chosen, self.port, self._longest)
        self.process = context.Process(target=_serve, args=arguments, daemon=True)

    def take(self) -> float:
        longest, self._longest.value = float(self._longest.value), 0.0
        return longest


def _serve(chosen: dict[str, object], port: int, longest: Any) -> None:  # noqa: ANN401
    app = create_app(Settings.load(None, **chosen))
    server = uvicorn.Server(server_config(app, port=port, drain_seconds=5))

    async def watched() -> None:
        gc.collect()
        gc.freeze()  # as run.py does
        watching = asyncio.create_task(_watch(longest))
        await server.serve()
        watching.cancel()

    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(watched())


async def _watch(longest: Any) -> None:  # noqa: ANN401
    while True:
        began, busy = time.monotonic(), time.process_time()
        await asyncio.sleep(TICK)
        late = time.monotonic() - began - TICK
        longest.value = max(longest.value, min(late, time.process_time() - busy))


def measured(
    client: httpx.Client, miner: Watched, name: str, path: str, body: bytes, *, tries: int = 3
) -> Stop:
    """The stop that a request makes: the least of some tries where it is beyond the target."""
    miner.take()
    began = time.monotonic()
    try:
        status = str(client.post(path, content=body).status_code)
    except httpx.HTTPError as error:
        status = type(error).__name__
    took = time.monotonic() - began
    time.sleep(SETTLE)
    stop = Stop(miner.take(), took, status, name)
    if stop.seconds <= TARGET or tries == 1:
        return stop
    return min(stop, measured(client, miner, name, path, body, tries=tries - 1), key=_seconds)


def _seconds(stop: Stop) -> float:
    return stop.seconds


def hunt(subjects: list[str], most_seconds: float) -> Iterator[Stop]:
    """The stops of every request there is time for."""
    backend = SimulatedBackend(latency=0)
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder, served(backend.app) as address:
        miner = Watched(address, Path(folder))
        miner.process.start()
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{miner.port}",
                headers={"X-API-Key": KEY},
                timeout=PATIENCE,
                trust_env=False,
            ) as client:
                _wait_until_up(client, miner)
                until = time.monotonic() + most_seconds
                for subject in subjects:
                    for reply, name, path, body in _requests(subject):
                        if time.monotonic() > until:
                            print(f"out of time before the end of {subject}")
                            return
                        backend.answering = _saying(reply)
                        yield measured(client, miner, f"{subject}, {name}", path, body)
        finally:
            miner.process.terminate()
            miner.process.join(PATIENCE)


def _requests(subject: str) -> Iterator[tuple[str | bytes, str, str, bytes]]:
    """Of a pattern, or what is no pattern: what the backend says, then name, path and body."""
    if subject == BIG:
        yield from ((GREETING, *body) for body in BODIES())
        return
    if subject == RAW:
        for name, sent in ANSWERS.items():
            yield from ((sent, f"{name}, {where}", path, body) for where, path, body in ASKING)
        return
    text = PATTERNS[subject]()
    for endpoint, path, body in requests_of(text):
        yield GREETING, f"{endpoint}, greeting", path, body
    for endpoint, path, body in requests_of(text):
        yield text, f"{endpoint}, echo", path, body


def _saying(answer: str | bytes) -> Any:  # noqa: ANN401
    return lambda _: answer


def _wait_until_up(client: httpx.Client, miner: Watched) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and miner.process.is_alive():
        try:
            client.get("/health")
        except httpx.ConnectError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the miner did not start")


def _chosen(patterns: str, part: str) -> list[str]:
    number, parts = map(int, part.split("/"))
    return [name for name in (*PATTERNS, BIG, RAW) if re.search(patterns, name)][
        number - 1 :: parts
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--patterns", default="", help="those whose names match this")
    parser.add_argument("--part", default="1/1", help="K/N: every Nth of them, from the Kth on")
    parser.add_argument("--most-seconds", type=float, default=1200)
    options = parser.parse_args()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stops = hunt(_chosen(options.patterns, options.part), options.most_seconds)
    requests = over = 0
    for subject, found in groupby(stops, lambda stop: stop.name.partition(", ")[0]):
        longest: Stop | None = None
        for stop in found:
            requests += 1
            if stop.seconds > TARGET:
                over += 1
                print(stop, flush=True)
            longest = max(longest or stop, stop, key=_seconds)
        print(f"{subject:>25}: {longest}", flush=True)
    print(f"{requests} requests, {over} of them stopped the loop for more than 100 ms")


if __name__ == "__main__":
    main()

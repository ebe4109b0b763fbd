"""How long one hostile request stops the event loop, and with it everybody else's.

`python -m benchmarks.hostile [--patterns nested,digits,…] [--most-seconds 1200] [--shown 20]`

Sends every pattern of `benchmarks.hostile_texts` to every endpoint that reads a text, in all its
forms, to a miner whose backend answers either a greeting or the hostile text itself; and bodies of
10 MiB whose structure is hostile. In the miner's own loop a watcher sleeps 5 ms at a time; what it
oversleeps, as far as the process worked in that time, is the stop. Of one beyond the target the
lesser of two tries counts. Printed are the longest stops, and how many exceed 100 ms.
"""

import argparse
import asyncio
import gc
import logging
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from benchmarks.hostile_texts import BODIES, PATTERNS, requests_of
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
    client: httpx.Client, miner: Watched, name: str, path: str, body: bytes, *, tries: int = 2
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


def hunt(patterns: list[str], most_seconds: float) -> list[Stop]:
    """The stops of every request there is time for."""
    backend = SimulatedBackend(latency=0)
    until = time.monotonic() + most_seconds
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
                return list(_stops(client, miner, backend, patterns, until))
        finally:
            miner.process.terminate()
            miner.process.join(PATIENCE)


def _stops(
    client: httpx.Client,
    miner: Watched,
    backend: SimulatedBackend,
    patterns: list[str],
    until: float,
) -> Iterator[Stop]:
    greeting = "greeting"
    for name in patterns:
        text = PATTERNS[name]()
        for reply, answer in ((greeting, GREETING), ("echo", text)):
            backend.answering = _saying(answer)
            for endpoint, path, body in requests_of(text):
                if time.monotonic() > until:
                    print("out of time")
                    return
                yield measured(client, miner, f"{name}, {endpoint}, {reply}", path, body)
    backend.answering = _saying(GREETING)
    for name, path, body in BODIES() if patterns == list(PATTERNS) else []:
        yield measured(client, miner, f"10 MiB of {name}, {path}", path, body)


def _saying(answer: str) -> Any:  # noqa: ANN401
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--patterns", default=",".join(PATTERNS))
    parser.add_argument("--most-seconds", type=float, default=1200)
    parser.add_argument("--shown", type=int, default=20)
    options = parser.parse_args()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stops = sorted(hunt(options.patterns.split(","), options.most_seconds), key=_seconds)
    for stop in reversed(stops[-options.shown :]):
        print(stop)
    over = sum(stop.seconds > TARGET for stop in stops)
    print(f"{len(stops)} requests, {over} of them stopped the loop for more than 100 ms")


if __name__ == "__main__":
    main()

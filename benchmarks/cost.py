"""What a request costs the miner, beside a bare app that makes the same model calls.

`python -m benchmarks.cost [--seconds 2] [--rounds 3] [--callers 16] [--tokens 16 500]
[--strategies draft check]` starts a backend without latency (`benchmarks.plain_backend`), the
miner (`run.py`, one worker, memory on, its own folder) and the bare app (`benchmarks.bare_app`),
and asks one after the other, in turns. Prints a table: CPU milliseconds of the process a request
with one caller, requests a second with `--callers`, and their ratios, each the median of the
rounds; then the CPU a streamed token. Other work on the machine moves times, ratios much less.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

import aiohttp

from settings import ROOT, Settings
from tools.addresses import free_port

KEY = "benchmark"
GIVE_UP_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Served:
    """A process that answers at an address."""

    address: str
    pid: int

    def cpu(self) -> float:
        """Seconds of CPU that the process has taken so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one run: CPU milliseconds a request, requests a second, model calls a request."""

    cpu: float
    rate: float
    calls: float


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        backend = stack.enter_context(_process("benchmarks.plain_backend", path="/calls"))
        bare = stack.enter_context(_process("benchmarks.bare_app", f"{backend.address}/v1"))
        miners = {
            name: stack.enter_context(_miner(name, backend.address)) for name in options.strategies
        }
        asyncio.run(_compare(options, backend, bare, miners))


async def _compare(
    options: argparse.Namespace, backend: Served, bare: Served, miners: dict[str, Served]
) -> None:
    alone: dict[tuple[str, int], float] = {}
    print(
        "strategy tokens callers | CPU ms: miner bare ratio | requests/s: miner bare ratio | calls"
    )
    for strategy, miner in miners.items():
        for tokens in options.tokens:
            for callers in (1, options.callers):
                pairs = []
                for _ in range(options.rounds):
                    pairs.append(
                        [
                            await _figures(
                                (miner, backend), "complete", options.seconds, callers, tokens
                            ),
                            await _figures(
                                (bare, backend), strategy, options.seconds, callers, tokens
                            ),
                        ]
                    )
                print(f"{strategy:8} {tokens:6} {callers:7} | {_told(pairs)}", flush=True)
                alone[strategy, tokens] = median(ours.cpu for ours, _ in pairs)
    short, long = min(options.tokens), max(options.tokens)
    if "draft" in miners and short < long:
        spent = (alone["draft", long] - alone["draft", short]) / (long - short)
        print(f"CPU a streamed token, nobody streaming: {spent:.4f} ms")


def _told(pairs: list[list[Figures]]) -> str:
    cpu, rate = [], []
    for each in range(2):
        cpu.append(median(pair[each].cpu for pair in pairs))
        rate.append(median(pair[each].rate for pair in pairs))
    ratio = median(ours.rate / bare.rate for ours, bare in pairs)
    calls = "/".join(f"{median(pair[each].calls for pair in pairs):.2g}" for each in range(2))
    return (
        f"{cpu[0]:6.2f} {cpu[1]:6.2f} {cpu[0] / cpu[1]:5.2f} | "
        f"{rate[0]:6.1f} {rate[1]:6.1f} {ratio:5.2f} | {calls}"
    )


async def _figures(
    apps: tuple[Served, Served], path: str, seconds: float, callers: int, tokens: int
) -> Figures:
    """Ask the first of `apps` for that long; the second is its backend, which counts."""
    app, backend = apps
    async with aiohttp.ClientSession() as session:
        numbers = count()

        async def ask(until: float) -> int:
            answered = 0
            while time.monotonic() < until:
                body = {
                    "cid": f"{path}-{tokens}-{next(numbers) % 500}",
                    "task": "Write.",
                    "input": f"Please answer with {tokens} words.",
                }
                headers = {"X-API-Key": KEY}
                async with session.post(
                    f"{app.address}/{path}", json=body, headers=headers
                ) as response:
                    text = await response.text()
                    if response.status != 200 or text.count("word") < tokens:
                        raise SystemExit(f"{path} answered {response.status}: {text[:200]}")
                answered += 1
            return answered

        async def calls() -> int:
            async with session.get(f"{backend.address}/calls") as response:
                told: int = (await response.json())["calls"]
                return told

        await asyncio.gather(*(ask(time.monotonic() + 0.3) for _ in range(callers)))
        before, began, asked = app.cpu(), time.monotonic(), await calls()
        end = began + seconds
        answered = sum(await asyncio.gather(*(ask(end) for _ in range(callers))))
        took, spent = time.monotonic() - began, app.cpu() - before
        return Figures(spent / answered * 1000, answered / took, (await calls() - asked) / answered)


@contextmanager
def _process(module: str, *arguments: str, path: str = "/openapi.json") -> Iterator[Served]:
    port = free_port()
    command = [sys.executable, "-m", module, str(port), *arguments]
    with _started(command, dict(os.environ), port, path) as served:
        yield served


@contextmanager
def _miner(strategy: str, backend: str) -> Iterator[Served]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="cost-") as folder:
        names = {name.upper() for name in Settings.model_fields}
        kept = {name: value for name, value in os.environ.items() if name.upper() not in names}
        chosen = {
            "MINER_API_KEY": KEY,
            "LLM_PROVIDER": "vllm",
            "VLLM_API_BASE": f"{backend}/v1",
            "COMPLETE_STRATEGY": strategy,
            "DATA_DIR": folder,
            "RATE_LIMIT": "10000000/minute",
            "LOG_LEVEL": "warning",
        }
        command = [sys.executable, "run.py", "--host", "127.0.0.1", "--port", str(port)]
        with _started(command, kept | chosen, port, "/health") as served:
            yield served


@contextmanager
def _started(
    command: list[str], environment: dict[str, str], port: int, path: str
) -> Iterator[Served]:
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    served = Served(f"http://127.0.0.1:{port}", process.pid)
    try:
        asyncio.run(_until_up(process, f"{served.address}{path}"))
        yield served
    finally:
        process.terminate()
        process.wait(GIVE_UP_SECONDS)


async def _until_up(process: "subprocess.Popen[bytes]", address: str) -> None:
    give_up = time.monotonic() + GIVE_UP_SECONDS
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < give_up and process.poll() is None:
            try:
                async with session.get(address) as response:
                    if response.ok:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
    raise SystemExit(f"{process.args} did not start")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--callers", type=int, choices=range(1, 65), default=16, metavar="1..64")
    parser.add_argument("--tokens", type=int, nargs="+", default=[16, 500])
    parser.add_argument(
        "--strategies", nargs="+", choices=["draft", "check"], default=["draft", "check"]
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""What callers see of a backend that fails: how many are answered, how, and when.

`python -m benchmarks.faults [--kinds failing,slow,…] [--callers 1,16,64] [--requests 200]
[--deadline 10] [--most-seconds 40]`

For each kind of `benchmarks.faulty_backend` and each number of callers, so many flat `/complete`
requests (fewer where `--most-seconds` end before) go to a fresh user each. Printed are the share of
requests that failed, the answers by status, the seconds at the median, the 99th percentile and the
most, how many were late (more than a second past the deadline), and calls of the backend a request.
"""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.faulty_backend import KINDS, faulty_backend
from benchmarks.miner_process import KEY, percentile, running_miner

LATE = 1.0  # seconds past the deadline


@dataclass
class Outcome:
    """Answers by status, or by what came instead of one, and the seconds each took."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def failed(self) -> float:
        """The share of requests without a 200."""
        return 1 - self.answers["200"] / max(1, self.answers.total())

    def late(self, deadline: float) -> int:
        return sum(seconds > deadline + LATE for seconds in self.seconds)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--callers", default="1,16,64")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--deadline", type=float, default=10)
    parser.add_argument("--most-seconds", type=float, default=40)
    options = parser.parse_args()
    print(f"{'backend':9} callers requests  failed    p50    p99    max  late calls  answers")
    for kind in options.kinds.split(","):
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            await _measure(kind, Path(folder), options)


async def _measure(kind: str, folder: Path, options: argparse.Namespace) -> None:
    async with faulty_backend(kind) as (address, backend):
        running = running_miner(folder, address, deadline_seconds=options.deadline)
        miner = await asyncio.to_thread(running.__enter__)
        try:
            for callers in map(int, options.callers.split(",")):
                before = backend.calls
                seen = await load(miner.url, callers, options.requests, options.most_seconds)
                calls = (backend.calls - before) / max(1, seen.answers.total())
                print(_row(kind, callers, seen, options.deadline, calls), flush=True)
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)


async def load(url: str, callers: int, requests: int, most_seconds: float) -> Outcome:
    """What became of so many requests of so many callers at once, of those sent in time."""
    seen = Outcome()
    numbers = iter(range(requests))
    until = time.monotonic() + most_seconds
    limits = httpx.Limits(max_connections=callers)
    headers = {"X-API-Key": KEY}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=60, trust_env=False, limits=limits
    ) as client:
        callings = [_call(client, numbers, until, seen, caller) for caller in range(callers)]
        await asyncio.gather(*callings)
    return seen


async def _call(
    client: httpx.AsyncClient, numbers: Iterator[int], until: float, seen: Outcome, caller: int
) -> None:
    for number in numbers:
        if time.monotonic() > until:
            return
        body = {"cid": f"user-{caller}-{number}", "task": "Say hello", "input": "Please"}
        began = time.monotonic()
        try:
            response = await client.post("/complete", json=body)
            seen.answers[str(response.status_code)] += 1
        except httpx.HTTPError as error:
            seen.answers[type(error).__name__] += 1
        seen.seconds.append(time.monotonic() - began)


def _row(kind: str, callers: int, seen: Outcome, deadline: float, calls: float) -> str:
    p50, p99, most = (percentile(seen.seconds, share) for share in (0.5, 0.99, 1))
    answers = ", ".join(f"{count} x {name}" for name, count in sorted(seen.answers.items()))
    return (
        f"{kind:9} {callers:7} {seen.answers.total():8} {seen.failed:7.2%} {p50:6.2f} {p99:6.2f} "
        f"{most:6.2f} {seen.late(deadline):5} {calls:5.1f}  {answers}"
    )


if __name__ == "__main__":
    asyncio.run(main())

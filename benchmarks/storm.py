"""What a storm of connections leaves of the service, and what it costs in memory.

`python -m benchmarks.storm [headers] [bodies] [large] [addresses] [callers] [--descriptors 1024]
[--connections 1100] [--seconds 20] [--callers 200] [--pause 1] [--backend plain]`

- `headers`: connections without a key, each of which sends half of a request's head and waits;
- `bodies`: as many with the key, each of which sends a byte of its body a second;
- `large`: 60 bodies of 9.9 MB at once, with the key;
- `addresses`: a request with a wrong key from each of 20,000 addresses of the loopback network;
- `callers`: `/complete` by 200 callers at once, of whom 64 have a place; each that is refused waits
  for the second that it is told to wait, or for `--pause`. `--backend slow` takes 1 to 3 s a call.

Meanwhile one caller asks `/health` and another `/complete` four times a second, each on a new
connection. Printed are what these got, how many connections were still open at the end, the most
files the miner had open, and its memory. The miner may open as many files as most systems allow.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faulty_backend import KINDS, faulty_backend
from benchmarks.miner_process import KEY, MinerProcess, percentile, running_miner

QUESTION = {"cid": "storm", "task": "Say hello", "input": "Please"}
ADDRESSES = 20_000
LARGE_BODIES = 60
PATIENCE = 10.0
BETWEEN = 0.25
HEAD = "POST /complete HTTP/1.1\r\nHost: miner\r\n"

Storm = Callable[["_Subject", argparse.Namespace], Awaitable[str]]


@dataclass
class Seen:
    """Answers by status, or by what came instead of one, and the seconds each took."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def note(self, answer: str, seconds: float) -> None:
        self.answers[answer] += 1
        self.seconds.append(seconds)

    def __str__(self) -> str:
        told = ", ".join(f"{count} x {name}" for name, count in sorted(self.answers.items()))
        p50, p99, most = (1000 * percentile(self.seconds, share) for share in (0.5, 0.99, 1))
        return f"{told}; p50 {p50:.0f}, p99 {p99:.0f}, slowest {most:.0f} ms"


@dataclass
class _Subject:
    miner: MinerProcess
    health: Seen = field(default_factory=Seen)
    complete: Seen = field(default_factory=Seen)
    descriptors: int = 0


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("storms", nargs="*", default=[], help="which: all without")
    parser.add_argument("--descriptors", type=int, default=1024)
    parser.add_argument("--connections", type=int, default=1100)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--callers", type=int, default=200)
    parser.add_argument("--pause", type=float, default=1)
    parser.add_argument("--backend", choices=sorted(KINDS), default="plain")
    options = parser.parse_args()
    async with faulty_backend(options.backend) as (backend, _):
        for name in options.storms or STORMS:
            with tempfile.TemporaryDirectory(prefix="storm-") as folder:
                await _measure(name, backend, Path(folder), options)


async def _measure(name: str, backend: str, folder: Path, options: argparse.Namespace) -> None:
    starting = running_miner(folder, backend, descriptors=options.descriptors)
    miner = await asyncio.to_thread(starting.__enter__)
    try:
        subject = _Subject(miner)
        before = miner.resident
        async with _asking(subject):
            ended = await STORMS[name](subject, options)
        print(f"{name}: {ended}")
        print(f"  /health    {subject.health}")
        print(f"  /complete  {subject.complete}")
        print(
            f"  files {subject.descriptors}; memory {before:.0f} MB before, {miner.peak:.0f} at "
            f"most, {miner.resident:.0f} after",
            flush=True,
        )
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


@asynccontextmanager
async def _asking(subject: _Subject) -> AsyncIterator[None]:
    body = json.dumps(QUESTION).encode()
    requests = [
        (subject.health, request("GET", "/health", b"")),
        (subject.complete, request("POST", "/complete", body)),
    ]
    tasks = [asyncio.create_task(_ask_on(subject, seen, request)) for seen, request in requests]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _ask_on(subject: _Subject, seen: Seen, request: bytes) -> None:
    while True:
        began = time.monotonic()
        status = await exchange(subject.miner.port, request)
        seen.note(status, time.monotonic() - began)
        subject.descriptors = max(subject.descriptors, subject.miner.descriptors)
        await asyncio.sleep(BETWEEN)


async def exchange(port: int, request: bytes, *, address: str = "127.0.0.1") -> str:
    """The status of the answer to `request` on a new connection, or what came in its place."""
    writer = None
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(address, 0)
            )
            writer.write(request)
            await writer.drain()
            line = await reader.readline()
            await reader.read()
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return type(error).__name__
    finally:
        if writer is not None:
            writer.close()
    return line.split()[1].decode() if line else "closed"


def request(
    method: str, path: str, body: bytes, key: str = KEY, *, connection: str = "close"
) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: miner\r\nX-API-Key: {key}\r\n"
    head += f"Connection: {connection}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _headers(subject: _Subject, options: argparse.Namespace) -> str:
    return await _held(subject, options, f"{HEAD}X-Half: of a he".encode())


async def _bodies(subject: _Subject, options: argparse.Namespace) -> str:
    head = f"{HEAD}X-API-Key: {KEY}\r\nContent-Length: 100000\r\n\r\n{{"
    return await _held(subject, options, head.encode(), drip=b" ")


async def _held(
    subject: _Subject, options: argparse.Namespace, first: bytes, drip: bytes = b""
) -> str:
    until = time.monotonic() + options.seconds
    held = await asyncio.gather(
        *(_hold(subject.miner.port, first, drip, until) for _ in range(options.connections))
    )
    return f"{options.connections} connections, {sum(held)} open after {options.seconds:.0f} s"


async def _hold(port: int, first: bytes, drip: bytes, until: float) -> bool:
    """Whether the miner kept the connection open to the end."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(first)
        while (left := until - time.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(1.0, left)):
                    while await reader.read(4096):
                        pass
                    return False
            writer.write(drip)
    except OSError:
        return False
    finally:
        writer.close()
    return True


async def _large(subject: _Subject, options: argparse.Namespace) -> str:
    body = json.dumps({**QUESTION, "more": "x" * 9_900_000}).encode()
    sent = request("POST", "/complete", body)
    statuses = await asyncio.gather(
        *(exchange(subject.miner.port, sent) for _ in range(LARGE_BODIES))
    )
    return f"{LARGE_BODIES} bodies of 9.9 MB: {Seen(Counter(statuses)).answers}"


async def _addresses(subject: _Subject, options: argparse.Namespace) -> str:
    sent = request("POST", "/complete", b"{}", key="wrong")
    statuses: Counter[str] = Counter()
    numbers = iter(range(ADDRESSES))

    async def call() -> None:
        for number in numbers:
            address = f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"
            statuses[await exchange(subject.miner.port, sent, address=address)] += 1

    await asyncio.gather(*(call() for _ in range(32)))
    return f"{ADDRESSES} addresses: {dict(statuses)}"


async def _callers(subject: _Subject, options: argparse.Namespace) -> str:
    until, seen = time.monotonic() + options.seconds, Seen()

    async def call(number: int) -> None:
        body = json.dumps({**QUESTION, "cid": f"caller-{number}"}).encode()
        sent = request("POST", "/complete", body, connection="keep-alive")
        reader, writer = await asyncio.open_connection("127.0.0.1", subject.miner.port)
        while time.monotonic() < until:
            began = time.monotonic()
            writer.write(sent)
            status = await _answer(reader)
            seen.note(status, time.monotonic() - began)
            await asyncio.sleep(options.pause if status == "503" else 0)
        writer.close()

    await asyncio.gather(*map(call, range(options.callers)))
    rate = seen.answers["200"] / options.seconds
    return f"{options.callers} callers: {seen}; {rate:.0f} answered a second"


async def _answer(reader: asyncio.StreamReader) -> str:
    """The status of the next answer on a connection that stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
    return head.split()[1].decode()


STORMS: dict[str, Storm] = {
    "headers": _headers,
    "bodies": _bodies,
    "large": _large,
    "addresses": _addresses,
    "callers": _callers,
}

if __name__ == "__main__":
    asyncio.run(main())

"""What a storm of connections leaves of the service, and what it costs in memory.

`python -m benchmarks.storm [headers] [bodies] [large] [addresses] [callers] [--descriptors 1024]
[--connections 1100] [--bodies 60] [--addresses 20000] [--seconds 20] [--callers 200] [--pause 1]
[--backend plain]`

- `headers`: connections without a key, each of which sends half of a request's head and waits;
- `bodies`: as many with the key, each of which sends a byte of its body a second;
- `large`: so many bodies of 9.9 MB at once, with the key;
- `addresses`: a request with a wrong key from each of so many addresses of the loopback network;
- `callers`: `/complete` by so many at once, of whom 64 have a place; each that is refused waits for
  the second that it is told to wait, or for `--pause`. `--backend slow` takes 1 to 3 s a call.

Meanwhile one caller asks `/health` and another `/complete` four times a second, each on a new
connection from another address (at the storm's own, one that comes in its first moment may be
closed to make room). Printed are what all of these got, the most files the miner had open, and its
memory. The miner may open as many files as most systems allow.
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
PATIENCE = 10.0
ASKING = "127.0.0.2"
BETWEEN = 0.25
HEAD = "POST /complete HTTP/1.1\r\nHost: miner\r\n"

Storm = Callable[["Subject", argparse.Namespace], Awaitable["Seen"]]


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
class Subject:
    """A miner, and what callers saw of it in a storm; `descriptors` are the most it had open."""

    miner: MinerProcess
    health: Seen = field(default_factory=Seen)
    complete: Seen = field(default_factory=Seen)
    descriptors: int = 0


async def main() -> None:
    options = parser().parse_args()
    async with faulty_backend(options.backend) as (backend, _):
        for name in options.storms or STORMS:
            with tempfile.TemporaryDirectory(prefix="storm-") as folder:
                await _measure(name, backend, Path(folder), options)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("storms", nargs="*", default=[], help="which: all without")
    parser.add_argument("--descriptors", type=int, default=1024)
    parser.add_argument("--connections", type=int, default=1100)
    parser.add_argument("--bodies", type=int, default=60)
    parser.add_argument("--addresses", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--callers", type=int, default=200)
    parser.add_argument("--pause", type=float, default=1)
    parser.add_argument("--backend", choices=sorted(KINDS), default="plain")
    return parser


async def _measure(name: str, backend: str, folder: Path, options: argparse.Namespace) -> None:
    starting = running_miner(folder, backend, descriptors=options.descriptors)
    miner = await asyncio.to_thread(starting.__enter__)
    try:
        subject, before = Subject(miner), miner.resident
        came = await stormed(name, subject, options)
        print(f"{name}: {came}; {came.answers['200'] / options.seconds:.0f} answered a second")
        print(f"  /health    {subject.health}")
        print(f"  /complete  {subject.complete}")
        print(
            f"  files {subject.descriptors}; memory {before:.0f} MB before, {miner.peak:.0f} at "
            f"most, {miner.resident:.0f} after",
            flush=True,
        )
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


async def stormed(name: str, subject: Subject, options: argparse.Namespace) -> Seen:
    """What came of one storm, while others ask the same miner."""
    async with _asking(subject):
        return await STORMS[name](subject, options)


@asynccontextmanager
async def _asking(subject: Subject) -> AsyncIterator[None]:
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


async def _ask_on(subject: Subject, seen: Seen, request: bytes) -> None:
    while True:
        await _note(subject, request, seen, ASKING)
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


async def _headers(subject: Subject, options: argparse.Namespace) -> Seen:
    return await _held(subject, options, f"{HEAD}X-Half: of a he".encode())


async def _bodies(subject: Subject, options: argparse.Namespace) -> Seen:
    head = f"{HEAD}X-API-Key: {KEY}\r\nContent-Length: 100000\r\n\r\n{{"
    return await _held(subject, options, head.encode(), drip=b" ")


async def _held(
    subject: Subject, options: argparse.Namespace, first: bytes, drip: bytes = b""
) -> Seen:
    until, seen = time.monotonic() + options.seconds, Seen()

    async def hold() -> None:
        began = time.monotonic()
        held = await _hold(subject.miner.port, first, drip, until)
        seen.note("kept open" if held else "closed", time.monotonic() - began)

    await asyncio.gather(*(hold() for _ in range(options.connections)))
    return seen


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


async def _large(subject: Subject, options: argparse.Namespace) -> Seen:
    body = json.dumps({**QUESTION, "more": "x" * 9_900_000}).encode()
    sent, seen = request("POST", "/complete", body), Seen()
    await asyncio.gather(*(_note(subject, sent, seen) for _ in range(options.bodies)))
    return seen


async def _addresses(subject: Subject, options: argparse.Namespace) -> Seen:
    sent, seen = request("POST", "/complete", b"{}", key="wrong"), Seen()
    numbers = iter(range(options.addresses))

    async def call() -> None:
        for number in numbers:
            address = f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"
            await _note(subject, sent, seen, address)

    await asyncio.gather(*(call() for _ in range(32)))
    return seen


async def _note(subject: Subject, sent: bytes, seen: Seen, address: str = "127.0.0.1") -> None:
    began = time.monotonic()
    seen.note(await exchange(subject.miner.port, sent, address=address), time.monotonic() - began)


async def _callers(subject: Subject, options: argparse.Namespace) -> Seen:
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
    return seen


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

"""Peers that hold connections up, and more of them than a process can serve."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from benchmarks.miner_process import MinerProcess, running_miner
from benchmarks.storm import Subject, parser, stormed
from running_miner import COMPLETE, KEY, client_of, miner_process, miner_settings
from scripted import Scripted

HEAD = f"POST /complete HTTP/1.1\r\nHost: miner\r\nX-API-Key: {KEY}\r\n"
HALF_A_HEAD = f"{HEAD}X-Half: of a he".encode()
HALF_A_BODY = f"{HEAD}Content-Length: 1000\r\n\r\n{{".encode()

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(
    address: str, sent: bytes, source: str = "127.0.0.1"
) -> AsyncIterator[Connection]:
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), local_addr=(source, 0))
    writer.write(sent)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def all_that_comes(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(30):
        return await reader.read()


def error_of(answer: bytes) -> tuple[int, str]:
    """Status and short name of an answer in the error form."""
    head, _, body = answer.partition(b"\r\n\r\n")
    told = json.loads(body)
    assert f"X-Request-ID: {told['request_id']}".encode() in head
    assert told["detail"]
    return int(head.split()[1]), told["error"]


async def outcome(address: str, sent: bytes, drip: bytes = b"") -> bytes:
    async with connected(address, sent) as (reader, writer):
        answer = asyncio.create_task(all_that_comes(reader))
        while not answer.done():
            writer.write(drip)
            # Not at the moment of the close, whose answer a late byte could reset.
            await asyncio.wait((answer,), timeout=1.5)
        return await answer


async def test_heads_and_bodies_that_do_not_come_are_not_waited_for(address: str) -> None:
    nothing, head, dripped, body = await asyncio.gather(
        outcome(address, b""),
        outcome(address, HALF_A_HEAD),
        outcome(address, HALF_A_HEAD, drip=b"x"),
        outcome(address, HALF_A_BODY),
    )
    assert nothing == b""
    assert error_of(head) == error_of(dripped) == (408, "head_timeout")
    head_of_answer, _, told = body.partition(b"\r\n\r\n")
    assert b" 408 " in head_of_answer
    assert b'"body_timeout"' in told


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"GET /health HTTP/1.1\r\nHost: miner\r\nX-API-Key : secret-words\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (HEAD.encode() + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (HEAD.encode() + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n", 400),
        (b"GET /health HTTP/1.1\r\nX-Long: " + b"x" * 100_000, 431),
    ],
)
async def test_what_is_no_http_is_answered_in_the_error_form(
    address: str, sent: bytes, status: int
) -> None:
    answer = await outcome(address, sent)
    assert error_of(answer) == (status, "malformed_http")
    assert b"secret-words" not in answer


@pytest.fixture
def few_files() -> Iterator[None]:
    """Processes started here may open 600 files, and so serve 216 connections."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (600, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def open_of(connections: list[Connection]) -> int:
    """How many of them the miner has not closed."""

    async def is_open(reader: asyncio.StreamReader) -> bool:
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(0.5):
                return bool(await reader.read(1))
        return not reader.at_eof()

    return sum(await asyncio.gather(*(is_open(reader) for reader, _ in connections)))


@pytest.mark.usefixtures("few_files")
@pytest.mark.parametrize("sent", [HALF_A_HEAD, HALF_A_BODY])
async def test_connections_that_wait_for_their_peers_make_way(
    tmp_path: Path, backend: Scripted, sent: bytes
) -> None:
    backend.default("Paris")
    async with (
        miner_process(miner_settings(tmp_path, backend)) as miner,
        client_of(miner.address) as client,
        AsyncExitStack() as opened,
    ):

        async def flood(count: int, sources: list[str]) -> list[Connection]:
            return [
                await opened.enter_async_context(
                    connected(miner.address, sent, sources[number % len(sources)])
                )
                for number in range(count)
            ]

        from_three = await flood(150, ["127.0.0.2", "127.0.0.3", "127.0.0.4"])
        from_one = await flood(150, ["127.0.0.5"])
        assert (await client.get("/health")).status_code == 200
        assert (await client.post("/complete", json=COMPLETE)).status_code == 200
        assert 90 <= await open_of(from_one) <= 108
        assert await open_of(from_three) >= 100


async def test_large_bodies_are_bounded_together(tmp_path: Path, backend: Scripted) -> None:
    backend.default("Paris")
    large = json.dumps({**COMPLETE, "more": "x" * 990_000}).encode()
    half = large[:-1]
    settings = miner_settings(tmp_path, backend, max_body_bytes=1_000_000)
    head = f"{HEAD}Content-Length: {len(large)}\r\nConnection: close\r\n\r\n".encode()
    async with (
        miner_process(settings) as miner,
        client_of(miner.address) as client,
        AsyncExitStack() as opened,
    ):
        held = [
            await opened.enter_async_context(connected(miner.address, head + half))
            for _ in range(8)
        ]
        refused = await until_refused(client, large)
        assert refused.json()["error"] == "at_capacity"
        assert int(refused.headers["Retry-After"]) >= 1
        assert (await client.post("/complete", json=COMPLETE)).status_code == 200
        for reader, writer in held:
            writer.write(large[-1:])
            assert b" 200 " in await reader.readline()
        assert (await client.post("/complete", content=large)).status_code == 200


async def until_refused(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    for _ in range(50):
        response = await client.post("/complete", content=body)
        if response.status_code == 503:
            return response
        await asyncio.sleep(0.1)
    raise AssertionError("large bodies were never refused")


@pytest.fixture(scope="module")
def stormed_miner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinerProcess]:
    folder = tmp_path_factory.mktemp("miner")
    with Scripted() as backend, running_miner(folder, backend.base_url, descriptors=600) as miner:
        backend.default("Paris")
        yield miner


@pytest.mark.parametrize(
    ("storm", "allowed"),
    [
        ("headers", {"closed", "kept open"}),
        ("bodies", {"closed", "kept open"}),
        ("large", {"200", "503"}),
        ("addresses", {"401"}),
        ("callers", {"200", "503"}),
    ],
)
async def test_who_asks_during_a_storm_is_answered(
    stormed_miner: MinerProcess, storm: str, allowed: set[str]
) -> None:
    subject = Subject(stormed_miner)
    few = "--connections 300 --bodies 12 --addresses 500 --callers 80 --seconds 3 --pause 0"
    seen = await stormed(storm, subject, parser().parse_args(few.split()))
    assert set(seen.answers) <= allowed
    assert set(subject.health.answers) == {"200"}
    assert set(subject.complete.answers) <= {"200", "503"}
    assert subject.complete.answers["200"]
    if storm in ("headers", "bodies"):
        assert seen.answers["closed"] >= 300 - 216

"""How much and how often."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from running_miner import COMPLETE, client_of, miner_settings, serving
from scripted import Scripted
from support import free_port

LARGEST = 4096


async def test_a_key_has_its_rate_and_another_key_its_own(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default("Paris")
    settings = miner_settings(tmp_path, backend, rate_limit="2/day", miner_api_key="key-a,key-b")
    with serving(settings) as address:
        async with client_of(address, "key-a") as first, client_of(address, "key-b") as second:
            assert (await first.post("/complete", json=COMPLETE)).status_code == 200
            assert (await first.get("/capabilities")).status_code == 200
            limited = await first.post("/complete", json=COMPLETE)
            assert limited.status_code == 429
            assert limited.json()["error"] == "rate_limited"
            assert int(limited.headers["Retry-After"]) >= 1
            assert (await first.get("/health")).status_code == 200
            assert (await second.post("/complete", json=COMPLETE)).status_code == 200


async def test_a_redis_that_is_gone_does_not_take_the_miner_down(
    tmp_path: Path, backend: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    backend.default("Paris")
    redis = f"redis://:a-secret-of-redis@127.0.0.1:{free_port()}/0"
    settings = miner_settings(tmp_path, backend, rate_limit="3/day", redis_url=redis)
    with serving(settings) as address:
        async with client_of(address) as client:
            statuses = [
                (await client.post("/complete", json=COMPLETE)).status_code for _ in range(4)
            ]
    assert statuses == [200, 200, 200, 429]
    logged = capfd.readouterr().err
    assert logged.count("Redis does not answer") == 1
    assert "a-secret-of-redis" not in logged


async def test_replicas_share_a_rate_through_redis(
    tmp_path: Path, backend: Scripted, redis: str
) -> None:
    shared = {"rate_limit": "3/day", "redis_url": redis}
    with (
        serving(miner_settings(tmp_path / "one", backend, **shared)) as one,
        serving(miner_settings(tmp_path / "two", backend, **shared)) as two,
    ):
        statuses = []
        for address in (one, two, one, two, one):
            async with client_of(address) as client:
                statuses.append((await client.get("/conversations")).status_code)
    assert statuses == [200, 200, 200, 429, 429]


@pytest.mark.parametrize(
    ("trusted", "forwarded", "counted_apart"),
    [
        (None, ["10.0.0.1", "10.0.0.2"], False),
        ("127.0.0.1", ["10.0.0.1", "10.0.0.2"], True),
        ("127.0.0.1", ["10.0.0.1, 10.0.0.9", "10.0.0.2, 10.0.0.9"], False),
        ("127.0.0.0/8,10.0.0.9", ["10.0.0.1, 10.0.0.9", "10.0.0.2, 10.0.0.9"], True),
        ("192.168.0.0/16", ["10.0.0.1", "10.0.0.2"], False),
    ],
)
async def test_a_forwarded_address_is_believed_from_trusted_proxies_alone(
    tmp_path: Path,
    backend: Scripted,
    *,
    trusted: str | None,
    forwarded: list[str],
    counted_apart: bool,
) -> None:
    limits = {"auth_failure_limit": "1/day", "trusted_proxies": trusted}
    with serving(miner_settings(tmp_path, backend, **limits)) as address:
        async with client_of(address, "wrong") as guesser:
            statuses = [
                (await guesser.get("/", headers={"X-Forwarded-For": sent})).status_code
                for sent in forwarded
            ]
    assert statuses == [401, 401 if counted_apart else 429]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A miner that takes bodies of up to `LARGEST` bytes."""
    with Scripted() as backend:
        backend.default("Paris")
        data = tmp_path_factory.mktemp("data")
        with serving(miner_settings(data, backend, max_body_bytes=LARGEST)) as address:
            yield address


def body_of(size: int) -> bytes:
    empty = json.dumps({**COMPLETE, "input": ""})
    return json.dumps({**COMPLETE, "input": "x" * (size - len(empty))}).encode()


async def in_chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_may_be_as_large_as_the_limit(small: str, chunked: bool) -> None:
    body = body_of(LARGEST)
    assert len(body) == LARGEST
    async with client_of(small) as client:
        response = await client.post("/complete", content=in_chunks(body) if chunked else body)
    assert response.status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_one_byte_more_is_refused(small: str, chunked: bool) -> None:
    body = body_of(LARGEST + 1)
    async with client_of(small) as client:
        response = await client.post("/complete", content=in_chunks(body) if chunked else body)
    assert response.status_code == 413
    assert response.json()["error"] == "body_too_large"
    assert str(LARGEST) in response.json()["detail"]


async def test_a_body_that_never_ends_is_refused_while_it_comes(small: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            sent += 65_536
            yield b"x" * 65_536

    async with client_of(small) as client:
        try:
            response = await client.post("/complete", content=endless())
        except (httpx.WriteError, httpx.ReadError):
            pass  # the refusal came while the client still wrote
        else:
            assert response.status_code == 413
        assert (await client.post("/complete", json=COMPLETE)).status_code == 200


async def test_a_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, backend: Scripted
) -> None:
    with serving(miner_settings(tmp_path, backend, deadline_seconds=0.5)) as address:
        reader, writer = await asyncio.open_connection(*address.removeprefix("http://").split(":"))
        writer.write(
            b"POST /complete HTTP/1.1\r\nHost: miner\r\nX-API-Key: test-key\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        status = await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert b" 504 " in status

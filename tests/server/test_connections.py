"""Connections that are not just a request and its answer."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from running_miner import COMPLETE, KEY, client_of, miner_settings, serving
from scripted import Scripted

BODY = json.dumps(COMPLETE).encode()
LARGEST = 4096


def head(method: str, path: str, *lines: str, key: str = KEY) -> bytes:
    return "\r\n".join(
        [f"{method} {path} HTTP/1.1", "Host: miner", f"X-API-Key: {key}", *lines, "", ""]
    ).encode()


@contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        yield connection


def answered(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the next answer."""
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        lines = iter(stream.readline, b"\r\n")
        pairs = (line.decode().rstrip().split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in pairs}
        return status, headers, stream.read(int(headers["content-length"]))


def keep_sending(connection: socket.socket, chunk: bytes, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection.sendall(chunk)
        time.sleep(0.01)


@pytest.mark.parametrize(
    "offer",
    [
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAI"),
        ("Connection: Upgrade", "Upgrade: TLS/1.2"),
    ],
)
def test_an_offer_to_upgrade_is_answered_as_if_it_were_none(
    address: str,
    shared_backend: Scripted,
    offer: tuple[str, ...],
    capfd: pytest.CaptureFixture[str],
) -> None:
    shared_backend.default("Paris")
    with connected(address) as connection:
        for _ in range(2):
            request = head("POST", "/complete", *offer, f"Content-Length: {len(BODY)}")
            connection.sendall(request + BODY)
            status, _, body = answered(connection)
            assert status == 200
            assert json.loads(body)["response"] == "Paris"
    assert capfd.readouterr().err == ""


def test_a_websocket_handshake_is_a_request_like_any_other(address: str) -> None:
    handshake = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    handshake = (*handshake, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    for key, expected, error in [("wrong", 401, "unauthorized"), (KEY, 404, "not_found")]:
        with connected(address) as connection:
            connection.sendall(head("GET", "/ws", *handshake, key=key))
            status, headers, body = answered(connection)
        assert status == expected
        told = json.loads(body)
        assert told["error"] == error
        assert told["request_id"] == headers["x-request-id"]


async def test_the_longest_query_fits(client: httpx.AsyncClient, cid: str) -> None:
    response = await client.get(f"/playbook/{cid}/context", params={"query": "\U0001f4d6" * 4000})
    assert response.status_code == 200


async def until_served(client: httpx.AsyncClient) -> None:
    """Wait for the only place, which a stream that is not read could hold for seven seconds."""
    for _ in range(40):
        response = await client.post("/complete", json=COMPLETE)
        if response.status_code == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the place was not given back")


async def test_a_stream_that_nobody_reads_gives_its_place_back(
    tmp_path: Path, backend: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    backend.default("Paris")
    settings = miner_settings(tmp_path, backend, max_concurrency=1, deadline_seconds=1)
    # What comes back is more than the buffers of both ends take.
    item = {"user_query": "What is the capital of France?", "kept": "x" * 9_000_000}
    body = json.dumps({"cid": "c", "task": "t", "input": [item]}).encode()
    events = ("Accept: text/event-stream", f"Content-Length: {len(body)}")
    with serving(settings) as address, connected(address) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.to_thread(connection.sendall, head("POST", "/complete", *events) + body)
        async with client_of(address) as client:
            await until_served(client)
        logged = ""
        async with asyncio.timeout(30):
            while "does not read its stream" not in logged:
                logged += capfd.readouterr().err
                await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A miner that takes bodies of up to `LARGEST` bytes."""
    with Scripted() as backend:
        backend.default("Paris")
        data = tmp_path_factory.mktemp("data")
        settings = miner_settings(
            data, backend, max_body_bytes=LARGEST, auth_failure_limit="1000/minute"
        )
        with serving(settings) as address:
            yield address


@pytest.mark.parametrize(("key", "refusal"), [("wrong", 401), (KEY, 413)])
def test_a_refused_body_without_end_is_not_read_for_ever(
    small: str, key: str, refusal: int
) -> None:
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    with connected(small) as connection:
        connection.sendall(head("POST", "/complete", "Transfer-Encoding: chunked", key=key))
        connection.sendall(chunk * 2)
        status, headers, _ = answered(connection)
        assert status == refusal
        assert headers["connection"] == "close"
        with pytest.raises(ConnectionError):
            keep_sending(connection, chunk, seconds=20)


@pytest.mark.parametrize(("key", "refusal"), [("wrong", 401), (KEY, 413)])
def test_a_refused_body_that_is_sent_whole_gets_its_answer(
    small: str, key: str, refusal: int
) -> None:
    size = 20_000_000
    with connected(small) as connection:
        connection.sendall(head("POST", "/complete", f"Content-Length: {size}", key=key))
        connection.sendall(b"x" * size)
        status, _, _ = answered(connection)
    assert status == refusal


def test_a_connection_outlives_the_refusal_of_a_short_body(small: str) -> None:
    length = f"Content-Length: {len(BODY)}"
    with connected(small) as connection:
        for key, expected in (("wrong", 401), (KEY, 200)):
            connection.sendall(head("POST", "/complete", length, key=key) + BODY)
            status, _, _ = answered(connection)
            assert status == expected


async def test_an_idle_connection_is_kept_longer_than_clients_keep_theirs(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for idle in (0, 6):
        await asyncio.sleep(idle)
        writer.write(b"GET /health HTTP/1.1\r\nHost: miner\r\n\r\n")
        assert b" 200 " in (await reader.readuntil(b"}")).partition(b"\r\n")[0]
    writer.close()
    await writer.wait_closed()

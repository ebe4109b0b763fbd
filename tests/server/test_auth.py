"""Who is let in, who is not, and what each is told."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from running_miner import COMPLETE, KEY, client_of, miner_settings, serving
from scripted import Scripted

OPEN = ("/health", "/ready", "/capabilities", "/docs", "/redoc", "/openapi.json")
CLOSED = [
    ("POST", "/complete"),
    ("POST", "/feedback"),
    ("POST", "/refine"),
    ("POST", "/human_feedback"),
    ("POST", "/capabilities"),
    ("GET", "/"),
    ("GET", "/metrics"),
    ("GET", "/conversations"),
    ("GET", "/playbook/c"),
    ("DELETE", "/users/c"),
    ("GET", "/nowhere"),
    ("POST", "/health"),
    ("DELETE", "/docs"),
]


@pytest.mark.parametrize("key", [None, "", "wrong", f"{KEY}x", KEY[:-1], KEY.upper(), "é" * 500])
@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_nothing_is_served_without_a_right_key(
    roomy: str, method: str, path: str, key: str | None
) -> None:
    headers = {} if key is None else {"X-API-Key": key.encode()}
    async with client_of(roomy, None) as client:
        response = await client.request(method, path, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "ApiKey"
    told = response.json()
    assert told.pop("request_id") == response.headers["X-Request-ID"]
    assert told == {"error": "unauthorized", "detail": "send your key in the header X-API-Key"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"Authorization": f"bearer  {KEY}"}, 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {KEY}"}, 401),
        ({"Authorization": KEY}, 401),
        ({"Authorization": f"Bearer {KEY}", "X-API-Key": "wrong"}, 401),
        ({"Authorization": "Bearer wrong", "X-API-Key": KEY}, 200),
    ],
)
async def test_a_bearer_token_is_the_same_as_the_key(
    roomy: str, headers: dict[str, str], status: int
) -> None:
    async with client_of(roomy, None) as client:
        for path in ("/metrics", "/conversations"):
            assert (await client.get(path, headers=headers)).status_code == status


async def test_guesses_in_bearer_tokens_are_limited_too(tmp_path: Path, backend: Scripted) -> None:
    guess = {"Authorization": "Bearer wrong"}
    with serving(miner_settings(tmp_path, backend, auth_failure_limit="2/day")) as address:
        async with client_of(address, None) as guesser:
            statuses = [
                (await guesser.get("/metrics", headers=guess)).status_code for _ in range(3)
            ]
    assert statuses == [401, 401, 429]


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A miner that endures many wrong keys."""
    with Scripted() as backend:
        data = tmp_path_factory.mktemp("data")
        settings = miner_settings(data, backend, auth_failure_limit="100000/minute")
        with serving(settings) as address:
            yield address


@pytest.mark.parametrize("path", OPEN)
async def test_what_machines_ask_and_docs_are_open(address: str, path: str) -> None:
    async with client_of(address, None) as client:
        response = await client.get(path)
    assert response.status_code == 200


async def test_a_body_without_a_key_is_not_read(address: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            sent += 65_536
            yield b"x" * 65_536

    async with client_of(address, None) as client:
        try:
            response = await client.post("/complete", content=endless())
        except (httpx.WriteError, httpx.ReadError):
            return
    assert response.status_code == 401


async def test_each_of_several_keys_is_right(tmp_path: Path, backend: Scripted) -> None:
    backend.default("Paris")
    settings = miner_settings(tmp_path, backend, miner_api_key="old-key-1, new-key-2")
    with serving(settings) as address:
        for key, status in [("old-key-1", 200), ("new-key-2", 200), ("old-key-1, new-key-2", 401)]:
            async with client_of(address, key) as client:
                response = await client.post("/complete", json=COMPLETE)
            assert response.status_code == status


async def test_wrong_keys_are_limited_by_address_and_the_right_one_still_served(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default("Paris")
    settings = miner_settings(tmp_path, backend, auth_failure_limit="3/day")
    with serving(settings) as address:
        async with client_of(address, "wrong") as guesser, client_of(address) as caller:
            statuses = [(await guesser.get("/")).status_code for _ in range(3)]
            assert statuses == [401, 401, 401]
            limited = await guesser.get("/")
            assert limited.status_code == 429
            assert limited.json()["error"] == "too_many_wrong_keys"
            assert int(limited.headers["Retry-After"]) >= 1
            assert (await caller.post("/complete", json=COMPLETE)).status_code == 200
            assert (await guesser.get("/health")).status_code == 200
        async with client_of(address, None) as stranger:
            assert (await stranger.get("/")).status_code == 401


async def test_guesses_at_health_count_too(tmp_path: Path, backend: Scripted) -> None:
    with serving(miner_settings(tmp_path, backend, auth_failure_limit="2/day")) as address:
        async with client_of(address, "wrong") as guesser:
            for _ in range(2):
                response = await guesser.get("/health")
                assert response.json() == {"status": "healthy"}
            assert (await guesser.get("/")).status_code == 429

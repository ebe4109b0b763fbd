"""What callers are told when the model's backend fails, and what they are not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from running_miner import COMPLETE, client_of, miner_settings, serving
from scripted import Disconnect, Hang, HangAfter, Refuse, Reply, Scripted, Status

SECRET = "sk-raw-words-of-the-backend"


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scripted, str]]:
    """A miner with little time."""
    with Scripted() as backend:
        data = tmp_path_factory.mktemp("data")
        with serving(miner_settings(data, backend, deadline_seconds=2)) as address:
            yield backend, address


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        (Status(401, message=SECRET), 502, "backend_refused"),
        (Status(404, message=SECRET), 502, "backend_refused"),
        (Refuse("temperature"), 502, "backend_refused"),
        (Status(500, message=SECRET), 503, "backend_unavailable"),
        (Status(429, message=SECRET, retry_after=60), 503, "backend_unavailable"),
        (Disconnect(""), 503, "backend_unavailable"),
        (Hang(), 504, "deadline_passed"),
    ],
)
async def test_a_failing_backend_is_told_in_the_error_form(
    hurried: tuple[Scripted, str], reply: Reply, status: int, error: str
) -> None:
    backend, address = hurried
    backend.reset()
    backend.default(reply)
    async with client_of(address) as client:
        response = await client.post("/complete", json=COMPLETE)
    assert response.status_code == status
    told = response.json()
    assert set(told) == {"error", "detail", "request_id"}
    assert told["error"] == error
    assert SECRET not in response.text
    assert backend.base_url not in response.text
    assert COMPLETE["task"] not in response.text
    assert ("Retry-After" in response.headers) == (status == 503)


async def test_the_backends_own_retry_after_is_passed_on(hurried: tuple[Scripted, str]) -> None:
    backend, address = hurried
    backend.reset()
    backend.default(Status(429, retry_after=60))
    async with client_of(address) as client:
        response = await client.post("/complete", json=COMPLETE)
    assert response.headers["Retry-After"] == "60"


async def test_what_came_before_the_deadline_is_the_answer(hurried: tuple[Scripted, str]) -> None:
    backend, address = hurried
    backend.reset()
    backend.default(HangAfter("Paris is the"))
    async with client_of(address) as client:
        response = await client.post("/complete", json=COMPLETE)
    assert response.status_code == 200
    assert response.json()["response"].strip() == "Paris is the"
    assert response.headers["X-Miner-Truncated"] == "deadline"
    assert response.headers["X-Miner-Stopped-By-Deadline"] == "true"


async def test_an_unreachable_backend_is_a_503_until_it_is_back(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default("Paris")
    with serving(miner_settings(tmp_path, backend, deadline_seconds=2)) as address:
        async with client_of(address) as client:
            backend.stop()
            gone = await client.post("/complete", json=COMPLETE)
            backend.start()
            back = await client.post("/complete", json=COMPLETE)
    assert gone.status_code == 503
    assert gone.json()["error"] == "backend_unavailable"
    assert back.status_code == 200

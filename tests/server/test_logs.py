"""What is in the log, and what is never."""

import asyncio
import json
import logging
import time
from pathlib import Path

import httpx
import pytest
import structlog
from starlette.types import Receive, Scope, Send

from running_miner import COMPLETE, KEY, client_of, miner_settings, serving
from scripted import Hang, Scripted, Status, until
from server import logs
from server.middleware.last_resort import LastResort
from server.middleware.request_context import RequestContextMiddleware
from settings import Settings

MOMENT = 0.2  # seconds


async def test_each_request_is_one_line_of_json_without_secrets(
    tmp_path: Path, backend: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    backend.when("What is the capital", "a word of the model").default(Status(401, message="raw"))
    settings = miner_settings(tmp_path, backend, log_format="json", log_level="debug")
    with serving(settings) as address:
        async with client_of(address) as client:
            answered = await client.post("/complete?token=a-word-of-the-query", json=COMPLETE)
            refused = await client.post(
                "/complete", json={**COMPLETE, "cid": "d", "task": "a-word-of-mine"}
            )
            missing = await client.get("/nowhere?token=a-word-of-the-query")
            await client.get("/health", headers={"X-API-Key": "a-wrong-key"})
    logged = capfd.readouterr().err
    lines = [json.loads(line) for line in logged.splitlines()]
    requests = {line["request_id"]: line for line in lines if line["event"] == "request"}
    assert len(requests) == 4
    line = requests[answered.headers["X-Request-ID"]]
    assert line["method"] == "POST"
    assert line["path"] == "/complete"
    assert line["component"] == "complete"
    assert line["status"] == 200
    assert line["ms"] > 0
    assert requests[refused.headers["X-Request-ID"]]["status"] == 502
    assert requests[missing.headers["X-Request-ID"]]["path"] == "/nowhere"
    secrets = [KEY, "a-wrong-key", "EMPTY", "a word of the model", "a-word-of-mine"]
    secrets += ["a-word-of-the-query", "capital of France", "raw"]
    assert not [secret for secret in secrets if secret in logged]


async def test_a_caller_that_left_is_logged_as_such(
    tmp_path: Path, backend: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    backend.default(Hang())
    with serving(miner_settings(tmp_path, backend, log_format="json", log_level="info")) as address:
        async with client_of(address) as client:
            call = asyncio.create_task(client.post("/complete", json=COMPLETE))
            await until(lambda: backend.in_flight)
            call.cancel()
            await until(lambda: backend.requests[0].disconnected)
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    [line] = [line for line in lines if line["event"] == "request"]
    assert line["status"] == 499


async def test_a_bug_is_a_500_and_its_place_is_logged_without_what_it_says(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        prompt = "a-word-of-the-prompt"
        try:
            raise KeyError(prompt)
        except KeyError as error:
            raise ValueError(f"cannot do {prompt}") from error

    logs.configure(settings)
    app = RequestContextMiddleware(LastResort(broken), deadline_seconds=1)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://m") as client:
        response = await client.get("/")
    assert response.status_code == 500
    told = response.json()
    assert told["error"] == "internal_error"
    assert told["request_id"] == response.headers["X-Request-ID"]
    logged = capfd.readouterr().err
    assert told["request_id"] in logged
    assert "ValueError" in logged
    assert "KeyError" in logged
    assert "test_logs.py" in logged
    assert "a-word-of-the-prompt" not in logged + response.text


async def test_a_stream_that_failed_is_logged_with_its_error(
    tmp_path: Path, backend: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    backend.default(Status(401))
    with serving(miner_settings(tmp_path, backend, log_format="json", log_level="info")) as address:
        async with client_of(address) as client:
            response = await client.post(
                "/complete", json=COMPLETE, headers={"Accept": "text/event-stream"}
            )
    assert response.status_code == 200
    assert "event: error" in response.text
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    [line] = [line for line in lines if line["event"] == "request"]
    assert line["status"] == 502


async def test_a_failure_of_many_requests_is_logged_once(
    tmp_path: Path, backend: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    backend.default(Status(401))
    with serving(miner_settings(tmp_path, backend, log_format="json")) as address:
        async with client_of(address) as client:
            for _ in range(3):
                assert (await client.post("/complete", json=COMPLETE)).status_code == 502
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["model call failed", "request failed"]


def test_a_warning_that_goes_on_is_logged_now_and_then(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure(settings.model_copy(update={"log_format": "json"}))
    [handler] = logging.getLogger().handlers[-1:]
    handler.filters[-1] = logs.Seldom(MOMENT)
    log = structlog.get_logger("server.of-this-test")
    for number, store in enumerate(("playbook", "playbook", "history", "playbook")):
        log.warning("does not answer", store=store, request_id=str(number))
    time.sleep(MOMENT)
    log.warning("does not answer", store="playbook", request_id="last")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    told = [(line["request_id"], line.get("unsaid")) for line in lines]
    assert told == [("0", None), ("2", None), ("last", 2)]

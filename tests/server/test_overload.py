"""More than it can do, callers that leave, and the order to stop."""

import asyncio
import signal
import threading
from pathlib import Path

import httpx
import pytest

from running_miner import COMPLETE, KEY, client_of, miner_process, miner_settings, serving
from scripted import Hang, Held, Scripted, until

HUMAN = {"cid": "c", "human_feedback": "I only want answers in French."}


async def test_beyond_the_places_one_waits_a_while_and_then_gets_a_503(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.when("slow", Hang()).default("Paris")
    slow = {**COMPLETE, "task": "slow"}
    settings = miner_settings(tmp_path, backend, max_concurrency=2, deadline_seconds=20)
    with serving(settings) as address:
        async with client_of(address) as client:
            running = [asyncio.create_task(client.post("/complete", json=slow)) for _ in range(2)]
            await until(lambda: backend.in_flight == 2)
            refused = await client.post("/feedback", json={**COMPLETE, "output": "Lyon"})
            assert refused.status_code == 503
            assert refused.json()["error"] == "at_capacity"
            assert int(refused.headers["Retry-After"]) >= 1
            waiting = [
                asyncio.create_task(client.post("/complete", json=COMPLETE)) for _ in range(2)
            ]
            assert (await client.get("/capabilities")).status_code == 200
            waiting.pop().cancel()
            running.pop().cancel()
            assert (await waiting.pop()).status_code == 200
            assert (await client.post("/complete", json=COMPLETE)).status_code == 200
            running.pop().cancel()


@pytest.mark.parametrize("component", ["complete", "human_feedback"])
async def test_a_caller_that_goes_away_ends_the_model_call(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str
) -> None:
    shared_backend.default(Hang())
    body = COMPLETE if component == "complete" else HUMAN
    call = asyncio.create_task(client.post(f"/{component}", json=body))
    await until(lambda: shared_backend.in_flight)
    call.cancel()
    await until(lambda: shared_backend.requests[0].disconnected)
    shared_backend.default("Paris")
    assert (await client.post("/complete", json=COMPLETE)).status_code == 200


async def test_a_caller_that_leaves_in_the_middle_of_its_body_costs_nothing(
    client: httpx.AsyncClient, address: str, shared_backend: Scripted
) -> None:
    host, port = address.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /complete HTTP/1.1\r\nHost: miner\r\nX-API-Key: "
        + KEY.encode()
        + b"\r\nContent-Length: 100\r\n\r\n{"
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    shared_backend.default("Paris")
    assert (await client.post("/complete", json=COMPLETE)).status_code == 200
    assert len(shared_backend.requests) == 1


async def test_sigterm_lets_the_running_request_finish(tmp_path: Path, backend: Scripted) -> None:
    released = threading.Event()
    backend.default(Held("Paris", released))
    async with miner_process(miner_settings(tmp_path, backend)) as miner:
        async with client_of(miner.address) as client, client_of(miner.address) as late:
            running = asyncio.create_task(client.post("/complete", json=COMPLETE))
            await until(lambda: backend.in_flight)
            miner.process.send_signal(signal.SIGTERM)
            await until_closed(miner.address)
            with pytest.raises(httpx.ConnectError):
                await late.post("/complete", json=COMPLETE)
            released.set()
            response = await running
        assert response.status_code == 200
        assert response.json()["response"] == "Paris"
        assert await miner.ended() == -signal.SIGTERM
        assert miner.logged() == ""


async def until_closed(address: str) -> None:
    """Wait until nobody listens at `address` any more."""
    host, port = address.removeprefix("http://").split(":")
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, int(port))
            except ConnectionRefusedError:
                return
            writer.close()
            await asyncio.sleep(0.02)

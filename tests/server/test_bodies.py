"""Bodies that are no JSON, that nearly are, and that cost more than they look."""

import asyncio
import time

import httpx
import pytest

from running_miner import COMPLETE, client_of
from scripted import Scripted

ASKED = '{"cid": "c", "task": "What is the capital of France?", "input": '
PATIENCE = 8.0  # seconds; half a second is needed, on a machine with nothing else to do


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("text", ["plain", r"half of a pair \ud83d"])
async def test_what_is_no_number_of_json_is_malformed(
    client: httpx.AsyncClient, number: str, text: str
) -> None:
    body = f'{ASKED}[{{"user_query": "{text}", "score": {number}}}]}}'
    response = await client.post("/complete", content=body)
    assert response.status_code == 400
    assert response.json()["error"] == "malformed_json"


async def test_a_number_that_cannot_be_echoed_is_refused(client: httpx.AsyncClient) -> None:
    body = f'{ASKED}[{{"user_query": "plain", "scores": [{{"a": 1e999}}]}}]}}'
    response = await client.post("/complete", content=body)
    assert response.status_code == 422
    [wrong] = response.json()["detail"]
    assert wrong["field"] == "input.0"
    assert "number" in wrong["message"]


async def test_a_byte_order_mark_is_passed_over(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("Paris")
    response = await client.post("/complete", content=f'\ufeff{ASKED}"One word."}}'.encode())
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (r"\ud83d", "?"),
        (r"\ude00", "?"),
        (r"\ud83d\ud83d\ude00", "?\U0001f600"),
        (r"\ud83d\\ude00", r"?\ude00"),
        (r"\\ud83d \ud83d", r"\ud83d ?"),
        (r"\n\u00e9\uD83D", "\né?"),
    ],
)
async def test_half_of_a_pair_is_a_question_mark(
    client: httpx.AsyncClient, shared_backend: Scripted, sent: str, read: str
) -> None:
    shared_backend.default("Paris")
    body = f'{ASKED}[{{"user_query": "a{sent}b"}}]}}'
    response = await client.post("/complete", content=body)
    assert response.json()["input"] == [{"user_query": f"a{read}b"}]


async def slowest_health(address: str, path: str, body: bytes) -> tuple[float, httpx.Response]:
    """How long others had to wait for an answer while this body was worked on."""
    async with client_of(address) as client, client_of(address, None) as other:
        call = asyncio.create_task(client.post(path, content=body))
        slowest = 0.0
        while not call.done():
            began = time.monotonic()
            await other.get("/health")
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0.01)
        return slowest, await call


@pytest.mark.parametrize(
    "wrong",
    [b"0", b"{}", b'{"node_id": "0", "created_at": "x", "versions": [0, 0, 0, 0, 0, 0, 0]}'],
)
async def test_an_import_of_many_wrong_entries_is_refused_at_the_first(
    address: str, cid: str, wrong: bytes
) -> None:
    entries = b",".join([wrong] * 20_000)
    body = b'{"cid": "x", "entries": [' + entries + b"]}"
    slowest, response = await slowest_health(address, f"/playbook/{cid}/import", body)
    assert response.status_code == 422
    assert response.json()["detail"][0]["field"].startswith("entries")
    assert slowest < PATIENCE


@pytest.mark.parametrize("path", ["/complete", "/v1/chat/completions", "/playbook/c/import"])
@pytest.mark.parametrize(("unit", "many"), [("[]", 130_000), ('{"a":[]}', 90_000), ('""', 260_000)])
async def test_a_body_of_too_many_values_is_refused_before_they_are_made(
    client: httpx.AsyncClient, path: str, unit: str, many: int
) -> None:
    body = f'{{"cid": "c", "more": [{",".join([unit] * many)}]}}'
    response = await client.post(path, content=body)
    assert response.status_code == 422
    assert "250000 values" in response.text


async def test_what_strings_say_is_no_value(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("Paris")
    said = r"\\[{,\"," * 100_000
    body = f'{ASKED}"One word.", "more": ["{said}", "\\\\"]}}'
    assert (await client.post("/complete", content=body)).status_code == 200


async def test_an_import_has_at_most_as_many_entries_as_a_playbook_can(
    client: httpx.AsyncClient, cid: str
) -> None:
    when = "2026-01-01T00:00:00Z"
    state = {"version": 1, "content": "Answer in French", "at": when}
    entries = [
        {"node_id": f"{number:032x}", "created_at": when, "versions": [state]}
        for number in range(1001)
    ]
    body = {"cid": "x", "entries": entries}
    response = await client.post(f"/playbook/{cid}/import", json=body)
    assert response.status_code == 422
    assert response.json()["detail"][0]["field"] == "entries"


async def test_an_item_with_many_values_is_refused(client: httpx.AsyncClient) -> None:
    values = "[]," * 100_000 + "[]"
    body = f'{ASKED}[{{"user_query": "One word.", "echoed": [{values}]}}]}}'
    response = await client.post("/complete", content=body)
    assert response.status_code == 422
    [wrong] = response.json()["detail"]
    assert wrong["field"] == "input.0"
    assert "at most" in wrong["message"]


async def test_an_item_may_carry_many_names_of_its_own(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("Paris")
    item = {"user_query": COMPLETE["task"], "more": {str(number): [] for number in range(999)}}
    body = {"cid": "c", "task": "t", "input": [item]}
    response = await client.post("/complete", json=body)
    assert response.json()["input"] == [item]
    item["one more"] = 1
    assert (await client.post("/complete", json=body)).status_code == 422

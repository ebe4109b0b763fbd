"""Summaries: in one pass, piece by piece, and what is told of the pieces that were not read."""

import re
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import httpx
import pytest

from orchestrator import NO_UPDATE, Json, ask, body
from running_miner import client_of, miner_settings, serving
from scripted import Hang, Recorded, Scripted, Status

WINDOW = 4096


def output(said: str, notebook: str = NO_UPDATE) -> Json:
    told = {"immediate_response": said, "notebook": notebook}
    return {"task": "t", "input": [{"user_query": "q"}], "output": told, "component": "complete"}


def is_note(request: Recorded) -> bool:
    return "Note what matters in this part" in request.prompt


def notes_of(request: Recorded) -> str:
    """A reply to the prompt of one piece: the first facts that stand in it."""
    return " ".join(re.findall(r"fact-\d+ ", request.prompt)[:20]) or "nothing"


@pytest.fixture(scope="module")
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    with Scripted() as backend:
        backend.max_model_len = WINDOW
        data = tmp_path_factory.mktemp("data")
        with serving(miner_settings(data, backend, deadline_seconds=10)) as address:
            yield SimpleNamespace(backend=backend, address=address)


@pytest.fixture
def small_backend(_small: SimpleNamespace) -> Scripted:
    backend: Scripted = _small.backend
    backend.reset()
    return backend


@pytest.fixture
async def small(
    _small: SimpleNamespace, small_backend: Scripted
) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of a miner with a small window and a short deadline."""
    async with client_of(str(_small.address)) as client:
        yield client


def material(size: int) -> list[Json]:
    """Outputs of `size` characters in all, with a fact now and then."""
    text = "".join(f"fact-{number} and much else besides it. " for number in range(size // 36))
    half = len(text) // 2
    return [output(text[:half][:50_000]), output("A remark.", text[half:][:100_000])]


async def test_what_fits_is_summarised_in_one_pass(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("In short.")
    outputs = [output("It began in May."), output("See there.", "# A report\nIt ended in June.")]
    told = await ask(client, "summary", body("c", "Summarise", ["Only the months."], outputs))
    assert told["output"]["immediate_response"] == "In short."
    [request] = shared_backend.requests
    for words in ("It began in May.", "It ended in June.", "Only the months."):
        assert words in request.prompt


@pytest.mark.parametrize("outputs", [[], [output(" ")], [output("", "no update"), output("", "")]])
async def test_nothing_is_said_plainly_without_a_model_call(
    client: httpx.AsyncClient, shared_backend: Scripted, outputs: list[Json]
) -> None:
    told = await ask(client, "summary", body("c", "Summarise", ["All."], outputs))
    assert told["output"]["immediate_response"].startswith("There is nothing to summarise")
    assert not shared_backend.requests


async def test_what_exceeds_the_window_is_read_piece_by_piece(
    small: httpx.AsyncClient, small_backend: Scripted
) -> None:
    small_backend.when(is_note, notes_of)
    small_backend.when("Notes 1", "All of it, in short.")
    sent = body("c", "Summarise", ["Only the facts."], material(40_000))
    response = await small.post("/summary", json=sent)
    assert response.json()["output"]["immediate_response"] == "All of it, in short."
    assert "X-Miner-Cut" not in response.headers
    *pieces, last = small_backend.requests
    assert len(pieces) > 3
    for piece in pieces:
        assert "Summarise" in piece.prompt
        assert "Only the facts." in piece.prompt
    told = "".join(request.prompt for request in pieces)
    for number in range(40_000 // 36):
        assert f"fact-{number} " in told
    assert "fact-3 " in last.prompt
    assert "Only the facts." in last.prompt
    assert not small_backend.unexpected


async def test_a_piece_that_fails_is_left_out_and_told(
    small: httpx.AsyncClient, small_backend: Scripted
) -> None:
    small_backend.when(
        lambda request: is_note(request) and "fact-3 " in request.prompt, Status(400)
    )
    small_backend.when(is_note, notes_of)
    small_backend.when("Notes 1", "What was read, in short.")
    sent = body("c", "Summarise", ["All."], material(40_000))
    response = await small.post("/summary", json=sent)
    assert response.json()["output"]["immediate_response"] == "What was read, in short."
    assert response.headers["X-Miner-Fallback"] == "parts not read"
    assert response.headers["X-Miner-Cut"].startswith("1 of ")
    assert response.headers["X-Miner-Stopped-By-Deadline"] == "false"


async def test_a_piece_that_is_late_is_left_out_and_told(
    small: httpx.AsyncClient, small_backend: Scripted
) -> None:
    small_backend.when(lambda request: is_note(request) and "fact-3 " in request.prompt, Hang())
    small_backend.when(is_note, notes_of)
    small_backend.when("Notes 1", "What was read, in short.")
    sent = body("c", "Summarise", ["All."], material(20_000))
    response = await small.post("/summary", json=sent)
    assert response.json()["output"]["immediate_response"] == "What was read, in short."
    assert response.headers["X-Miner-Cut"].startswith("1 of ")
    assert response.headers["X-Miner-Stopped-By-Deadline"] == "true"


async def test_where_no_piece_can_be_read_what_fits_is_summarised_and_told(
    small: httpx.AsyncClient, small_backend: Scripted
) -> None:
    small_backend.when(is_note, Status(400))
    small_backend.when("Earlier output 1", "The beginning and the end, in short.")
    sent = body("c", "Summarise", ["All."], material(20_000))
    response = await small.post("/summary", json=sent)
    assert response.json()["output"]["immediate_response"].startswith("The beginning")
    assert response.headers["X-Miner-Fallback"] == "parts not read"
    assert "Earlier output 2" in response.headers["X-Miner-Cut"]


async def test_of_twenty_long_outputs_none_is_passed_over(
    small: httpx.AsyncClient, small_backend: Scripted
) -> None:
    small_backend.when(is_note, lambda request: " ".join(re.findall(r"output-\d+", request.prompt)))
    small_backend.when("Notes 1", "All twenty, in short.")
    outputs = [
        output(f"output-{number} " + "was long. " * 4_900, f"output-{number} " + "wrote. " * 14_000)
        for number in range(20)
    ]
    sent = body("c", "Summarise", ["All."], outputs)
    response = await small.post("/summary", json=sent)
    assert response.json()["output"]["immediate_response"] == "All twenty, in short."
    assert "Earlier output 20" not in response.json()["output"]["immediate_response"]
    last = small_backend.requests[-1].prompt
    for number in range(20):
        assert f"output-{number}" in last
    assert response.headers["X-Miner-Cut"].startswith("Earlier output 1 (complete)")


async def test_a_backend_that_is_down_is_no_summary(
    small: httpx.AsyncClient, small_backend: Scripted
) -> None:
    small_backend.default(Status(401))
    response = await small.post("/summary", json=body("c", "Summarise", ["All."], material(20_000)))
    assert response.status_code == 502

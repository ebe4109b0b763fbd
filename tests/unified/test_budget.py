"""The largest request there can be against a small window: it fits, and what was cut is told."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from graphs.registry import Machines
from memory import Add, Conversations, Playbook
from nodes.llm.tokens import TokenCounter
from nodes.miner import Miner
from orchestrator import Json, body, checked
from running_miner import client_of, miner_settings, serving
from scripted import Recorded, Scripted
from server.wire.parse import parse
from settings import Settings
from support import make_settings

COMPONENTS = ["complete", "feedback", "refine", "summary", "aggregate"]
DEADLINE = 25
TASK = "Say which of the reports is right. " * 20
QUERIES = [f"What does report {number} say of foxes, and is it true?" for number in range(1, 6)]
ENGLISH = "The quick brown fox, it is said, jumps over the lazy dog; 17 times a day. "
MIXED = "Füchse 狐狸は速い 🦊 func(x) -> {a: [1, 2.5e-3]}; \\frac{1}{2} ＡＢＣ "


def largest(text: str) -> Json:
    """A request of 3,000,000 characters of previous outputs."""
    outputs = [
        {
            "task": "Report",
            "input": [{"user_query": "Foxes?"}],
            "output": {
                "immediate_response": (text * 50_000)[:50_000],
                "notebook": (f"# Report {number}\n" + text * 100_000)[:100_000],
            },
            "component": "complete",
        }
        for number in range(20)
    ]
    return body("ann", TASK, QUERIES, outputs)


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a miner with a full playbook and a long history."""
    data = tmp_path_factory.mktemp("remembered")
    asyncio.run(remember(make_settings(data)))
    return data


async def remember(settings: Settings) -> None:
    async with Playbook.open(settings) as playbook, playbook.writing("ann") as writer:
        for number in range(100):
            liking = f"In matters of topic {number} the user likes {'very ' * 20}short answers"
            await writer.apply([Add(liking, "content")])
    async with Conversations.open(settings) as conversations:
        for number in range(5):
            said = f"Long ago {number}. {ENGLISH * 60}"
            await conversations.append("ann", ("user", said), ("assistant", said))


class Opener:
    """Opens miners that remember much, in front of a model with a small window."""

    def __init__(self, data: Path, backend: Scripted) -> None:
        self._data = data
        self._backend = backend

    @asynccontextmanager
    async def __call__(self, window: int) -> AsyncIterator[httpx.AsyncClient]:
        self._backend.max_model_len = window
        self._backend.when("dealt with?", "OPEN: none").default("The third one.")
        settings = miner_settings(
            self._data, self._backend, deadline_seconds=DEADLINE, log_level="info"
        )
        with serving(settings) as address:
            async with client_of(address) as client:
                yield client


@pytest.fixture
def miner_with_window(tmp_path: Path, remembered: Path, backend: Scripted) -> Opener:
    return Opener(shutil.copytree(remembered, tmp_path / "data"), backend)


def by_characters(per_token: float) -> Callable[[str], list[int]]:
    """A tokenizer that takes so many characters for a token."""
    return lambda text: list(range(int(len(text) / per_token)))


COUNTER = TokenCounter()
TOKENIZERS = {
    "none": None,
    "the counter's own": lambda text: list(range(COUNTER.count(text))),
    "a finer one": by_characters(2.2),
    "a coarser one": by_characters(8),
}


def room_of(request: Recorded, tokenizer: Callable[[str], list[int]] | None) -> int:
    """Tokens that a call takes of the window: its prompt and the answer it asks for."""
    limit = request.limit
    assert limit is not None
    count = tokenizer or TOKENIZERS["the counter's own"]
    assert count is not None
    messages = request.body["messages"]
    prompt = "\n".join(message["content"] for message in messages)
    return len(count(prompt)) + 8 * len(messages) + limit[1]


@pytest.mark.parametrize(("window", "text"), [(8192, ENGLISH), (4096, MIXED)], ids=["8k", "4k"])
async def test_the_largest_request_fits_the_window_of_every_component(
    miner_with_window: Opener,
    backend: Scripted,
    capfd: pytest.CaptureFixture[str],
    window: int,
    text: str,
) -> None:
    sent = largest(text)
    async with miner_with_window(window) as client:
        for component in COMPONENTS:
            backend.requests.clear()
            async with asyncio.timeout(DEADLINE):
                response = await client.post(f"/{component}", json=sent)
            assert response.status_code == 200, response.text
            checked(sent, component, response.json())
            assert backend.requests
            for request in backend.requests:
                assert room_of(request, None) <= window
                assert TASK.strip() in request.prompt
            for query in QUERIES:
                assert query in backend.requests[0].prompt
            assert "Earlier output" in response.headers["X-Miner-Cut"]
            if component == "complete":
                assert "history, Earlier output 1" in response.headers["X-Miner-Cut"]
    logged = capfd.readouterr().err
    assert logged.count("prompt cut to the model's window") == len(COMPONENTS)


@pytest.mark.parametrize("name", TOKENIZERS)
async def test_the_models_own_count_decides_where_it_has_one(
    miner_with_window: Opener, backend: Scripted, name: str
) -> None:
    tokenizer = TOKENIZERS[name]
    backend.tokenizer = tokenizer
    sent = largest(ENGLISH)
    async with miner_with_window(8192) as client:
        response = await client.post("/complete", json=sent)
    assert response.status_code == 200
    [request] = backend.requests
    used = room_of(request, tokenizer)
    assert used <= 8192
    assert used > 0.75 * 8192  # a window left empty is context thrown away
    for words in (TASK.strip(), *QUERIES, "[… cut to fit the model's window …]"):
        assert words in request.prompt


async def test_what_fits_is_not_cut(miner_with_window: Opener, backend: Scripted) -> None:
    sent = body("ann", TASK, QUERIES, largest("Foxes are red. ")["previous_outputs"][:1])
    sent["previous_outputs"][0]["output"] = {"immediate_response": "Red.", "notebook": "# R\n"}
    async with miner_with_window(65_536) as client:
        response = await client.post("/complete", json=sent)
    prompt = backend.requests[0].prompt
    assert "X-Miner-Cut" not in response.headers
    for number in range(5):
        assert f"Long ago {number}." in prompt
    assert "# R" in prompt


async def test_the_latest_of_the_history_is_kept_longest(
    miner_with_window: Opener, backend: Scripted
) -> None:
    async with miner_with_window(8192) as client:
        response = await client.post("/complete", json=body("ann", "Go on", ["And now?"]))
    prompt = backend.requests[0].prompt
    assert "Long ago 4." in prompt
    assert "Long ago 0." not in prompt
    assert response.headers["X-Miner-Cut"] == "history"


async def test_short_outputs_stay_whole_beside_long_ones(
    miner_with_window: Opener, backend: Scripted
) -> None:
    sent = largest(ENGLISH)
    short = {
        "immediate_response": "It is the third, for it alone names its source.",
        "notebook": "",
    }
    sent["previous_outputs"][7]["output"] = short
    async with miner_with_window(8192) as client:
        await client.post("/complete", json=sent)
    assert short["immediate_response"] in backend.requests[0].prompt


async def test_queries_beyond_the_window_are_cut_evenly_and_told(
    miner_with_window: Opener, backend: Scripted
) -> None:
    queries = [f"Query number {number}: {ENGLISH * 200}"[:9_990] + " end" for number in range(50)]
    async with miner_with_window(8192) as client:
        response = await client.post("/complete", json=body("ann", TASK, queries))
    assert response.status_code == 200
    [request] = backend.requests
    assert room_of(request, None) <= 8192
    assert TASK.strip() in request.prompt
    for number in range(50):
        assert f"Query number {number}:" in request.prompt
    assert "Query 1" in response.headers["X-Miner-Cut"]


async def test_a_task_beyond_the_window_is_refused_not_cut(
    miner_with_window: Opener, backend: Scripted
) -> None:
    async with miner_with_window(1024) as client:
        response = await client.post("/complete", json=body("ann", "語" * 1_000, ["q"]))
    assert response.status_code == 422
    assert response.json()["error"] == "task_too_long"
    assert not backend.requests


async def test_one_caller_s_largest_request_does_not_hold_up_the_others(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.max_model_len = 8192
    backend.tokenizer = TOKENIZERS["a finer one"]
    backend.when("dealt with?", "OPEN: none").default("The third one.")
    settings = miner_settings(tmp_path, backend)
    raw = json.dumps(largest(MIXED)).encode()
    longest_silence = 0.0

    async def beat() -> None:
        nonlocal longest_silence
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest_silence = max(longest_silence, time.monotonic() - began)

    async with Miner.open(settings) as miner:
        machines, heart = Machines(miner), asyncio.create_task(beat())
        for component in COMPONENTS:
            form, asked = parse(component, raw)
            result = await machines.run(component, asked.to_request(time.monotonic() + DEADLINE))
            form.response.from_result(asked, result).model_dump_json()
        heart.cancel()
    assert longest_silence < 1

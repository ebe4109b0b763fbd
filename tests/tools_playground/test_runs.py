"""A run as the page follows it, and the key that it is lent."""

import asyncio
from itertools import pairwise

import pytest

from running_miner import KEY
from scripted import HangAfter, Scripted
from tools.client import AsyncClient, Refused, calls
from tools.playground.connection import Lent
from tools.playground.runs import follow

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASKED = calls.complete("c", "What is the capital of France?", "One word.")


async def test_a_run_that_fails_says_why(miner: str, backend: Scripted) -> None:
    looks = follow(lambda: AsyncClient(miner, "wrong"), ASKED, asyncio.Event())
    *_, last = [run async for run in looks]
    assert isinstance(last.error, Refused)
    assert last.error.status == 401
    assert last.ended is not None


async def test_the_path_is_that_of_the_steps(miner: str, backend: Scripted) -> None:
    backend.when("Check your answer", "PASS").default("Paris it is")
    looks = follow(lambda: AsyncClient(miner, KEY), ASKED, asyncio.Event())
    *_, last = [run async for run in looks]
    path = ["__start__", "recall", "draft", "check", "remember", "__end__"]
    assert set(last.taken) == set(pairwise(path))
    assert all(step.ended is not None for step in last.steps)
    assert last.answer is not None
    assert last.answer.response == "Paris it is"


async def test_a_run_that_is_stopped_keeps_what_was_written(miner: str, backend: Scripted) -> None:
    backend.default(HangAfter("The beginning"))
    stop = asyncio.Event()
    async for run in follow(lambda: AsyncClient(miner, KEY), ASKED, stop):
        if run.text == "The beginning":
            stop.set()
    assert (run.stopped, run.error, run.answer) == (True, None, None)
    assert run.text == "The beginning"


@pytest.mark.parametrize(
    ("url", "lent"),
    [
        ("http://localhost:8001", True),
        ("http://127.0.0.1:8001/", True),
        ("http://localhost:8002", False),
        ("http://localhost.evil.net:8001", False),
    ],
)
async def test_the_key_of_the_settings_goes_to_their_miner_alone(url: str, lent: bool) -> None:
    own = Lent("http://localhost:8001", KEY)
    async with own.client(url, "") as client:
        assert client.key == (KEY if lent else "")
    async with own.client(url, "typed") as client:
        assert client.key == "typed"
    assert KEY not in repr(own)

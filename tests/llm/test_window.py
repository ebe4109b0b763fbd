"""How long prompt and answer may be: the window, and the limit of an answer."""

import time
from pathlib import Path

import pytest

from machine_room import settings_for
from nodes.errors import TaskTooLong
from nodes.llm.model import Model
from nodes.llm.turns import Turn
from scripted import Scripted
from support import make_settings

HELLO = [Turn(role="user", content="Say hello.")]


@pytest.mark.parametrize(
    ("told", "reported", "used"),
    [(None, None, 8192), (32_000, None, 32_000), (2_000, 4_321, 2_000), (32_000, 4_321, 4_321)],
)
async def test_the_setting_stands_in_for_a_window_that_is_not_reported(
    tmp_path: Path, backend: Scripted, told: int | None, reported: int | None, used: int
) -> None:
    backend.max_model_len = reported
    settings = make_settings(
        tmp_path,
        llm_provider="vllm",
        vllm_api_base=backend.base_url,
        max_context_tokens=told,
    )
    async with Model.open(settings) as model:
        assert model.context_length == used


async def test_the_limit_is_that_of_the_settings_at_most(tmp_path: Path, backend: Scripted) -> None:
    backend.max_model_len = 32_768
    backend.default("Hello!")
    async with Model.open(settings_for(tmp_path, backend, max_tokens=300)) as model:
        deadline = time.monotonic() + 10
        await model.ask("test", HELLO, deadline=deadline)
        await model.ask("test", HELLO, deadline=deadline, limit=50)
        await model.ask("test", HELLO, deadline=deadline, limit=5000)
    assert [request.limit for request in backend.requests] == [
        ("max_tokens", 300),
        ("max_tokens", 50),
        ("max_tokens", 300),
    ]


async def test_the_limit_leaves_the_prompt_its_room_in_the_window(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.max_model_len = 2048
    backend.default("Hello!")
    async with Model.open(settings_for(tmp_path, backend, max_tokens=2000)) as model:
        deadline = time.monotonic() + 10
        for words in (10, 1200, 3000):
            turns = [Turn(role="user", content="word " * words)]
            if words == 3000:
                with pytest.raises(TaskTooLong):
                    await model.ask("test", turns, deadline=deadline)
            else:
                await model.ask("test", turns, deadline=deadline)
    (_, short), (_, long) = (request.limit or ("", 0) for request in backend.requests)
    assert 1500 < short <= 2000
    assert 500 < long < 848

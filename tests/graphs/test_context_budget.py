"""Prompts at the edge of the model's window, whatever the request brings."""

from pathlib import Path
from typing import Any

import pytest

from machine_room import Room, machine_room, settings_for
from nodes.errors import TaskTooLong
from nodes.state import Feedback
from scripted import Scripted

WINDOW = 8192
ANSWER = 1900  # tokens of room that must stay for the answer
TASK = "Sum up what follows, and name the whale. " * 10
LONG = "The quick brown fox jumps over the lazy dog by the river bank. " * 1600
NUMBERS = "31415926535897932384626433832795028841971693993751 " * 2000
CHINESE = "天地玄黄宇宙洪荒日月盈昃辰宿列张" * 1500
ANSWERS = "PROBLEM: It is dull.\nSUGGESTION: Add a joke. PASS OPEN: none"


async def fits(room: Room) -> None:
    """Every call so far leaves its answer room in the window."""
    for request in room.asked:
        prompt = sum(room.miner.tokens.count(m["content"]) + 8 for m in request.body["messages"])
        limit = request.limit
        assert limit
        assert prompt + min(limit[1], 64) <= WINDOW
        assert prompt + limit[1] <= WINDOW + 64


@pytest.mark.parametrize(
    ("component", "text"),
    [
        pytest.param("complete", LONG, id="complete, words"),
        pytest.param("complete", NUMBERS, id="complete, digits"),
        pytest.param("complete", CHINESE, id="complete, Chinese"),
        pytest.param("feedback", LONG, id="feedback"),
        pytest.param("refine", LONG, id="refine"),
        pytest.param("human_feedback", LONG, id="human_feedback"),
    ],
)
async def test_a_huge_request_is_cut_to_the_window_but_for_its_task(
    tmp_path: Path, backend: Scripted, component: str, text: str
) -> None:
    backend.max_model_len = WINDOW
    backend.default(ANSWERS)
    fields: dict[str, Any] = {
        "complete": {"queries": [text]},
        "feedback": {"queries": ["Short."], "output": text},
        "refine": {"output": text, "feedbacks": [Feedback(problem="Dull.", suggestion="")]},
        "human_feedback": {"queries": ["I like " + text[:1500]]},
    }[component]
    async with machine_room(settings_for(tmp_path, backend), backend) as room:
        result = await room.run(component, task=TASK, **fields)
        await fits(room)
    first = backend.requests[0]
    if component != "human_feedback":
        assert TASK.strip() in first.prompt
        assert result.cut
        assert "cut to fit the model's window" in first.prompt
        assert (first.limit or ("", 0))[1] >= ANSWER
    else:
        assert text[:1500] in first.prompt


async def test_history_goes_before_the_request_is_cut(tmp_path: Path, backend: Scripted) -> None:
    backend.max_model_len = WINDOW
    backend.default(("an-answer-" * 100 + " ") * 10)  # long, in few pieces
    settings = settings_for(tmp_path, backend, complete_strategy="draft")
    async with machine_room(settings, backend) as room:
        for _ in range(4):
            await room.complete(queries=["Tell me more. " * 500])
        result = await room.complete(TASK, queries=["a short query"])
        await fits(room)
    assert result.cut == ["history"]
    roles = [message["role"] for message in backend.requests[-1].body["messages"]]
    assert roles[:2] == ["system", "user"]
    assert roles[1:] == ["user", "assistant"] * ((len(roles) - 2) // 2) + ["user"]


async def test_a_full_playbook_leaves_room_for_the_task(tmp_path: Path, backend: Scripted) -> None:
    backend.max_model_len = WINDOW
    backend.default("PASS")
    settings = settings_for(tmp_path, backend, playbook_token_budget=100_000)
    async with machine_room(settings, backend) as room:
        await room.knows(*(f"I like the number {n}, {'very ' * 200} much" for n in range(60)))
        result = await room.complete(TASK)
        await fits(room)
    assert result.cut == ["playbook"]
    assert TASK.strip() in backend.requests[0].prompt


@pytest.mark.parametrize("component", ["complete", "feedback", "refine"])
async def test_a_task_too_long_for_the_window_is_an_error(
    tmp_path: Path, backend: Scripted, component: str
) -> None:
    backend.max_model_len = 1024
    async with machine_room(settings_for(tmp_path, backend), backend) as room:
        with pytest.raises(TaskTooLong) as failure:
            await room.run(component, task="word " * 2000)
    assert "word word" not in str(failure.value)
    assert backend.requests == []


async def test_a_feedback_too_long_for_the_window_is_kept(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.max_model_len = 1024
    saying = "Be kind to cats. " * 500
    async with machine_room(settings_for(tmp_path, backend), backend) as room:
        result = await room.tell(saying)
        assert await room.known() == [saying.strip()]
    assert result.fallbacks[-1] == "kept verbatim"

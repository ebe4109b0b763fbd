"""Every edge of the first four machines is taken by some run, and no other."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from machine_room import Room, machine_room, settings_for
from nodes.state import Feedback
from scripted import Answer, BrokenJson, Json, Text, Truncated

FOUND: Text = Json(
    {"preferences": [{"quote": "kind", "content": "Be kind", "category": "tone", "about": 0}]}
)
FAULTS = [
    Feedback(problem="Dull.", suggestion="Add a joke."),
    Feedback(problem="No name.", suggestion="Name the fox."),
]
RUNS: dict[str, list[list[Answer]]] = {
    "complete": [
        [Truncated("Once")],
        ["Answer: 1", "Answer: 2", "Answer: 3"],
        ["A draft.", "PASS"],
        ["A draft.", "REVISE: dull", "No"],
        ["A draft.", "REVISE: dull", "Another.", "1"],
        ["A draft.", "REVISE: dull", "Another.", "2", "1", "PASS"],
    ],
    "feedback": [
        ["PROBLEM: dull"],
        ["It is dull.", "PROBLEM: dull"],
        ["It is dull.", "It is."],
    ],
    "refine": [
        [Truncated("Once")],
        ["Better.", "OPEN: none"],
        ["Better.", "OPEN: 1", "Best.", "OPEN: none"],
        ["Better.", "OPEN: all", "A tale."],
        ["Better.", "OPEN: some", "1"],
        ["Better.", "OPEN: 1", "Better."],
    ],
    "human_feedback": [[], [FOUND], [BrokenJson(), "Nothing."]],
}
REQUEST: dict[str, Any] = {"task": "Write.", "output": "A tale.", "feedbacks": FAULTS}


async def edges_taken(room: Room, component: str) -> AsyncIterator[tuple[str, str]]:
    for script in RUNS[component]:
        room.backend.reply(*script)
        queries = ["Be kind."] if component == "human_feedback" and script else []
        await room.run(component, **REQUEST | {"queries": queries})
        for edge in pairwise(["__start__", *room.path, "__end__"]):
            yield edge
    if component == "human_feedback":
        # More than the model's window holds: it cannot be asked. A deadline too short for the model
        # would have the memory fail on a busy machine.
        await room.run(component, queries=["Be kind. " * 1_000] * 20)
        for edge in pairwise(room.path):
            yield edge


@pytest.mark.parametrize("component", list(RUNS))
async def test_every_edge_is_taken(room: Room, component: str, tmp_path: Path) -> None:
    drawn = room.machines.graph(component).get_graph().edges
    taken = {edge async for edge in edges_taken(room, component)}
    if component == "complete":
        settings = settings_for(tmp_path / "vote", room.backend, complete_strategy="vote")
        async with machine_room(settings, room.backend) as voting:
            room.backend.default("Answer: 42")
            await voting.complete()
        taken |= set(pairwise(voting.path))
    assert taken == {(edge.source, edge.target) for edge in drawn}

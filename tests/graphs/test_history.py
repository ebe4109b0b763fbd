"""Every component that answers reads the conversation and keeps what it answered, if it may."""

import pytest

from machine_room import Room
from nodes.state import PreviousOutput

OUTPUTS = [
    PreviousOutput(task="t", immediate_response=f"Much was said about {what}. " * 9)
    for what in ("the sea", "a mountain")
]
FIELDS: dict[str, dict[str, object]] = {
    "complete": {},
    "feedback": {"output": "A tale."},
    "refine": {"output": "A tale."},
    "summary": {"previous_outputs": OUTPUTS},
    "aggregate": {"previous_outputs": OUTPUTS},
    "human_feedback": {},
}


async def ask(room: Room, component: str, *, history: bool) -> str:
    """The whole prompt of the first call for a task."""
    before = len(room.backend.requests)
    await room.run(
        component,
        task="Tell a tale.",
        queries=["About a whale."],
        use_conversation_history=history,
        **FIELDS[component],
    )
    return room.backend.requests[before].prompt


@pytest.mark.parametrize("component", FIELDS)
async def test_the_conversation_is_read_and_kept(room: Room, component: str) -> None:
    room.backend.default("PROBLEM: It is dull. SUGGESTION: Add a joke.")
    await room.miner.conversations.append("ann", ("user", "My cat is Tilda"), ("assistant", "Oh!"))
    assert "My cat is Tilda" in await ask(room, component, history=True)
    kept = await room.miner.conversations.messages("ann")
    assert [message.role for message in kept] == ["user", "assistant"] * 2
    assert kept[2].content == "Tell a tale.\n\nAbout a whale."
    assert kept[3].content


@pytest.mark.parametrize("component", FIELDS)
async def test_it_is_left_alone_where_the_caller_says_so(room: Room, component: str) -> None:
    room.backend.default("PROBLEM: It is dull. SUGGESTION: Add a joke.")
    await room.miner.conversations.append("ann", ("user", "My cat is Tilda"), ("assistant", "Oh!"))
    assert "My cat is Tilda" not in await ask(room, component, history=False)
    assert len(await room.miner.conversations.messages("ann")) == 2

"""Putting a prompt together so that it fits the model's window with room for the answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from memory import TokenCounter
from nodes.errors import TaskTooLong
from nodes.miner import Miner
from nodes.state import Turn

PER_TURN = 8  # tokens a chat template adds to a message
SMALLEST_ANSWER = 256
NEAR_FULL = 0.5  # of the room: below this an estimate is as good as a count
SAFETY = 0.95  # the counting tokenizer is not always the model's own
LONG_TEXT = 20_000  # characters; counting more than this is taken off the event loop
CUT_MARK = "\n[… cut to fit the model's window …]\n"


@dataclass(frozen=True, slots=True)
class Material:
    """A text to work on, with the heading it stands under; it may be cut in the middle."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The turns of a prompt, and the names of the parts that were shortened or left out."""

    turns: list[Turn]
    cut: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a prompt is made of, in the order it is sent.

    `system` is the stable part, so that prompts share the longest possible beginning. `asked` is
    what the user asks beside the task: it has the room before `materials`, and these before the
    history. `closing` is what the last message ends with, after the material.
    """

    system: str
    preferences: Sequence[str]
    history: Sequence[Turn]
    task: str
    asked: Sequence[Material] = ()
    materials: Sequence[Material] = ()
    closing: str = ""


async def compose(miner: Miner, parts: Parts) -> Prompt:
    """The prompt of `parts`, cut to the window: history first, then material, last what is asked.

    The task itself is never cut.

    Raises `TaskTooLong` when the task alone leaves no room for an answer.
    """
    window = miner.model.context_length
    room = window - _answer_room(miner.settings.max_tokens, window)
    prompt, estimate = await _fitted(miner, parts, int(room * SAFETY))
    if estimate < NEAR_FULL * room:
        return prompt
    counted = await miner.model.count(prompt.turns)
    if counted is None or (counted <= room and not prompt.cut):
        return prompt
    # What the estimate gave too little or too much is put right by the model's own count.
    prompt, _ = await _fitted(miner, parts, int(room * SAFETY * estimate / counted))
    return prompt


async def _fitted(miner: Miner, parts: Parts, room: int) -> tuple[Prompt, int]:
    texts = [parts.task, *(part.text for part in (*parts.asked, *parts.materials))]
    texts += [turn.content for turn in parts.history]
    if sum(len(text) for text in texts) > LONG_TEXT:
        return await asyncio.to_thread(_measured, miner.tokens, parts, room)
    return _measured(miner.tokens, parts, room)


def _measured(tokens: TokenCounter, parts: Parts, room: int) -> tuple[Prompt, int]:
    prompt = _composed(tokens, parts, room)
    return prompt, sum(tokens.count(turn.content) + PER_TURN for turn in prompt.turns)


def _answer_room(max_tokens: int, window: int) -> int:
    return min(max_tokens, max(window // 4, SMALLEST_ANSWER))


def _composed(tokens: TokenCounter, parts: Parts, room: int) -> Prompt:
    asking, working = (_with_text(found) for found in (parts.asked, parts.materials))
    given = [*asking, *working]
    headings = sum(tokens.count(material.heading) + PER_TURN for material in given)
    left = room - tokens.count(parts.system) - tokens.count(parts.closing) - headings
    left -= tokens.count(parts.task) + 2 * PER_TURN
    if left < 0:
        raise TaskTooLong(f"the task is too long for the model's window; at most {room} tokens fit")
    cut: list[str] = []
    preferences = _first_fitting(tokens, parts.preferences, left // 4)
    if len(preferences) < len(parts.preferences):
        cut.append("playbook")
    left -= sum(tokens.count(line) + 2 for line in preferences)
    asked = _shared_out(tokens, asking, left)
    left -= sum(tokens.count(material.text) for material in asked)
    materials = _shared_out(tokens, working, left)
    kept = [*asked, *materials]
    cut += [old.heading or "input" for old, new in zip(given, kept, strict=True) if old != new]
    left -= sum(tokens.count(material.text) for material in materials)
    history = _last_fitting(tokens, parts.history, left)
    if len(history) < len(parts.history):
        cut.append("history")
    return Prompt(
        [
            Turn(role="system", content=_system(parts.system, preferences)),
            *history,
            Turn(role="user", content=_request(parts.task, kept, parts.closing)),
        ],
        cut,
    )


def _with_text(materials: Sequence[Material]) -> list[Material]:
    return [material for material in materials if material.text.strip()]


def _system(stable: str, preferences: Sequence[str]) -> str:
    return f"{stable}\n\n{preferences_listed(preferences)}" if preferences else stable


def preferences_listed(preferences: Sequence[str]) -> str:
    """The preferences as they stand in a prompt; empty where there are none."""
    if not preferences:
        return ""
    listed = "\n".join(f"- {line}" for line in preferences)
    return f"The user's preferences, to be followed wherever they apply:\n{listed}"


def _request(task: str, materials: Sequence[Material], closing: str) -> str:
    blocks = [task]
    for material in materials:
        heading = f"{material.heading}:\n" if material.heading else ""
        blocks.append(heading + material.text)
    blocks.append(closing)
    return "\n\n".join(block for block in blocks if block.strip())


def _first_fitting(tokens: TokenCounter, lines: Sequence[str], room: int) -> list[str]:
    fitting: list[str] = []
    for line in lines:
        room -= tokens.count(line) + 2
        if room < 0:
            break
        fitting.append(line)
    return fitting


def _last_fitting(tokens: TokenCounter, turns: Sequence[Turn], room: int) -> list[Turn]:
    fitting: list[Turn] = []
    for turn in reversed(turns):
        room -= tokens.count(turn.content) + PER_TURN
        if room < 0:
            break
        fitting.insert(0, turn)
    # Chat templates want the first message after the system's to be the user's.
    while fitting and fitting[0].role != "user":
        fitting.pop(0)
    return fitting


def _shared_out(tokens: TokenCounter, materials: Sequence[Material], room: int) -> list[Material]:
    """Give the short ones all they need and the long ones equal shares of what remains."""
    counts = {index: tokens.count(material.text) for index, material in enumerate(materials)}
    kept = list(materials)
    waiting = sorted(counts, key=lambda index: counts[index])
    for position, index in enumerate(waiting):
        share = max(0, room) // (len(waiting) - position)
        if counts[index] > share:
            kept[index] = Material(
                materials[index].heading, _middle_cut(tokens, materials[index].text, share)
            )
        room -= min(counts[index], share)
    return kept


def _middle_cut(tokens: TokenCounter, text: str, room: int) -> str:
    half = max(0, room - tokens.count(CUT_MARK)) // 2
    return tokens.cut(text, half) + CUT_MARK + tokens.cut(text, half, keep="end")

"""Putting a prompt together so that it fits the model's window with room for the answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, takewhile
from typing import Literal

from nodes.background import aside
from nodes.errors import TaskTooLong
from nodes.foreign import between_marks, explanation, new_tag, one_line
from nodes.llm.tokens import TokenCounter
from nodes.llm.turns import TOKENS_PER_MESSAGE
from nodes.miner import Miner
from nodes.state import Turn, preferences_listed

SMALLEST_ANSWER = 256
NEAR_FULL = 0.5  # of the room: below this an estimate is as good as a count
SAFETY = 0.95  # the counting tokenizer is not always the model's own
LEAST_OF_A_TEXT = 40  # tokens; less says nothing, and the oldest give way to the others
MOST_COUNTS = 3
LARGEST_AHEAD = 0.5  # of the room: what takes more could not be written again as a whole either
WELL_FILLED = 0.85  # of the room: cutting less would not be worth another count
MARK_TOKENS = 28  # of the marks around a foreign text
EXPLAINED_TOKENS = 64  # of what tells the model of them
CUT_MARK = "\n[… cut to fit the model's window …]\n"


@dataclass(frozen=True, slots=True)
class Material:
    """A text to work on, with the heading it stands under; it may be cut in the middle.

    A `foreign` one, which anybody may have written, stands between marks that it cannot contain.
    One that is to be written again has its room `ahead` of the others.
    """

    heading: str
    text: str
    foreign: bool = False
    ahead: bool = False


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
    room = window - min(miner.settings.max_tokens, max(window // 4, SMALLEST_ANSWER))
    whole = _assembled(parts, parts.preferences, parts.history, parts.asked, parts.materials)
    if sum(turn.most_tokens for turn in whole.turns) <= room:
        return whole
    tokens, length = _Counted(miner.tokens), sum(len(turn.content) for turn in whole.turns)
    limit, best = int(room * SAFETY), None
    for _ in range(MOST_COUNTS):
        prompt, estimate = await aside(length, partial(_measured, tokens, parts, limit))
        if estimate < NEAR_FULL * room:
            return prompt
        counted = await miner.model.count(prompt.turns)
        if counted is None:
            return best or prompt
        if counted <= room:
            if best or not prompt.cut or counted >= WELL_FILLED * room:
                return prompt
            best = prompt
        elif best:
            break
        # What the estimate gave too little or too much is put right by the model's own count.
        limit = int(room * SAFETY * estimate / counted)
    return best or prompt


class _Counted:
    """A counter that counts each text once: a prompt is put together more than once."""

    def __init__(self, tokens: TokenCounter) -> None:
        self._tokens = tokens
        self._known: dict[str, int] = {}

    def count(self, text: str) -> int:
        if text not in self._known:
            self._known[text] = self._tokens.count(text)
        return self._known[text]

    def cut(self, text: str, room: int, *, keep: Literal["start", "end"] = "start") -> str:
        return self._tokens.cut(text, room, keep=keep)


def _measured(tokens: _Counted, parts: Parts, room: int) -> tuple[Prompt, int]:
    prompt = _composed(tokens, parts, room)
    return prompt, sum(tokens.count(turn.content) + TOKENS_PER_MESSAGE for turn in prompt.turns)


def _composed(tokens: _Counted, parts: Parts, room: int) -> Prompt:
    asking, working = (_with_text(found) for found in (parts.asked, parts.materials))
    left = room - tokens.count(parts.system) - tokens.count(parts.closing)
    left -= tokens.count(parts.task) + 3 * TOKENS_PER_MESSAGE
    left -= EXPLAINED_TOKENS if any(each.foreign for each in (*asking, *working)) else 0
    if left < 0:
        raise TaskTooLong(f"the task is too long for the model's window; at most {room} tokens fit")
    lines = [tokens.count(line) + 2 for line in parts.preferences]
    preferences = parts.preferences[: _fitting(lines, left // 4)]
    left -= sum(lines[: len(preferences)])
    asked = _in_turn(tokens, asking, left)
    left -= sum(_cost(tokens, material) for material in asked if material)
    materials = _in_turn(tokens, working, left)
    left -= sum(_cost(tokens, material) for material in materials if material)
    said = (tokens.count(turn.content) + TOKENS_PER_MESSAGE for turn in reversed(parts.history))
    history = parts.history[len(parts.history) - _fitting(said, left) :]
    given, kept = [*asking, *working], [*asked, *materials]
    shortened = [old.heading or "input" for old, new in zip(given, kept, strict=True) if old != new]
    cut = {"playbook": len(preferences) < len(parts.preferences)}
    cut |= {"history": len(history) < len(parts.history)}
    prompt = _assembled(parts, preferences, history, [m for m in kept if m])
    return replace(prompt, cut=[*(name for name, happened in cut.items() if happened), *shortened])


def _assembled(
    parts: Parts,
    preferences: Sequence[str],
    history: Sequence[Turn],
    *materials: Sequence[Material],
) -> Prompt:
    shown = _with_text([material for group in materials for material in group])
    return Prompt(
        [
            Turn(role="system", content=_system(parts.system, preferences)),
            *_from_user(history),
            Turn(role="user", content=_request(parts.task, shown, parts.closing)),
        ]
    )


def _with_text(materials: Sequence[Material]) -> list[Material]:
    return [material for material in materials if material.text.strip()]


def _system(stable: str, preferences: Sequence[str]) -> str:
    return f"{stable}\n\n{preferences_listed(preferences)}" if preferences else stable


def _request(task: str, materials: Sequence[Material], closing: str) -> str:
    foreign = [material.text for material in materials if material.foreign]
    tag = new_tag(foreign) if foreign else ""
    blocks = [task, explanation(tag) if tag else ""]
    for material in materials:
        heading = f"{one_line(material.heading)}:\n" if material.heading else ""
        text = between_marks(material.text, tag) if material.foreign else material.text
        blocks.append(heading + text)
    blocks.append(closing)
    return "\n\n".join(block for block in blocks if block.strip())


def _fitting(costs: Iterable[int], room: int) -> int:
    """How many of the first of several costs fit into the room together."""
    return sum(1 for _ in takewhile(room.__ge__, accumulate(costs)))


def _from_user(turns: Sequence[Turn]) -> Sequence[Turn]:
    """The turns from the first of the user's on, where chat templates want a history to begin."""
    first = next((at for at, turn in enumerate(turns) if turn.role == "user"), len(turns))
    return turns[first:]


def shared_out(
    tokens: TokenCounter, materials: Sequence[Material], room: int
) -> list[Material | None]:
    """The materials cut to `room` tokens together.

    The short ones get all they need and the long ones equal shares of what remains; `None` stands
    for the oldest, where the shares of all would be too small to say anything.
    """
    return _shares(_Counted(tokens), materials, room)


def _in_turn(tokens: _Counted, materials: Sequence[Material], room: int) -> list[Material | None]:
    """The materials cut to the room, those ahead before the others where they fit as a whole."""
    ahead = [material for material in materials if material.ahead]
    taken = sum(_cost(tokens, material) for material in ahead)
    if not ahead or taken > LARGEST_AHEAD * room:
        return _shares(tokens, materials, room)
    others = [material for material in materials if not material.ahead]
    shares = iter(_shares(tokens, others, room - taken))
    return [material if material.ahead else next(shares) for material in materials]


def _shares(tokens: _Counted, materials: Sequence[Material], room: int) -> list[Material | None]:
    costs = [_cost(tokens, material) for material in materials]
    room, first = max(0, room), 0
    while sum(costs[first:]) > room and room < LEAST_OF_A_TEXT * (len(costs) - first):
        first += 1
    kept: list[Material | None] = [None] * first + list(materials[first:])
    waiting = sorted(range(first, len(costs)), key=lambda index: costs[index])
    for position, index in enumerate(waiting):
        share = room // (len(waiting) - position)
        if costs[index] > share:
            kept[index] = _shortened(tokens, materials[index], share)
        room -= min(costs[index], share)
    return kept


def _cost(tokens: _Counted, material: Material) -> int:
    marks = MARK_TOKENS if material.foreign else 0
    return tokens.count(material.heading) + TOKENS_PER_MESSAGE + tokens.count(material.text) + marks


def _shortened(tokens: _Counted, material: Material, share: int) -> Material:
    room = share - _cost(tokens, replace(material, text=CUT_MARK))
    half = max(0, room) // 2
    start, end = (tokens.cut(material.text, half, keep=keep) for keep in ("start", "end"))
    return replace(material, text=start + CUT_MARK + end)

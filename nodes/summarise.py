"""Summarising earlier outputs, in one pass or piece by piece where they exceed the window."""

import asyncio
import time

from nodes import materials
from nodes.context import Material, Parts, compose, shared_out
from nodes.errors import DeadlinePassed, MinerError
from nodes.llm.turns import Reply
from nodes.miner import Miner
from nodes.state import SummaryState, SummaryUpdate, Update
from nodes.steps import ask, deadline, write

SYSTEM = """\
You summarise. Say what matters in the material for the task, faithfully and without adding \
anything, so that a reader need not see the material. Keep names, numbers and conclusions. Follow \
the user's preferences. Write only the summary."""
PIECE = """\
Note what matters in this part of the material for the task: names, numbers, conclusions. Write \
only the notes."""
NOTHING = "There is nothing to summarise: the request carries no previous outputs."
PIECE_TOKENS = 300
MOST_PIECES = 24
AT_ONCE = 4
PIECE_SHARE = 2  # a piece has at most the window divided by this
ASKED_SHARE = 8  # and what is asked beside the task, in the prompt of each piece
TIME_FOR_PIECES = 0.6  # of what is left when they start; the rest is for putting them together
UNREAD = "parts not read"


async def nothing_to_summarise(_: Miner, __: SummaryState) -> SummaryUpdate:
    """Say so; no model is asked."""
    return {"answer": NOTHING}


async def summarise(miner: Miner, state: SummaryState) -> Update:
    """The summary, in one pass over the material or over the notes on its pieces."""
    material = [
        Material(f"Notes {at}", text, foreign=True) for at, text in enumerate(state.notes, 1)
    ]
    material = material or materials.of_outputs(state.previous_outputs)
    _, update = await write(miner, state, _parts(state, material))
    return update


async def measure(miner: Miner, state: SummaryState) -> SummaryUpdate:
    """Cut the material into pieces if it does not fit the window as a whole."""
    whole = materials.of_outputs(state.previous_outputs)
    prompt = await compose(miner, _parts(state, whole))
    headings = {part.heading for part in whole}
    if headings.isdisjoint(prompt.cut):
        return {"pieces": []}
    size = miner.model.context_length // PIECE_SHARE
    shared = await asyncio.to_thread(shared_out, miner.tokens, whole, size * MOST_PIECES)
    pieces = await asyncio.to_thread(_pieces, miner, [part for part in shared if part], size)
    cut = [old.heading for old, new in zip(whole, shared, strict=True) if old != new]
    return {"pieces": pieces, "cut": cut}


async def take_notes(miner: Miner, state: SummaryState) -> SummaryUpdate:
    """Notes on every piece, some at a time; a piece that fails or is late is left out and told."""
    slots = asyncio.Semaphore(AT_ONCE)
    left = max(0.0, deadline(state) - time.monotonic())
    ends = deadline(state) - left * (1 - TIME_FOR_PIECES)
    queries, room = materials.of_queries(state), miner.model.context_length // ASKED_SHARE
    asked = await asyncio.to_thread(shared_out, miner.tokens, queries, room)
    prompts = [_piece(state, [part for part in asked if part], piece) for piece in state.pieces]
    outcomes = await asyncio.gather(
        *(_note(miner, state, prompt, ends, slots) for prompt in prompts)
    )
    read = [outcome for outcome in outcomes if isinstance(outcome, Reply)]
    late = any(isinstance(outcome, DeadlinePassed) for outcome in outcomes)
    missed = len(outcomes) - len(read)
    return {
        "notes": [reply.text for reply in read],
        "cut": [*state.cut, *([f"{missed} of {len(outcomes)} parts"] if missed else [])],
        "fallbacks": [UNREAD] if missed else [],
        "halted": "deadline" if late else "",
        "rounds": 1,
        "calls": [reply.call for reply in read],
    }


async def _note(
    miner: Miner, state: SummaryState, parts: Parts, ends: float, slots: asyncio.Semaphore
) -> Reply | MinerError:
    async with slots:
        try:
            prompt = await compose(miner, parts)
            return await ask(
                miner, state, prompt.turns, until=ends, limit=_limit(miner), temperature=0.0
            )
        except MinerError as error:
            return error


def _limit(miner: Miner) -> int:
    """As long as the notes on a piece may be for those on all pieces to fit the window."""
    return min(PIECE_TOKENS, miner.model.context_length // PIECE_SHARE // MOST_PIECES)


def _parts(state: SummaryState, material: list[Material]) -> Parts:
    return Parts(
        system=SYSTEM,
        preferences=state.preferences,
        history=state.history,
        task=f"Task: {state.task or 'Summarise the material.'}",
        asked=materials.of_queries(state),
        materials=material,
        closing=f"Write the summary. {materials.closing_of(state)}".strip(),
    )


def _pieces(miner: Miner, parts: list[Material], size: int) -> list[str]:
    text = "\n\n".join(f"{part.heading}:\n{part.text}" for part in parts)
    pieces = []
    while text:
        piece = miner.tokens.cut(text, size) or text[:size]
        if len(piece) < len(text):
            piece = piece[: _last_space(piece)]
        pieces.append(piece)
        text = text[len(piece) :]
    return pieces


def _last_space(text: str) -> int:
    """Where the last word begins, so that no number is cut in two; the end if it is one word."""
    found = max(text.rfind(" "), text.rfind("\n")) + 1
    return found if found > len(text) // 2 else len(text)


def _piece(state: SummaryState, asked: list[Material], piece: str) -> Parts:
    return Parts(
        system=SYSTEM,
        preferences=(),
        history=(),
        task=f"Task: {state.task}",
        asked=asked,
        materials=[Material("Part of the material", piece, foreign=True)],
        closing=PIECE,
    )

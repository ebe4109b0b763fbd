"""Summarising earlier outputs, in one pass or piece by piece where they exceed the window."""

import asyncio

from nodes import materials
from nodes.context import Material, Parts, Prompt, compose
from nodes.errors import MinerError
from nodes.miner import Miner
from nodes.model import Reply
from nodes.state import SummaryState, Turn, Update
from nodes.steps import deadline

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
TIME_FOR_PIECES = 0.6  # of what is left when they start; the rest is for putting them together


async def nothing_to_summarise(_: Miner, __: SummaryState) -> Update:
    """Say so; no model is asked."""
    return {"answer": NOTHING}


async def summarise(miner: Miner, state: SummaryState) -> Update:
    """The summary, in one pass over the material or over the notes on its pieces."""
    material = [Material(f"Notes {at}", text) for at, text in enumerate(state.notes, 1)]
    prompt = await _prompt(miner, state, material or materials.of_outputs(state.previous_outputs))
    reply = await miner.model.ask(
        "summarise", prompt.turns, deadline=deadline(state), keep_partial=True
    )
    return {
        "prompt": prompt.turns,
        "cut": sorted({*state.cut, *prompt.cut}),
        "answer": reply.text,
        "truncated": reply.truncated,
        "stopped_by_deadline": state.stopped_by_deadline or reply.truncated == "deadline",
        "rounds": state.rounds + 1,
        "calls": [reply.call],
    }


async def measure(miner: Miner, state: SummaryState) -> Update:
    """Cut the material into pieces if it does not fit the window as a whole."""
    whole = materials.of_outputs(state.previous_outputs)
    prompt = await _prompt(miner, state, whole)
    if not prompt.cut:
        return {"pieces": []}
    text = "\n\n".join(f"{part.heading}:\n{part.text}" for part in whole)
    pieces = await asyncio.to_thread(_pieces, miner, text)
    return {"pieces": pieces[:MOST_PIECES], "cut": ["material"] if pieces[MOST_PIECES:] else []}


async def take_notes(miner: Miner, state: SummaryState) -> Update:
    """Notes on every piece, some at a time; a piece that fails or is late is left out and told."""
    slots = asyncio.Semaphore(AT_ONCE)
    ends = deadline(state)
    loop_time = asyncio.get_running_loop().time

    async def note(text: str) -> Reply | None:
        async with slots:
            try:
                return await miner.model.ask(
                    "take_notes",
                    _piece_prompt(state, text),
                    deadline=ends - reserved,
                    limit=PIECE_TOKENS,
                    temperature=0.0,
                )
            except MinerError:
                return None

    reserved = max(0.0, ends - loop_time()) * (1 - TIME_FOR_PIECES)
    replies = await asyncio.gather(*(note(text) for text in state.pieces))
    read = [reply for reply in replies if reply is not None]
    missed = len(read) < len(replies)
    return {
        "notes": [reply.text for reply in read],
        "cut": [*state.cut, *(["material"] if missed else [])],
        "stopped_by_deadline": missed,
        "rounds": 1,
        "calls": [reply.call for reply in read],
    }


async def _prompt(miner: Miner, state: SummaryState, material: list[Material]) -> Prompt:
    return await compose(
        miner,
        Parts(
            system=SYSTEM,
            preferences=state.preferences,
            history=(),
            task=f"Task: {state.task or 'Summarise the material.'}",
            asked=materials.of_queries(state),
            materials=material,
            closing="Write the summary.",
        ),
    )


def _pieces(miner: Miner, text: str) -> list[str]:
    room = miner.model.context_length // 2
    pieces = []
    while text:
        piece = miner.tokens.cut(text, room) or text[:room]
        pieces.append(piece)
        text = text[len(piece) :]
    return pieces


def _piece_prompt(state: SummaryState, text: str) -> list[Turn]:
    return [
        Turn(role="system", content=SYSTEM),
        Turn(role="user", content=f"Task: {state.task}\n\n{PIECE}\n\n{text}"),
    ]

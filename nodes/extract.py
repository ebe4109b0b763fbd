"""Finding the preferences in what a person said."""

import asyncio

from memory import CATEGORIES
from nodes.confirm import shown
from nodes.context import Material, Parts, compose
from nodes.errors import BackendRefused
from nodes.llm.providers import row_of
from nodes.llm.turns import Reply
from nodes.miner import Miner
from nodes.preferences import extraction
from nodes.preferences.forgetting import orders_to_forget_all
from nodes.preferences.grounding import ground, verbatim
from nodes.state import HumanFeedbackState, HumanFeedbackUpdate, Turn
from nodes.steps import ask, tell

READ = "I have read it."
EXTRACT_TOKENS = 1200
SCHEMA = extraction.schema(CATEGORIES)


async def extract(miner: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    """The preferences, asked for under a JSON schema where the backend honours one."""
    listed = "\n".join(f"{at}. {shown(one, state.known)}" for at, one in enumerate(state.known, 1))
    prompt = await compose(
        miner,
        Parts(
            system=extraction.SYSTEM.format(categories=", ".join(CATEGORIES)),
            preferences=(),
            history=state.history,
            task=f"The user says:\n{feedback_of(state)}",
            materials=[Material("Known preferences", listed or "none", foreign=True)],
        ),
    )
    asked = [*prompt.turns, Turn(role="assistant", content=READ)]  # later questions go on from it
    update: HumanFeedbackUpdate = {"prompt": asked, "cut": prompt.cut}
    if not miner.model.honours_schema:
        return update
    try:
        reply = await ask(
            miner, state, prompt.turns, limit=EXTRACT_TOKENS, temperature=0.0, schema=SCHEMA
        )
    except BackendRefused:
        return update  # some say no to a schema without naming it; plain lines will tell
    items = extraction.read_json(reply.text, cut=bool(reply.truncated))
    return {**update, **await _grounded(miner, state, items, reply)}


async def extract_lines(miner: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    """The preferences, asked for in plain labelled lines."""
    *before, asked, _ = state.prompt
    turns = [*before, Turn(role="user", content=f"{asked.content}\n\n{extraction.LINES}")]
    reply = await ask(miner, state, turns, limit=EXTRACT_TOKENS, temperature=0.0)
    found = await _grounded(miner, state, extraction.read_lines(reply.text), reply)
    return {**found, "fallbacks": ["labelled lines"]}


def sayings(state: HumanFeedbackState) -> list[str]:
    """What the person said, but for orders to forget everything."""
    return [said for said in state.queries if said.strip() and not orders_to_forget_all(said)]


def feedback_of(state: HumanFeedbackState) -> str:
    """The sayings as one text."""
    return "\n\n".join(sayings(state))


async def _grounded(
    miner: Miner, state: HumanFeedbackState, items: list[extraction.Preference] | None, reply: Reply
) -> HumanFeedbackUpdate:
    update: HumanFeedbackUpdate = {"calls": [reply.call], "rounds": state.rounds + 1}
    if items is None:
        return update
    if not items and not row_of(miner.settings, reply.call.provider).judges:
        return {**update, "grounded": verbatim(sayings(state))}  # its silence tells nothing
    full = bool(reply.truncated) or len(items) >= extraction.MOST_PREFERENCES
    found = await asyncio.to_thread(ground, feedback_of(state), items, full=full)
    tell(wishes=[{"action": wish.action, "content": wish.content} for wish in found.wishes])
    return {**update, "grounded": found}

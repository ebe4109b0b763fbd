"""What is remembered of a user, fetched at the start of a run."""

import time

import structlog

from memory import MemoryStoreError
from nodes.miner import Miner
from nodes.state import State, Turn, Update

log = structlog.get_logger(__name__)

QUERY_CHARACTERS = 4000  # enough to tell what a request is about


async def recall(miner: Miner, state: State) -> Update:
    """The preferences that matter for this request, as many as the token budget holds."""
    if not state.use_playbook:
        return begun(miner, state)
    try:
        entries = await miner.playbook.recall(
            state.cid,
            about(state),
            max_tokens=miner.settings.playbook_token_budget,
            count_tokens=miner.tokens.count,
        )
    except MemoryStoreError as error:
        return begun(miner, state) | _without("playbook", error)
    return begun(miner, state) | {"preferences": [entry.content for entry in entries]}


async def recall_with_history(miner: Miner, state: State) -> Update:
    """The preferences, and what was said before in this conversation."""
    update = await recall(miner, state)
    if not state.use_conversation_history:
        return update
    try:
        messages = await miner.conversations.messages(state.cid)
    except MemoryStoreError as error:
        return update | _without("history", error)
    turns = [Turn(role=message.role, content=message.content) for message in messages]
    return update | {"history": turns}


def about(state: State) -> str:
    """What a request is about, as a text to rank by."""
    return "\n".join([state.task, *state.queries])[:QUERY_CHARACTERS]


def begun(miner: Miner, state: State) -> Update:
    """The deadline, where the caller set none."""
    if state.deadline is not None:
        return {}
    return {"deadline": time.monotonic() + miner.settings.deadline_seconds}


def _without(store: str, error: MemoryStoreError) -> Update:
    # An answer without the memory is worth more to the caller than none, if it says so.
    log.warning("memory does not answer; going on without it", store=store, reason=str(error))
    return {"fallback": f"no {store}"}

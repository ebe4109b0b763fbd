"""What is remembered of a user, fetched at the start of a run."""

import asyncio
import time

import structlog

from memory import QUERY_CHARACTERS, MemoryStoreError
from nodes.miner import Miner
from nodes.state import HumanFeedbackState, HumanFeedbackUpdate, State, Turn, Update
from nodes.steps import options

log = structlog.get_logger(__name__)

SHARE = 0.25  # of the time left that the memory may take at most


async def recall(miner: Miner, state: State) -> Update:
    """The preferences that matter for this request, as many as the token budget holds, and what
    was said before in this conversation."""
    ends = deadline_of(miner, state)
    seconds = _patience(ends)
    preferences, history = await asyncio.gather(
        _preferences(miner, state, seconds), _history(miner, state, seconds)
    )
    told = [*preferences.get("fallbacks", []), *history.get("fallbacks", [])]
    return {"deadline": ends, **preferences, **history, "fallbacks": told}


async def recall_all(miner: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    """Everything known of the user, in the order it was learnt, and what was said before."""
    ends = deadline_of(miner, state)
    if not state.cid:
        return {"deadline": ends}
    known, said = await asyncio.gather(
        miner.playbook.all(state.cid), _history(miner, state, _patience(ends))
    )
    return {
        "deadline": ends,
        "known": known,
        "history": said.get("history", state.history),
        "fallbacks": said.get("fallbacks", []),
    }


def deadline_of(miner: Miner, state: State) -> float:
    """When the run has to end; the settings decide where the caller set no time."""
    return state.deadline or time.monotonic() + miner.settings.deadline_seconds


async def _preferences(miner: Miner, state: State, seconds: float) -> Update:
    if not (state.use_playbook and options().playbook):
        return {}
    try:
        entries = await miner.background.wait_for(
            seconds,
            "the playbook",
            lambda: miner.playbook.recall(
                state.cid,
                state.question[:QUERY_CHARACTERS],
                max_tokens=miner.settings.playbook_token_budget,
                count_tokens=miner.tokens.count,
            ),
        )
    except MemoryStoreError as error:
        return _without("playbook", error)
    # Two wishes of one sentence are two entries with the same words.
    return {"preferences": list(dict.fromkeys(entry.content for entry in entries))}


async def _history(miner: Miner, state: State, seconds: float) -> Update:
    if state.history or not state.use_conversation_history:
        return {}
    try:
        messages = await miner.background.wait_for(
            seconds, "the conversations", lambda: miner.conversations.messages(state.cid)
        )
    except MemoryStoreError as error:
        return _without("history", error)
    return {
        "history": [
            Turn(role=message.role, content=message.content, recalled=True) for message in messages
        ]
    }


def _patience(deadline: float) -> float:
    return (deadline - time.monotonic()) * SHARE


def _without(store: str, error: MemoryStoreError) -> Update:
    # An answer without the memory is worth more to the caller than none, if it says so.
    log.warning("memory does not answer; going on without it", store=store, reason=str(error))
    return {"fallbacks": [f"no {store}"]}

"""Appending an answered request to its conversation."""

import asyncio
import time

import structlog

from memory import MemoryStoreError
from nodes.miner import Miner
from nodes.state import State, Update
from nodes.steps import ANSWERED, deadline

log = structlog.get_logger(__name__)

PATIENCE = 0.25  # seconds; an append takes milliseconds where the store works
SENDING = 0.2  # seconds kept for the answer's way to the caller


async def remember(miner: Miner, state: State) -> Update:
    """Keep the request and the answer for the next prompt of this conversation.

    The answer does not wait for long: what takes longer is kept after it has gone out.
    """
    ANSWERED.get()()
    if not state.use_conversation_history or not state.cid:
        return {}
    asked = "\n\n".join(part for part in (state.task, *state.queries) if part.strip())
    keeping = miner.background.start(_keep(miner, state.cid, asked, state.answer))
    left = deadline(state) - SENDING - time.monotonic()
    await asyncio.wait([keeping], timeout=max(0.0, min(PATIENCE, left)))
    if not keeping.done():
        return {"fallbacks": ["not remembered yet"]}
    return {} if keeping.result() else {"fallbacks": ["not remembered"]}


async def _keep(miner: Miner, cid: str, asked: str, answer: str) -> bool:
    try:
        await miner.conversations.append(cid, ("user", asked), ("assistant", answer))
    except MemoryStoreError as error:
        log.warning("conversation not kept", reason=str(error))
        return False
    return True

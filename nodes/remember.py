"""Appending an answered request to its conversation."""

import time

import structlog

from memory import MemoryStoreError
from nodes.miner import Miner
from nodes.state import State, Update
from nodes.steps import deadline

log = structlog.get_logger(__name__)

SENDING = 0.2  # seconds kept for the answer's way to the caller


async def remember(miner: Miner, state: State) -> Update:
    """Keep the request and the answer for the next prompt of this conversation.

    The answer does not wait for long: what takes longer is kept after it has gone out.
    """
    if not state.use_conversation_history:
        return {}
    asked = "\n\n".join(part for part in (state.task, *state.queries) if part.strip())
    try:
        await miner.background.wait_for(
            deadline(state) - SENDING - time.monotonic(),
            "keeping conversations",
            lambda: miner.conversations.append(
                state.cid, ("user", asked), ("assistant", state.answer)
            ),
        )
    except MemoryStoreError as error:
        log.warning("conversation not kept", reason=str(error))
        return {"fallbacks": ["not remembered"]}
    return {}

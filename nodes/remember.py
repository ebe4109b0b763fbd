"""Appending an answered request to its conversation."""

import structlog

from memory import MemoryStoreError
from nodes.miner import Miner
from nodes.state import State, Update

log = structlog.get_logger(__name__)


async def remember(miner: Miner, state: State) -> Update:
    """Keep the request and the answer for the next prompt of this conversation."""
    if not state.use_conversation_history:
        return {}
    asked = "\n\n".join(part for part in (state.task, *state.queries) if part.strip())
    try:
        await miner.conversations.append(state.cid, ("user", asked), ("assistant", state.answer))
    except MemoryStoreError as error:
        log.warning("conversation not kept", reason=str(error))
        return {"fallback": state.fallback or "not remembered"}
    return {}

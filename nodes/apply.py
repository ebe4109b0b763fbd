"""Making the reconciled changes to the playbook."""

import asyncio
from collections import Counter

from memory import (
    EntryConflict,
    Forget,
    InvalidEntry,
    PlaybookFull,
    Replace,
    UnknownEntry,
    Writer,
)
from nodes.errors import PlaybookBusy
from nodes.miner import Miner
from nodes.preferences.forgetting import order_to_forget_all
from nodes.reconcile import KEPT_VERBATIM, REST_VERBATIM
from nodes.state import (
    Applied,
    Change,
    HumanFeedbackState,
    HumanFeedbackUpdate,
    PlaybookAction,
)

REJECTED = "not kept: it does not rest on words of the feedback, or names nothing known"
ALREADY_KNOWN = "already known; kept as it is"
UNSURE = (
    "nothing was forgotten: it may have been said of the answer, or not of everything; to forget "
    'all, say "Forget everything you know about me."'
)
NOTHING = "There was nothing to learn: no preference was named."
REST_KEPT = "More was said than could be read off; the rest was kept word for word."
NOBODY = "Nothing was kept: the request names no user (its cid is empty)."
VERBATIM = "The feedback was kept word for word: no single preference could be read off it."
_KEPT = {KEPT_VERBATIM: VERBATIM, REST_VERBATIM: REST_KEPT}
MOST_READINGS = 5


async def apply(miner: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    """Apply the changes, all on the state they were decided on, or none.

    Raises `PlaybookBusy` when that state never held still.
    """
    if not state.cid:
        return {"applied": [], "stale": False, "answer": NOBODY}
    # A caller that goes away must not leave half of the changes behind.
    return await asyncio.shield(miner.background.start(_applied(miner, state)))


async def _applied(miner: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    async with miner.playbook.writing(state.cid) as writer:
        if await _changed_since(writer, state):
            if state.readings >= MOST_READINGS:
                raise PlaybookBusy("others kept changing this playbook; nothing was changed")
            return {"stale": True}
        # What is dropped makes room for what is learnt.
        ordered = sorted(state.changes, key=lambda change: change.action != "delete")
        applied = [await _apply_one(writer, change) for change in ordered]
    return {"applied": applied, "stale": False, "answer": _told(applied, state.fallbacks)}


async def _changed_since(writer: Writer, state: HumanFeedbackState) -> bool:
    now = {(entry.node_id, entry.version) for entry in await writer.all()}
    return now != {(entry.node_id, entry.version) for entry in state.known}


async def _apply_one(writer: Writer, change: Change) -> Applied:
    try:
        return await _changed(writer, change)
    except (PlaybookFull, UnknownEntry, EntryConflict, InvalidEntry) as error:
        return Applied(
            action=change.action if change.action in ("insert", "delete") else "update",
            node_id=change.node_id,
            success=False,
            message=str(error),
            content=change.content,
        )


async def _changed(writer: Writer, change: Change) -> Applied:
    if change.action == "insert":
        entry = await writer.add(change.content, change.category, change.evidence)
        return _done("insert", entry.node_id, "learnt", change.content)
    if change.action == "update":
        await writer.apply(
            [Replace(change.node_id, change.content, change.category, change.evidence)]
        )
        return _done("update", change.node_id, "replaced what was known", change.content)
    if change.action == "delete":
        await writer.apply([Forget(change.node_id)])
        return _done("delete", change.node_id, "forgotten", change.content)
    if change.action == "keep":
        return _done("update", change.node_id, ALREADY_KNOWN, change.content)
    message = UNSURE if order_to_forget_all(change.content) else REJECTED
    return Applied(
        action="insert", node_id="", success=False, message=message, content=change.content
    )


def _done(action: PlaybookAction, node_id: str, message: str, content: str) -> Applied:
    return Applied(action=action, node_id=node_id, success=True, message=message, content=content)


def _told(applied: list[Applied], fallbacks: list[str]) -> str:
    if not applied:
        return NOTHING
    counts = Counter(change.message for change in applied if change.success)
    done = ", ".join(f"{count} {message}" for message, count in counts.items())
    parts = [f"Preferences: {done}." if done else "No preference was changed."]
    parts += [_KEPT[each] for each in fallbacks if done and each in _KEPT]
    unsure = any(change.message == UNSURE for change in applied)
    return " ".join([*parts, *([f"{UNSURE[0].upper()}{UNSURE[1:]}"] if unsure else [])])

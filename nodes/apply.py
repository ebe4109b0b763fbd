"""Deciding what a feedback changes in the playbook, and writing it: all of it, or nothing."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence

from memory import CATEGORIES, Add, Entry, Forget, PlaybookFull, Replace, TurnTimeout, Writer
from nodes.errors import DeadlinePassed
from nodes.extract import sayings
from nodes.miner import Miner
from nodes.preferences.forgetting import orders_to_forget_all
from nodes.preferences.grounding import VERBATIM, Wish, verbatim
from nodes.preferences.quotes import same_text
from nodes.state import Applied, HumanFeedbackState, HumanFeedbackUpdate, PlaybookAction
from nodes.steps import deadline, tell

LEARNT = "learnt"
REPLACED = "replaced what was known"
FORGOTTEN = "forgotten"
ALREADY_KNOWN = "already known; kept as it is"
BOTH_KEPT = "learnt; it is not certain what it replaces, so that both stay and the later one holds"
UNSURE = (
    "nothing was forgotten: it is not certain which known preference is meant; to forget all, say "
    'only "Forget everything you know about me."'
)
NOTHING = "There was nothing lasting to learn."
NOBODY = "Nothing was kept: the request names no user (its cid is empty)."

# A change to make, if there is any, and what is told once it is made.
Step = tuple[Add | Replace | Forget | None, Applied]


async def apply(miner: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    """Decide on the playbook as it is in the user's turn, and change it.

    Raises `DeadlinePassed` when the turn did not come in time; nothing was changed then.
    """
    if not state.cid:
        return {"applied": [], "answer": NOBODY}
    # A caller that goes away must not leave it unknown what was changed.
    update = await asyncio.shield(miner.background.start(_applied(miner, state)))
    tell(applied=[applied.model_dump() for applied in update["applied"]])
    return update


async def _applied(miner: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    grounded = state.grounded or verbatim(sayings(state))
    try:
        async with miner.playbook.writing(state.cid, deadline=deadline(state)) as writer:
            forget_all = any(map(orders_to_forget_all, state.queries))
            steps = list(planned(grounded.wishes, await writer.all(), forget_all=forget_all))
            applied = await _written(writer, steps)
    except TurnTimeout as error:
        raise DeadlinePassed(str(error)) from None
    return {
        "applied": applied,
        "answer": " ".join([_told(applied), *grounded.notes]),
        "fallbacks": ["kept verbatim"] if VERBATIM in grounded.notes else [],
    }


def planned(
    wishes: Sequence[Wish], entries: Sequence[Entry], *, forget_all: bool = False
) -> Iterator[Step]:
    """What the wishes change in these entries; one that has changed since they were meant stays."""
    left = {} if forget_all else {entry.node_id: entry for entry in entries}
    yield from (_forgetting(entry) for entry in entries if forget_all)
    for wish in wishes:
        gone = [left[id_] for id_, at in wish.outdated if id_ in left and left[id_].version == at]
        same = next((one for one in left.values() if same_text(one.content, wish.content)), None)
        forgotten = gone
        if wish.action == "forget" and (gone or (wish.evidence and entries)):
            if not gone:
                yield None, _telling("delete", "", UNSURE, wish.content)
        elif same:
            forgotten = gone = [entry for entry in gone if entry is not same]
            yield None, _telling("update", same.node_id, ALREADY_KNOWN, same.content)
        else:
            forgotten = gone[1:]  # the first lives on in what replaces it
            yield _learning(wish, gone[0] if gone else None)
        yield from map(_forgetting, forgotten)
        left = {id_: entry for id_, entry in left.items() if entry not in gone}


def _learning(wish: Wish, old: Entry | None) -> Step:
    category = wish.category if wish.category in CATEGORIES else "other"
    fields = (wish.content, category, wish.evidence or wish.content, wish.applies)
    if old:
        change = Replace(old.node_id, *fields, expected_version=old.version)
        return change, _telling("update", old.node_id, REPLACED, wish.content)
    message = BOTH_KEPT if wish.action == "replace" else LEARNT
    return Add(*fields), _telling("insert", "", message, wish.content)


def _forgetting(entry: Entry) -> Step:
    told = _telling("delete", entry.node_id, FORGOTTEN, entry.content)
    return Forget(entry.node_id, entry.version), told


def _telling(action: PlaybookAction, id_: str, message: str, content: str) -> Applied:
    done = message != UNSURE
    return Applied(action=action, node_id=id_, success=done, message=message, content=content)


async def _written(writer: Writer, steps: Sequence[Step]) -> list[Applied]:
    """Make the changes; where there is no room for what is new, the others alone."""
    changes = [change for change, _ in steps if change]
    try:
        done = iter(await writer.apply(changes))
    except PlaybookFull as error:
        full = {"success": False, "message": str(error)}
        left: list[Step] = [
            (None, told.model_copy(update=full)) if isinstance(change, Add) else (change, told)
            for change, told in steps
        ]
        return await _written(writer, left)
    return [
        told.model_copy(update={"node_id": next(done).node_id}) if change else told
        for change, told in steps
    ]


def _told(applied: Sequence[Applied]) -> str:
    if not applied:
        return NOTHING
    counts = Counter(change.message for change in applied if change.success)
    done = ", ".join(f"{count} {message}" for message, count in counts.items())
    failed = dict.fromkeys(change.message for change in applied if not change.success)
    told = f"Preferences: {done}." if done else "No preference was changed."
    return " ".join([told, *(f"{text[0].upper()}{text[1:]}" for text in failed)])

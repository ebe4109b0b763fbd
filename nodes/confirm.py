"""Making sure, by further looks, that a known preference no longer holds after what was said.

What a model extracted is the first look, questions in other words and order are the next. Two that
agree are the majority of three, else up to three more decide. What stays in doubt is kept.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import structlog

from memory import Entry, StoreUnavailable
from nodes.errors import MinerError
from nodes.llm.providers import row_of
from nodes.miner import Miner
from nodes.preferences.grounding import Wish
from nodes.state import Call, HumanFeedbackState, HumanFeedbackUpdate, Turn
from nodes.steps import ask, tell

log = structlog.get_logger(__name__)

OUTDATED = """\
Does the newer statement take the place of what was noted earlier, contradict it, or ask to drop \
it? Two statements on different things, or that one answer can follow both, do not. Reply with yes \
or no and nothing else."""
GIVEN_UP = """\
To do as the user now says, must the earlier note be given up? It must if both cannot hold at the \
same time, or if the user wants it forgotten; it must not if it is about something else or can be \
followed as well. Reply with no or yes and nothing else."""
OLD, NEW = "Noted earlier: {old}", "The user now says: {new}"
QUESTIONS = (
    f"{OLD}\n{NEW}\n\n{OUTDATED}",
    f"{NEW}\n{OLD}\n\n{GIVEN_UP}",
    f"{NEW}\n{OLD}\n\n{OUTDATED}",
    f"{OLD}\n{NEW}\n\n{GIVEN_UP}",
)
CERTAIN = 2  # looks by which one side leads
NEAREST = 3  # known preferences, not named by the model, that are asked about as well
MOST_PAIRS = 24  # of a wish and a known preference
LOOK_TOKENS = 8
LONGEST_SHOWN = 2_000  # characters of a statement


async def confirm(miner: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    """The wishes with the known preferences that they put out of date."""
    grounded = state.grounded
    if not grounded or not row_of(miner.settings).judges:
        return {}
    pairs = [(wish, entry) for wish in grounded.wishes for entry in _named(wish, state.known)]
    for wish in grounded.wishes:
        pairs += [(wish, entry) for entry in await _nearest(miner, state, wish)]
    calls: list[Call] = []
    looks = (_is_outdated(miner, state, pair, calls) for pair in pairs[:MOST_PAIRS])
    gone = [pair for pair, yes in zip(pairs, await asyncio.gather(*looks), strict=False) if yes]
    wishes = tuple(
        replace(wish, outdated=tuple((e.node_id, e.version) for w, e in gone if w is wish))
        for wish in grounded.wishes
    )
    tell(outdated=[entry.content for _, entry in gone])
    return {"grounded": replace(grounded, wishes=wishes), "calls": calls}


def shown(entry: Entry, known: Sequence[Entry]) -> str:
    """A known preference on one line; of several in the same words, with those that matter."""
    content = " ".join(entry.content.split())[:LONGEST_SHOWN]
    alike = sum(other.content == entry.content for other in known)
    return f"{content} (here: {entry.evidence})" if alike > 1 else content


def read_yes(text: str) -> bool:
    """Whether a reply says yes; one that cannot be read does not."""
    return re.findall(r"\b(?:yes|no)\b", text.lower())[:1] == ["yes"]


def _named(wish: Wish, known: Sequence[Entry]) -> Iterator[Entry]:
    yield from (known[number - 1] for number in wish.about if number <= len(known))


async def _nearest(miner: Miner, state: HumanFeedbackState, wish: Wish) -> list[Entry]:
    """The known preferences, other than those named, that are most like a wish."""
    others = [entry for entry in state.known if entry not in _named(wish, state.known)]
    if len(others) <= NEAREST:
        return others
    try:
        ranked = await miner.playbook.nearest(state.cid, wish.content)
    except StoreUnavailable as error:
        log.warning("known preferences could not be ranked", reason=str(error))
        return []
    return [entry for entry in ranked if entry in others][:NEAREST]


async def _is_outdated(
    miner: Miner, state: HumanFeedbackState, pair: tuple[Wish, Entry], calls: list[Call]
) -> bool:
    wish, entry = pair
    lead = 1 if entry in _named(wish, state.known) else -1  # the first look, the model's own
    texts = {"old": shown(entry, state.known), "new": wish.content[:LONGEST_SHOWN]}
    for question in QUESTIONS:
        turns = [*state.prompt, Turn(role="user", content=question.format(**texts))]
        try:
            reply = await ask(miner, state, turns, limit=LOOK_TOKENS, temperature=0.0)
        except MinerError as error:
            log.warning("a look failed; the known preference stays", reason=str(error))
            return False
        calls.append(reply.call)
        judges = row_of(miner.settings, reply.call.provider).judges
        lead += 1 if judges and read_yes(reply.text) else -1
        if abs(lead) >= CERTAIN:
            break
    return lead > 0

"""Deciding, by rules alone, what a feedback changes in the playbook.

Every change rests on words that stand in the feedback. An entry that says the same is kept as it
is; one about the same topic that says something else is superseded; only what the user asks to
forget is deleted.
"""

import unicodedata
from collections.abc import Iterator, Sequence

from nodes.extract import feedback_of
from nodes.miner import Miner
from nodes.state import Change, HumanFeedbackState, Known, Preference, Update
from nodes.topics import (
    Topic,
    asks_to_forget,
    asks_to_forget_all,
    category_of,
    essence,
    languages,
    topic_of,
)

_STRAIGHT_QUOTES = str.maketrans("‘’“”", "''\"\"")


async def reconcile(_: Miner, state: HumanFeedbackState) -> Update:
    """The changes to make; the feedback itself, word for word, where nothing was extracted."""
    feedback = feedback_of(state)
    if asks_to_forget_all(feedback):
        return {"changes": [_deletion(entry, feedback) for entry in state.known]}
    changes = planned(feedback, state.extracted, state.known)
    if any(change.action != "reject" for change in changes):
        return {"changes": changes}
    whole = planned(feedback, [_verbatim(feedback)], state.known)
    return {"changes": [*changes, *whole], "fallback": "kept verbatim"}


def planned(
    feedback: str, preferences: Sequence[Preference], known: Sequence[Known]
) -> list[Change]:
    """What `preferences`, extracted from `feedback`, change in what is known."""
    changes: list[Change] = []
    entries = list(known)
    for preference in preferences:
        change = _change(feedback, preference, entries)
        if any(_same_target(change, earlier) for earlier in changes):
            continue
        changes.append(change)
        entries = list(_after(change, entries))
    return changes


def _change(feedback: str, preference: Preference, entries: Sequence[Known]) -> Change:
    content = _faithful(preference, feedback)
    if _folded(preference.quote) not in _folded(feedback):
        return Change(action="reject", content=content)
    named = next((entry for entry in entries if entry.node_id == preference.about), None)
    if asks_to_forget(preference.quote):
        return _forgetting(content, preference.quote, named, entries)
    category = category_of(f"{content} {preference.quote}", preference.category)
    for entry in entries:
        if essence(entry.content) == essence(content):
            return Change(
                action="keep", content=entry.content, node_id=entry.node_id, category=entry.category
            )
    target = _superseded(content, category, named, entries)
    if target is None:
        return Change(
            action="insert", content=content, category=category, evidence=preference.quote
        )
    return Change(
        action="update",
        content=content,
        category=category,
        evidence=preference.quote,
        node_id=target.node_id,
        version=target.version,
    )


def _superseded(
    content: str, category: str, named: Known | None, entries: Sequence[Known]
) -> Known | None:
    topic = topic_of(content, category)
    if topic is not None:
        return next((entry for entry in entries if _topic(entry) == topic), None)
    # No rule knows the topic: the model's word counts if the two at least share a word.
    if named is not None and named.category == category:
        shared = essence(named.content) & essence(content) - {"not"}
        return named if shared else None
    return None


def _forgetting(content: str, quote: str, named: Known | None, entries: Sequence[Known]) -> Change:
    wanted = essence(content) | essence(quote)
    ranked = sorted(entries, key=lambda entry: len(essence(entry.content) & wanted), reverse=True)
    best = ranked[0] if ranked and essence(ranked[0].content) & wanted - {"not"} else None
    topic = topic_of(quote)
    on_topic = (entry for entry in entries if topic and _topic(entry) == topic)
    target = best or next(on_topic, None)
    target = target or named
    return _deletion(target, quote) if target else Change(action="reject", content=content)


def _topic(entry: Known) -> Topic | None:
    return topic_of(entry.content, entry.category)


def _faithful(preference: Preference, feedback: str) -> str:
    """The extracted wording if it says what the quote says, else the quote itself."""
    content, quote = " ".join(preference.content.split()), " ".join(preference.quote.split())
    named = languages(feedback)
    if named and not languages(content) <= named:
        return quote
    return content if essence(content) & essence(quote) - {"not"} else quote


def _deletion(entry: Known, quote: str) -> Change:
    return Change(
        action="delete",
        content=entry.content,
        category=entry.category,
        evidence=quote,
        node_id=entry.node_id,
        version=entry.version,
    )


def _verbatim(feedback: str) -> Preference:
    text = " ".join(feedback.split())
    return Preference(content=text, quote=feedback, category=category_of(text))


def _same_target(change: Change, earlier: Change) -> bool:
    if change.node_id and change.node_id == earlier.node_id:
        return True
    return change.action == earlier.action and essence(change.content) == essence(earlier.content)


def _after(change: Change, entries: Sequence[Known]) -> Iterator[Known]:
    for entry in entries:
        if entry.node_id != change.node_id or change.action == "keep":
            yield entry


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = plain.translate(_STRAIGHT_QUOTES)
    return " ".join(plain.split()).strip(" .!\"'")

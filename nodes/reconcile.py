"""Deciding, by rules alone, what a feedback changes in the playbook.

Every change rests on words that stand in the feedback. An entry that says the same is kept as it
is; one about the same topic that says something else is superseded; only what the user asks to
forget is deleted. Where the rules are not sure that two contradict each other, both are kept.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence

from nodes.extract import feedback_of, is_full
from nodes.miner import Miner
from nodes.preferences.faithful import Span, places, worded
from nodes.preferences.forgetting import (
    Order,
    keeps_something,
    order_to_forget_all,
    orders_to_forget,
)
from nodes.preferences.praise import is_mere_praise
from nodes.preferences.stance import sentences
from nodes.preferences.topics import category_of, compatible, topic_of
from nodes.preferences.wording import essence, is_conditional, is_negated, meaning
from nodes.state import Change, HumanFeedbackState, HumanFeedbackUpdate, Known, Preference

KEPT_VERBATIM = "kept verbatim"
REST_VERBATIM = "rest kept verbatim"
LONG_FEEDBACK = 1_000  # characters; comparing more words than these hold takes a while

_EDGE = " \t\n.,;:!?…\"'()"
_POINTING = re.compile(r"\W*(?:forget\s+)?(?:it|that|this)\W*", re.IGNORECASE)
_MANY = re.compile(r"\b(?:all|every|everything|notes|instructions)\b", re.IGNORECASE)
_SEVERAL = re.compile(r",|\b(?:and|or)\b", re.IGNORECASE)
_LEADING_AND = re.compile(r"\A(?:and|then)\s+", re.IGNORECASE)


async def reconcile(_: Miner, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    """The changes to make; the feedback itself, word for word, where nothing was extracted."""
    feedback = feedback_of(state)
    if len(feedback) < LONG_FEEDBACK:
        return _decided(feedback, state)
    return await asyncio.to_thread(_decided, feedback, state)


def _decided(feedback: str, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    everything = order_to_forget_all(feedback)
    if everything and everything.sure:
        return _forgetting_all(feedback, everything, state)
    changes = planned(feedback, state.extracted, state.known)
    if not _changes_anything(changes):
        return _doubted(everything, feedback, _verbatim(changes, _sayings(state), state.known))
    rest = _unread(feedback, state.extracted) if is_full(state) else []
    update = _verbatim(changes, rest, state.known) if rest else {"changes": changes}
    return _doubted(everything, feedback, {**update, "fallbacks": [REST_VERBATIM] if rest else []})


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


def _forgetting_all(feedback: str, order: Order, state: HumanFeedbackState) -> HumanFeedbackUpdate:
    deletions = [_deletion(entry, feedback[order.start : order.end]) for entry in state.known]
    rest = _LEADING_AND.sub("", f"{feedback[: order.start]} {feedback[order.end :]}".strip(_EDGE))
    changes = planned(rest, state.extracted, ())
    learnt = [change for change in changes if change.action != "reject"]
    if learnt or not meaning(rest) or is_mere_praise(rest):
        return {"changes": [*deletions, *learnt]}
    update = _verbatim([], [rest], ())
    return update | {"changes": [*deletions, *update["changes"]]}


def _doubted(
    everything: Order | None, feedback: str, update: HumanFeedbackUpdate
) -> HumanFeedbackUpdate:
    """With a word on an order to forget everything that may have meant something else."""
    if everything is None:
        return update
    order = feedback[everything.start : everything.end]
    told = Change(action="reject", content=" ".join(order.split()))
    others = [change for change in update["changes"] if change != told]
    return update | {"changes": [told, *others]}


def _sayings(state: HumanFeedbackState) -> list[str]:
    """What to keep word for word if no preference can be read off it."""
    return [saying for query in state.queries if (saying := _wish(query))]


def _wish(saying: str) -> str:
    order = order_to_forget_all(saying)
    if is_mere_praise(saying):
        return ""
    if order is None:
        return saying
    rest = _LEADING_AND.sub("", saying[order.end :].strip(_EDGE))
    return "" if keeps_something(rest) or not meaning(rest) else rest


def _unread(feedback: str, preferences: Sequence[Preference]) -> list[str]:
    """The sentences after the last one that a preference rests on, and it if it goes on."""
    spans = [span for preference in preferences for span in places(preference.quote, feedback)[:1]]
    read = max((end for _, end in spans), default=0)
    return [
        feedback[start:end]
        for start, end in sentences(feedback)
        if end > read
        and meaning(feedback[max(start, read) : end])
        and not is_mere_praise(feedback[start:end])
    ]


def _verbatim(
    changes: list[Change], sayings: Sequence[str], known: Sequence[Known]
) -> HumanFeedbackUpdate:
    kept: list[Change] = []
    gone = {change.node_id for change in changes if change.action != "keep"}
    entries = [entry for entry in known if entry.node_id not in gone]
    for saying in sayings:
        content = " ".join(saying.split())
        if content:
            kept += planned(saying, [Preference(content=content, quote=saying)], entries)
            entries = list(_after(kept[-1], entries))
    if any(change.action in ("insert", "update") for change in kept):
        return {"changes": [*changes, *kept], "fallbacks": [KEPT_VERBATIM]}
    if _changes_anything(changes):
        return {"changes": [*changes, *kept]}
    return {"changes": kept if _changes_anything(kept) else changes or kept}


def _change(feedback: str, preference: Preference, entries: Sequence[Known]) -> Change:
    found = places(preference.quote, feedback)
    if not found:
        return Change(action="reject", content=" ".join(preference.content.split()))
    content, rests_on = worded(preference.content, found, feedback)
    span = next((span for span in found if _overlap(span, rests_on)), found[0])
    forgotten = _forgetting(feedback, content, span, preference.about, entries)
    if forgotten:
        return forgotten
    if order_to_forget_all(content):
        return Change(action="reject", content=content)
    return _learning(content, feedback[slice(*rests_on)], preference, entries)


def _forgetting(
    feedback: str, content: str, span: Span, about: str, entries: Sequence[Known]
) -> Change | None:
    """What a quote in an order to forget drops; `None` if it is about something else."""
    start, end = span
    quote = feedback[start:end]
    everything = order_to_forget_all(feedback)
    if everything and _overlap(span, (everything.start, everything.end)):
        goes_on = _goes_on(content, quote, feedback[everything.start : everything.end])
        return None if goes_on else Change(action="reject", content=content)
    order = next((o for o in orders_to_forget(feedback) if _overlap(span, (o.start, o.end))), None)
    if order is None or (
        everything and _overlap((order.start, order.end), (everything.start, everything.end))
    ):
        return None
    if _goes_on(content, quote, feedback[order.start : order.end]):
        return None
    asked = feedback[max(start, order.what) : min(end, order.end)]
    asked = asked if meaning(asked) else feedback[order.what : order.end]
    target = _meant_to_forget(asked, about, entries)
    if target:
        return _deletion(target, quote)
    return Change(action="reject", content=content) if order.sure else None


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _learning(content: str, quote: str, preference: Preference, entries: Sequence[Known]) -> Change:
    for entry in entries:
        if _says_the_same(entry.content, content):
            return Change(
                action="keep", content=entry.content, node_id=entry.node_id, category=entry.category
            )
    category = category_of(content, preference.category)
    target = _superseded(content, category, preference.about, entries)
    return Change(
        action="update" if target else "insert",
        content=content,
        category=category,
        evidence=quote,
        node_id=target.node_id if target else "",
        version=target.version if target else None,
    )


def _superseded(content: str, category: str, about: str, entries: Sequence[Known]) -> Known | None:
    topic, words = topic_of(content), _bare(content)
    for entry in reversed(entries):
        if words and _bare(entry.content) == words:
            return entry  # "tabs over spaces" and "spaces over tabs", "use puns" and "no puns"
        old = topic_of(entry.content)
        if topic and old and topic.covers(old) and not compatible(content, entry.content):
            return entry
    named = next((entry for entry in entries if entry.node_id == about), None)
    if named is None or is_conditional(content):
        return None
    return named if _may_supersede(content, category, named) else None


def _bare(content: str) -> set[str]:
    return set(essence(content)) - {"not"}


def _may_supersede(content: str, category: str, named: Known) -> bool:
    """Whether to believe the model that one replaces the other, where no rule says so."""
    topic, old = topic_of(content), topic_of(named.content)
    if topic and old:
        return topic.same_thing(old) and not compatible(content, named.content)
    if category != named.category:
        return False
    new_words, old_words = meaning(content), meaning(named.content)
    if is_negated(content) or is_negated(named.content):
        # Refusing one thing says nothing of another, be the rest of the words the same.
        return bool(new_words) and (new_words <= old_words or old_words <= new_words)
    # Of languages there is one at a time, whatever they are called.
    return bool(new_words & old_words) or category == "language"


def _meant_to_forget(asked: str, about: str, entries: Sequence[Known]) -> Known | None:
    wanted = meaning(asked)
    named = next((entry for entry in entries if entry.node_id == about), None)
    if not wanted:
        return None if _POINTING.fullmatch(asked) or _MANY.search(asked) else named
    if not _SEVERAL.search(asked):
        entries = [entry for entry in entries if _may_be_meant(asked, entry.content)]
    shared = {entry.node_id: len(meaning(entry.content) & wanted) for entry in entries}
    most = max(shared.values(), default=0)
    # Half of what was said must fit: one common word in a long sentence proves nothing.
    best = [entry for entry in entries if shared[entry.node_id] == most and 2 * most >= len(wanted)]
    if not best:
        best = [entry for entry in entries if _on_one_topic(asked, entry.content)]
    if named in best:
        return named
    return best[-1] if best else None


def _may_be_meant(asked: str, content: str) -> bool:
    """Whether an entry speaks of the part of an answer that was named: not so of the whole."""
    wanted, topic = topic_of(asked), topic_of(content)
    return not wanted or not topic or wanted.parts <= topic.parts


def _on_one_topic(asked: str, content: str) -> bool:
    wanted, topic = topic_of(asked), topic_of(content)
    if not wanted or not topic or wanted.parts != topic.parts:
        return False
    return bool(wanted.attributes & topic.attributes)


def _goes_on(content: str, quote: str, clause: str) -> bool:
    """Whether the words say more than what to forget, and the preference is about that."""
    more = meaning(quote) - meaning(clause)
    return bool(meaning(content) & more) and not orders_to_forget(content)


def _says_the_same(first: str, second: str) -> bool:
    if essence(first) or essence(second):
        return essence(first) == essence(second)
    return first.casefold() == second.casefold()


def _deletion(entry: Known, quote: str) -> Change:
    return Change(
        action="delete",
        content=entry.content,
        category=entry.category,
        evidence=quote,
        node_id=entry.node_id,
        version=entry.version,
    )


def _same_target(change: Change, earlier: Change) -> bool:
    if change.node_id and change.node_id == earlier.node_id:
        return True
    return change.action == earlier.action and _says_the_same(change.content, earlier.content)


def _after(change: Change, entries: Sequence[Known]) -> Iterator[Known]:
    for entry in entries:
        if entry.node_id != change.node_id or change.action == "keep":
            yield entry


def _changes_anything(changes: Sequence[Change]) -> bool:
    return any(change.action != "reject" for change in changes)

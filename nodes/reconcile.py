"""Deciding, by rules alone, what a feedback changes in the playbook.

Every change rests on words that stand in the feedback. An entry that says the same is kept as it
is; one about the same topic that says something else is superseded; only what the user asks to
forget is deleted. Where the rules are not sure that two contradict each other, both are kept.
"""

import re
from collections.abc import Iterator, Sequence

from nodes.extract import feedback_of
from nodes.forgetting import Order, order_to_forget_all, orders_to_forget, straight
from nodes.miner import Miner
from nodes.state import Change, HumanFeedbackState, Known, Preference, Update
from nodes.topics import (
    category_of,
    essence,
    is_conditional,
    is_negated,
    languages,
    meaning,
    topic_of,
)

KEPT_VERBATIM = "kept verbatim"

_EDGE = " \t\n.,;:!?…\"'()"
_LEADING_AND = re.compile(r"\A(?:and|then)\s+", re.IGNORECASE)
_NUMERAL = re.compile(r"\d+")
# Scripts up to this one put something between words; a quote must not begin within a word.
_SPACED_SCRIPTS_END = "\u0e00"


async def reconcile(_: Miner, state: HumanFeedbackState) -> Update:
    """The changes to make; the feedback itself, word for word, where nothing was extracted."""
    feedback = feedback_of(state)
    everything = order_to_forget_all(feedback)
    if everything:
        return _forgetting_all(feedback, everything, state)
    changes = planned(feedback, state.extracted, state.known)
    if _changes_anything(changes):
        return {"changes": changes}
    return _verbatim(changes, state.queries, state.known)


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


def _forgetting_all(feedback: str, order: Order, state: HumanFeedbackState) -> Update:
    deletions = [_deletion(entry, feedback[order.start : order.end]) for entry in state.known]
    rest = _LEADING_AND.sub("", f"{feedback[: order.start]} {feedback[order.end :]}".strip(_EDGE))
    changes = planned(rest, state.extracted, ())
    learnt = [change for change in changes if change.action != "reject"]
    if learnt or not meaning(rest):
        return {"changes": [*deletions, *learnt]}
    update = _verbatim([], [rest], ())
    return update | {"changes": [*deletions, *update["changes"]]}


def _verbatim(rejected: list[Change], sayings: Sequence[str], known: Sequence[Known]) -> Update:
    kept: list[Change] = []
    entries = list(known)
    for saying in sayings:
        content = " ".join(saying.split())
        if content:
            kept += planned(saying, [Preference(content=content, quote=saying)], entries)
            entries = list(_after(kept[-1], entries))
    if any(change.action in ("insert", "update") for change in kept):
        return {"changes": [*rejected, *kept], "fallback": KEPT_VERBATIM}
    return {"changes": kept if _changes_anything(kept) else rejected or kept}


def _change(feedback: str, preference: Preference, entries: Sequence[Known]) -> Change:
    place = _place(preference.quote, feedback)
    if place is None:
        return Change(action="reject", content=" ".join(preference.content.split()))
    start, end = place
    quote = feedback[start:end]
    content = _faithful(preference.content, quote, feedback)
    order = next((o for o in orders_to_forget(feedback) if o.start < end and start < o.end), None)
    if order and not _goes_on(content, quote, feedback[order.start : order.end]):
        asked = feedback[max(start, order.what) : min(end, order.end)]
        asked = asked if meaning(asked) else feedback[order.what : order.end]
        target = _meant_to_forget(asked, preference.about, entries)
        if target:
            return _deletion(target, quote)
        if order.sure:
            return Change(action="reject", content=content)
    return _learning(content, quote, preference, entries)


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
    topic, words = topic_of(content), set(essence(content))
    for entry in reversed(entries):
        if words and set(essence(entry.content)) == words:
            return entry  # "tabs over spaces" and "spaces over tabs"
        old = topic_of(entry.content)
        if topic and old and topic.covers(old):
            return entry
    named = next((entry for entry in entries if entry.node_id == about), None)
    if named is None or is_conditional(content):
        return None
    return named if _may_supersede(content, category, named) else None


def _may_supersede(content: str, category: str, named: Known) -> bool:
    """Whether to believe the model that one replaces the other, where no rule says so."""
    topic, old = topic_of(content), topic_of(named.content)
    if topic and old:
        return topic.same_thing(old)
    if category != named.category:
        return False
    # Of languages there is one at a time, whatever they are called.
    shared = meaning(content) & meaning(named.content)
    return bool(shared) or category == "language"


def _meant_to_forget(asked: str, about: str, entries: Sequence[Known]) -> Known | None:
    wanted = meaning(asked)
    named = next((entry for entry in entries if entry.node_id == about), None)
    if not wanted:
        return named
    shared = {entry.node_id: len(meaning(entry.content) & wanted) for entry in entries}
    most = max(shared.values(), default=0)
    # Half of what was said must fit: one common word in a long sentence proves nothing.
    best = [entry for entry in entries if shared[entry.node_id] == most and 2 * most >= len(wanted)]
    if not best:
        best = [entry for entry in entries if _on_one_topic(asked, entry.content)]
    if named in best:
        return named
    return best[-1] if best else None


def _on_one_topic(asked: str, content: str) -> bool:
    wanted, topic = topic_of(asked), topic_of(content)
    if not wanted or not topic or wanted.parts != topic.parts:
        return False
    return bool(wanted.attributes & topic.attributes)


def _goes_on(content: str, quote: str, clause: str) -> bool:
    """Whether the words say more than what to forget, and the preference is about that."""
    more = meaning(quote) - meaning(clause)
    return bool(meaning(content) & more) and not orders_to_forget(content)


def _place(quote: str, feedback: str) -> tuple[int, int] | None:
    """Where the quote stands in the feedback, with the negation before it if there is one."""
    if quote == feedback and quote.strip(_EDGE):
        return 0, len(feedback)
    words = straight(quote).strip(_EDGE).split()
    if not words:
        return None
    before = r"(?<!\w)" if words[0][0] < _SPACED_SCRIPTS_END else ""
    after = r"(?!\w)" if words[-1][-1] < _SPACED_SCRIPTS_END else ""
    pattern = before + r"\s+".join(re.escape(word) for word in words) + after
    match = re.search(pattern, straight(feedback), re.IGNORECASE)
    if match is None:
        return None
    begin = max(feedback.rfind(mark, 0, match.start()) for mark in ".!?;,\n") + 1
    lead = straight(feedback[begin : match.start()])
    if not is_negated(lead):
        return match.span()
    return begin + len(lead) - len(lead.lstrip()), match.end()


def _faithful(wording: str, quote: str, feedback: str) -> str:
    """The extracted wording if it says what the quote says, else the quote itself."""
    content, said = " ".join(wording.split()), " ".join(quote.split())
    invented = (
        languages(content) - languages(feedback)
        or set(_NUMERAL.findall(content)) - set(_NUMERAL.findall(feedback))
        or is_negated(content) != is_negated(straight(said))
    )
    if invented or not set(essence(content)) & (set(essence(said)) - {"not"}):
        return said
    return content


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

"""Holding what a model extracted to what the person said.

What is kept is the person's own statement around the quote, never the wording of the model. A quote
that cannot be found may be a bad copy of a real wish: the statements that no quote covers are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nodes.preferences.extraction import Action, Applies, Preference
from nodes.preferences.quotes import Span, find_quote, likeness, overlap
from nodes.preferences.statements import Statement, statements

LONGEST = 10_000  # characters that an entry of the playbook can hold
ALIKE = 60.0  # of 100: a statement that a quote or a wording is likely to be made from
VERBATIM = "The feedback was kept word for word: no single preference could be read off it."
UNCOVERED = "Statements kept as they stand, because the words quoted from them differ: {}."
UNREAD = "More was said than could be read off. Statements kept as they stand: {}."
REJECTED = "Not kept, because nothing in your words bears it out: {}."


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants kept or forgotten, in the person's own words.

    `evidence` are the words quoted, none if the quote is not there; `about` holds the numbers of
    the known preferences that the model says are concerned, and `outdated` their node_ids and
    versions once that is confirmed.
    """

    content: str
    evidence: str
    action: Action = "add"
    category: str = "other"
    applies: Applies = "always"
    about: tuple[int, ...] = ()
    outdated: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Grounded:
    """The wishes of a feedback, and what the person has to be told of how they were read."""

    wishes: tuple[Wish, ...] = ()
    notes: tuple[str, ...] = ()


def ground(feedback: str, items: Sequence[Preference], *, full: bool = False) -> Grounded:
    """What of the items the feedback bears out.

    With `full`, the model had no room for more: what follows its last quote is kept, too.
    """
    stated = statements(feedback)
    placed, lost = dict[Span, Wish](), list[Preference]()
    for item in items:
        span = find_quote(item.quote, feedback, taken=list(placed))
        around = [one for one in stated if span and overlap((one.start, one.end), span)]
        if span and around:
            same = next((other for other in placed if overlap(span, other)), span)
            whole = [around[0].text, *feedback[around[0].end : around[-1].end].split()]
            evidence = feedback[slice(*span)]
            placed[same] = _merged(placed.get(same), item, " ".join(whole), evidence)
        else:
            lost.append(item)
    free = [one for one in stated if not any(overlap((one.start, one.end), at) for at in placed)]
    kept, rejected = dict[Statement, Wish](), 0
    for item in lost:
        likely = _likely(item, free)
        kept |= {one: _merged(kept.get(one), item, one.text, "") for one in likely or free}
        rejected += not free
    end = max((span[1] for span in placed), default=0)
    rest = [Wish(s.text, s.text) for s in free if full and s.start >= end and s not in kept]
    counts = {UNCOVERED: len(kept), UNREAD: len(rest), REJECTED: rejected}
    return Grounded(
        wishes=(*placed.values(), *kept.values(), *rest),
        notes=tuple(note.format(count) for note, count in counts.items() if count),
    )


def verbatim(sayings: Sequence[str]) -> Grounded:
    """Whole sayings as wishes, but for those without a letter or digit."""
    flat = [" ".join(saying.split()) for saying in sayings if statements(saying)]
    return Grounded(tuple(Wish(text, text) for text in flat), (VERBATIM,) if flat else ())


def _merged(wish: Wish | None, item: Preference, content: str, evidence: str) -> Wish:
    """A wish, or one with another item on the same words: what is to be kept wins."""
    about = (item.about,) if item.about else ()
    if wish is None:
        said = (content[:LONGEST], " ".join(evidence.split())[:LONGEST])
        return Wish(*said, item.action, item.category, item.applies, about)
    action = item.action if wish.action == "forget" else wish.action
    return replace(wish, action=action, about=tuple(dict.fromkeys((*wish.about, *about))))


def _likely(item: Preference, free: Sequence[Statement]) -> Sequence[Statement]:
    """The statement that an item is most likely made from; none where none is alike."""
    scores = [max(likeness(text, one.text) for text in (item.quote, item.content)) for one in free]
    best = max(scores, default=0.0)
    return [free[scores.index(best)]] if best >= ALIKE else []

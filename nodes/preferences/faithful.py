"""Holding what a model extracted to what the person said.

A wording is believed only where each of its words is asked for, or refused, as it was in the
sentence it rests on. Else the sentence itself stands for it: whole, for a part of "no emojis,
please" would say the opposite.
"""

import re
from itertools import islice

from nodes.preferences.stance import condition_of, passage, self_standing, stances, widened
from nodes.preferences.topics import languages
from nodes.preferences.wording import essence, is_conditional, is_negated, meaning, straight

_EDGE = " \t\n.,;:!?…\"'()"
_PLACE = re.compile(r"\s+(?:in|for|inside|within)\b[^.,;:!?\n]*", re.IGNORECASE)
_NUMERAL = re.compile(r"\d+")
# Scripts up to this one put something between words; a quote must not begin within a word.
_SPACED_SCRIPTS_END = "\u0e00"
_MOST_PLACES = 5

Span = tuple[int, int]


def places(quote: str, feedback: str) -> list[Span]:
    """Where a quote stands in the feedback."""
    if quote == feedback and quote.strip(_EDGE):
        return [(0, len(feedback))]
    words = straight(quote).strip(_EDGE).split()
    if not words:
        return []
    before = r"(?<!\w)" if words[0][0] < _SPACED_SCRIPTS_END else ""
    after = r"(?!\w)" if words[-1][-1] < _SPACED_SCRIPTS_END else ""
    pattern = before + r"\s+".join(re.escape(word) for word in words) + after
    found = re.finditer(pattern, straight(feedback), re.IGNORECASE)
    return [match.span() for match in islice(found, _MOST_PLACES)]


def worded(wording: str, found: list[Span], feedback: str) -> tuple[str, Span]:
    """What to keep of an extracted wording, and the words of the feedback it rests on."""
    content = " ".join(wording.split())
    for start, end in found:
        if content == " ".join(feedback[start:end].split()) and (end - start) == len(feedback):
            return content, (start, end)
        if _is_faithful(content, (start, end), feedback):
            return content, _evidence(content, (start, end), feedback)
    begin, end = _sayings_of(content, found[0], feedback)
    return " ".join(feedback[begin:end].split()), (begin, end)


def _is_faithful(content: str, span: Span, feedback: str) -> bool:
    quote = feedback[slice(*span)]
    begin, end = passage(feedback, *span)
    said = feedback[begin:end]
    if _invented(content, feedback) or (is_negated(content) and not is_negated(said)):
        return False
    shared = set(essence(content)) & (set(essence(quote)) - {"not"})
    if not shared:
        return False
    if not is_conditional(content) and condition_of(said, span[0] - begin, span[1] - begin):
        return False
    return not _drops_place(content, feedback[span[1] : end]) and _agrees(content, said, shared)


def _invented(content: str, feedback: str) -> bool:
    if languages(content) - languages(feedback):
        return True
    return bool(set(_NUMERAL.findall(content)) - set(_NUMERAL.findall(feedback)))


def _drops_place(content: str, after: str) -> bool:
    """Whether the words after the quote say where it holds, and the wording does not."""
    place = _PLACE.match(after)
    return place is not None and not meaning(place.group()) <= meaning(content)


def _agrees(content: str, said: str, shared: set[str]) -> bool:
    """Whether each word is meant as it was said; none is where its clause leaves that open."""
    as_said = stances(said)
    if not shared <= as_said.keys() and is_negated(content) != is_negated(said):
        return False  # no words to compare: some scripts put nothing between them
    meant = stances(content)
    return all(
        None not in meant[word] and meant[word] <= as_said[word]
        for word in meant.keys() & as_said.keys()
    )


def _evidence(content: str, span: Span, feedback: str) -> Span:
    if is_negated(content) and not is_negated(feedback[slice(*span)]):
        return passage(feedback, *span)
    return span


def _sayings_of(content: str, span: Span, feedback: str) -> Span:
    begin, end = passage(feedback, *span)
    if is_negated(content) and not is_negated(feedback[begin:end]):
        return widened(feedback, begin, end)
    alone = self_standing(feedback[begin:end], span[0] - begin, span[1] - begin)
    if alone is None:
        return begin, end
    if is_negated(content) and not is_negated(feedback[begin:end][slice(*alone)]):
        return begin, end  # what the model took for refused may be so by words further off
    return begin + alone[0], begin + alone[1]

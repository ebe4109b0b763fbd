"""Whether a new text may stand in the place of an old one."""

import json
import re

from nodes.documents.words import (
    ABOUT,
    ANOTHER,
    COMMON,
    LANGUAGES,
    LEAD,
    LESS,
    NOTHING,
    OFFER,
    REFUSAL,
    REMOVE,
    WORK,
    language,
    pattern,
    tokens,
)

SHINGLE = 3  # words in a row; fewer are shared by chance
SMALLEST, SMALL, PARTIAL = 0.3, 0.5, 0.6  # of the old text's length
MOSTLY = 0.5
RELATED = 0.2  # of a text that has to do with another: what they share
SHORT_WORD = 4  # letters; shorter words tell little
FEWEST_WORDS = 8  # shorter texts share nothing by chance
LOOP, LONG_ENOUGH = 0.3, 60
INSTRUCTION_WORDS = 5
LONGEST_REMARK = 1200
LONG_SENTENCE = 30  # words
WORD_OF_REQUEST = 4  # letters

EMPTY = "it is empty"
REFUSED = "it is a refusal"
REMARK = "it speaks about the work instead of being it"
ECHO = "it repeats the request"
REPEATS = "it repeats itself"
BROKEN = "it is not valid JSON any more, or has no end"
ONLY_PART = "it is only a part of it"
SHORTER = "it is much shorter, and nobody asked for that"
OTHER_LANGUAGE = "it is in another language, and nobody asked for that"
FOREIGN = "it has nothing to do with it"

_AROUND = " \t\r\n.!*_`\"'()[]（）。！"
_PLACEHOLDER = re.compile(r"\[[^\W\d][^\]\n]*\]|\([^\W\d][^)\n]*\)|<[^\W\d][^>\n]*>|[\s.…*_-]*")
_LIMIT = re.compile(rf"(?<!\d)(\d++)[ -]{{0,2}}{pattern('units')}", re.IGNORECASE)
_FULL_STOPS, _CLOSING = tuple(".!?…。！？:;"), " \t\r\n*_`\"'”’»」)]）"
_ENDS = (("<html", "</html>"), (r"\begin{document}", r"\end{document}"))


def says_nothing(document: str, old: str = "") -> bool:
    """Whether a text in a document's place only says that there is no new one.

    Of an old one that says so itself, only the words that were asked for do.
    """
    said = document.strip(_AROUND)
    if not said or said.lower() == "no update":
        return True
    return bool(NOTHING.fullmatch(said)) and not NOTHING.fullmatch(old.strip(_AROUND))


def objection(new: str, old: str, request: str, wanted: str = "", *, related: bool = True) -> str:
    """Why `new` may not stand in the place of `old`; empty where it may.

    `request` is all that was asked, as plain text; `wanted` what of it asks for the change, if
    the rest is what `old` answers; `related` whether `new` must have to do with `old`. Costs time
    linear in the lengths.
    """
    text, before = new.strip(), old.strip()
    if says_nothing(text, before):
        return EMPTY
    if refuses(text) and not refuses(before):
        return REFUSED
    return _against(text, before, request, wanted or request, related) if before else ""


def _against(text: str, old: str, request: str, wanted: str, related: bool) -> str:
    words, before = tokens(text), tokens(old)
    reasons = {
        ONLY_PART: _PLACEHOLDER.fullmatch(text) and not _PLACEHOLDER.fullmatch(old),
        BROKEN: _lacks_end(text, old) or _breaks_off(text, old),
        ECHO: _echoes(words, before, request),
        REMARK: is_remark(text) and not is_remark(old),
        REPEATS: _loops(words) and not _loops(before),
    }
    found = next((reason for reason, holds in reasons.items() if holds), "")
    if not found and not _replaces(text, words, before, wanted):
        found = _too_little(text, old, words, before, wanted)
    return found or (_foreign(words, before, request) if related else "")


def _replaces(text: str, words: list[str], before: list[str], request: str) -> bool:
    """Whether a text of more than a sentence is the other one that was asked for instead."""
    if not ANOTHER.search(request) or ("\n" not in text and len(words) < LONG_SENTENCE):
        return False
    asks = all(line.rstrip()[-1:] in {"?", "\uff1f"} for line in text.splitlines() if line.strip())
    return not asks and max(shared(words, before)) < RELATED


def refuses(text: str) -> bool:
    """Whether a text begins, in its first paragraph, as refusals do."""
    start = _plain(text[:LONGEST_REMARK])
    first = start.split("\n\n")[0]
    return bool(REFUSAL.match(start)) and len(text) <= LONGEST_REMARK and "\n" not in first


def is_remark(text: str) -> bool:
    """Whether a short text only speaks of the work: reports, asks, offers, or announces it."""
    start = _plain(text[:LONGEST_REMARK])
    if len(text) > LONGEST_REMARK or len(start.split("\n\n")) > 2:  # noqa: PLR2004
        return False
    if OFFER.match(start) and WORK.search(start):
        return True
    if LEAD.match(start) and "\n" not in start and (WORK.search(start) or start[-1] in ":："):
        return True
    asks = start.rstrip()[-1:] in {"?", "？"}
    return bool(ABOUT.match(start)) and (asks or bool(WORK.search(start)))


def shared(words: list[str], before: list[str]) -> tuple[float, float]:
    """The shares of the old text that is kept, and of the new one that is drawn from it."""
    new, old = _shingles(words), _shingles(before)
    both = len(new & old)
    return both / max(1, len(old)), both / max(1, len(new))


def asks_for_less(request: str, old_words: int) -> bool:
    """Whether a request may want a text to become much shorter."""
    if LESS.search(request):
        return True
    return any(0 < int(found[:6]) < old_words for found in _LIMIT.findall(request))


def _too_little(text: str, old: str, words: list[str], before: list[str], request: str) -> str:
    _, drawn = shared(words, before)
    if _is_short(len(text) / len(old), drawn, words, before, request):
        return SHORTER if drawn < MOSTLY else ONLY_PART
    if LANGUAGES.search(request):
        return ""
    spoken, earlier = language(words), language(before)
    if spoken and earlier and spoken != earlier:
        return OTHER_LANGUAGE
    return ""


def _foreign(words: list[str], before: list[str], request: str) -> str:
    """Whether hardly a telling word of a text is known from the old one or the request."""
    if min(len(words), len(before)) < FEWEST_WORDS or LANGUAGES.search(request):
        return ""
    if max(shared(words, before)) >= RELATED:
        return ""
    telling = {word for word in words if len(word) > SHORT_WORD} - COMMON
    asked = set(before) | set(tokens(request))
    return FOREIGN if len(telling & asked) < RELATED * len(telling) else ""


def _is_short(size: float, drawn: float, words: list[str], before: list[str], request: str) -> bool:
    """Whether a text of this share of the old length is too short for what was asked."""
    if size >= PARTIAL or asks_for_less(request, len(before)):
        return False
    if REMOVE.search(request):
        return size < SMALLEST and not _names_what_is_gone(words, before, request)
    return size < SMALL or drawn >= MOSTLY


def _names_what_is_gone(words: list[str], before: list[str], request: str) -> bool:
    gone = {word[:WORD_OF_REQUEST] for word in set(before) - set(words)}
    asked = {word for word in tokens(request) if not REMOVE.fullmatch(word)}
    return any(word[:WORD_OF_REQUEST] in gone for word in asked if len(word) >= WORD_OF_REQUEST)


def _echoes(words: list[str], before: list[str], request: str) -> bool:
    """Whether a text holds most lines of the request, or the first and little else of its own."""
    lines = [found for line in request.splitlines() if (found := tokens(line))]
    asked = [line for line in lines if len(line) >= INSTRUCTION_WORDS]
    if not asked or not words:
        return False
    said = _shingles(words) - _shingles(before)
    held = [line for line in asked if _shingles(line) <= said]
    if held[:1] == asked[:1] and len(asked[0]) * 2 > len(words) - len(before):
        return True
    return len(held) > 1 and len(held) * 2 > len(asked)


def _loops(words: list[str]) -> bool:
    """Whether a long text, or the end of it, is the same few words again and again."""
    half = words[len(words) // 2 :]
    return any(
        len(part) >= LONG_ENOUGH and len(_shingles(part)) < LOOP * len(part)
        for part in (words, half)
    )


def _lacks_end(text: str, old: str) -> bool:
    """Whether a text lacks the end that its beginning asks for and the old one has."""
    for begin, end in _ENDS:
        if begin in text.lower() and end in old.lower() and end not in text.lower():
            return True
    start = text[:1]
    return start in {"{", "["} and _is_json(old) and not _is_json(text)


def _breaks_off(text: str, old: str) -> bool:
    """Whether a shorter text stops within a sentence where the old one ended with a full one."""
    ended = old.rstrip(_CLOSING)[-1:] in _FULL_STOPS
    return ended and len(text) < len(old) and text.rstrip(_CLOSING)[-1:] not in _FULL_STOPS


def _is_json(text: str) -> bool:
    try:
        json.loads(text.strip().lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return False
    return True


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    size = min(SHINGLE, len(words))
    return set(zip(*(words[at:] for at in range(size)), strict=False)) if size else set()


def _plain(text: str) -> str:
    return text.replace("’", "'").strip(" \t\r\n*_#>\"'“”«»「[(")

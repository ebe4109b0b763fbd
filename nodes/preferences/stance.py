"""Whether a person asks for a thing or refuses it, read off the clauses of what was said.

"Don't use emojis, tables or headings" refuses all three, "don't use emojis, write in French" only
one. Where the clauses do not tell, the answer is that they do not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from nodes.preferences.wording import denials, essence, straight

_ABBREVIATED = r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<!\A\d)(?<!\n\d)"
_SENTENCE_END = re.compile(rf"{_ABBREVIATED}(?<![.!?…])[.!?…]+(?=[\s\"')]|$)|[。！？]|\n")  # noqa: RUF001
_BULLET = re.compile(r"[ \t]*(?:[-*•–+>]|\(?\d{1,3}[.)])[ \t]")
_OPEN_LINE = re.compile(
    r"(?:[,:;(-]|\b(?:or|and|nor|not|never|no|without|avoid|using|use|any|the|an?|of|in|to|with"
    r"|\w{1,10}n't))\s*\Z",
    re.IGNORECASE,
)
_VERB = (
    r"use|write|answer|reply|respond|give|keep|make|be|add|include|put|show|speak|call|explain"
    r"|start|begin|prefer|want|need|let|stick|switch|translate|cite|provide|go|try|do(?!\s+not\b)"
    r"|stay|say|tell|talk|address|i\s+(?:\w+\s+)?(?:like|love|want|need|prefer|am|have|live)|i'm"
    r"|i'd|(?:antworte|schreibe?|nutze|verwende)n?|réponds|répondez|écris|écrivez|utilise[rz]?"
    r"|responde|escribe|usa|rispondi|scrivi|antwoord|schrijf|отвечай|пиши"
)
_ADVERBS = r"(?:(?:so|then|also|please|rather|always|only|just|now|to|you|should|must|can|do)\s+)"
_PREDICATE = re.compile(rf"\b(?:{_VERB})(?!\w)", re.IGNORECASE)
_OPENS_ANEW = re.compile(
    rf"\A\W*(?:(?:and|but)\s+)?(?:(?:but|instead|however|yet|rather|always|only|just|please)\b"
    rf"|{_ADVERBS}{{0,3}}(?:{_VERB})(?!\w))",
    re.IGNORECASE,
)
_TIED_ON = re.compile(rf"\A\W*and\s+{_ADVERBS}{{0,3}}(?:{_VERB})(?!\w)", re.IGNORECASE)
_CLEARLY_ANEW = re.compile(
    r"\A\W*and\s+(?:please|always|instead|only|just|rather|i|i'd|i'm|you)\b", re.IGNORECASE
)
_BREAK = re.compile(
    rf"{_ABBREVIATED}(?<![.!?…])[.!?…]+(?=[\s\"')]|$)|(?<![,;:])[,;:]+(?=\s|$)|\n+|[。！？，；：、]"  # noqa: RUF001
    r"|\s(?=(?:but|however|yet|instead(?!\s+of\b))\b)|[ \t]-+[ \t]"
    r"|\s(?=(?:instead\s+of|rather\s+than)\b)"
    rf"|\s(?=and\s+(?:please|always|instead|only|just|rather|not?|never|avoid|stop|\w{{1,10}}n't"
    rf"|{_ADVERBS}{{0,3}}(?:{_VERB}))(?!\w))",
    re.IGNORECASE,
)
_IN_PLACE_OF = re.compile(r"\A\W*(?:instead\s+of|rather\s+than)\b", re.IGNORECASE)
_INTERJECTION = re.compile(
    r"\A\W*(?:no|nope|nah|nein|non)\b(?:\s+(?:thanks?|thank\s+you|sorry))?\W*\Z", re.I
)
_CONDITIONAL = re.compile(
    r"\b(?:when|whenever|if|unless|except|until|but\s+(?:not|never|only)\s+(?:in|for|on|with|about)|(?:only|just)\s+(?:for|in|on|with))\b"
    r"(?!\s+(?:possible|you\s+(?:can|could|please|may|answer|reply|respond))\b)",
    re.IGNORECASE,
)
_OF_MEMORY = re.compile(r"forget|\b(?:said|told|rules?|preferences?)\b", re.IGNORECASE)
_LEANING = re.compile(r"\W*(?:and|or|nor|but|not|instead|rather|yet|however)\b", re.IGNORECASE)
_EDGE = " \t\n.,;:!…\"'()"


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of text and whether it refuses what it names; `None` where that is not clear."""

    start: int
    end: int
    refuses: bool | None


@dataclass(frozen=True, slots=True)
class _Tie:
    """What the clauses before make of one that follows.

    A firm tie holds it whatever it says: after "please avoid:" every item is refused.
    """

    refuses: bool | None
    firm: bool = False
    listing: bool = False
    parted: bool = False  # a comma stands between, or what is refused is to be remembered


_LOOSE = _Tie(refuses=False)


@lru_cache(maxsize=16)
def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text stand."""
    plain = straight(text)
    found, begin = [], 0
    for match in _SENTENCE_END.finditer(plain):
        if match.group() == "\n" and _runs_on(plain, begin, match.start()):
            continue
        if plain[begin : match.end()].strip():
            found.append((begin, match.end()))
        begin = match.end()
    if plain[begin:].strip() or not found:
        found.append((begin, len(plain)))
    else:
        found[-1] = (found[-1][0], len(plain))
    return found


def passage(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence around a span, with what it cannot be understood without.

    That is the line above a list, and the next sentence where it only says yes or no to this one.
    """
    stretches = sentences(text)
    first, last = _around(stretches, start, end)
    first = _head_of_list(text, stretches, first)
    while last + 1 < len(stretches) and _belongs_before(text, *stretches[last : last + 2]):
        last += 1
    return _trimmed(text, stretches[first][0], stretches[last][1])


def self_standing(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The clauses of a passage that a span lies in, if they can be understood without the rest."""
    own = [clause for clause in clauses(text) if clause.start < end and start < clause.end]
    if not own or condition_of(text, start, end):
        return None
    for clause in own:
        said = text[clause.start : clause.end]
        if _LEANING.match(said):
            return None
        if not (denials(said) if clause.refuses else clause.refuses is False and _has_verb(said)):
            return None
    return _trimmed(text, own[0].start, own[-1].end)


def widened(text: str, start: int, end: int) -> tuple[int, int]:
    """A passage with a sentence more on either side."""
    stretches = sentences(text)
    first, last = _around(stretches, start, end)
    before, after = stretches[max(first - 1, 0)], stretches[min(last + 1, len(stretches) - 1)]
    return _trimmed(text, before[0], after[1])


def clauses(text: str) -> list[Clause]:
    """The clauses of a passage, each with its stance; one that only lists takes the one before."""
    plain = straight(text)
    found: list[Clause] = []
    tie, head = _LOOSE, _LOOSE
    for start, end, closing in _pieces(plain):
        piece = plain[start:end]
        if not essence(piece):
            continue
        if not _only_denies(piece):
            found += _halves(plain, start, end, tie)
            waiting = tie.firm and head is _LOOSE and not _has_verb(piece)
            tie = tie if waiting else _after(found[-1].refuses, piece, closing, head)
            head = _heading(found[-1].refuses, piece) if closing == ":" else head
            tie = head if closing == ":" else tie
        elif found and _answers(plain[found[-1].end : start], closing):
            found[-1] = replace(found[-1], refuses=True)
        elif not _INTERJECTION.match(piece):
            tie = head = _Tie(refuses=True, firm=True)
            head = head if closing == ":" else _LOOSE
    return found


def stances(text: str) -> dict[str, frozenset[bool | None]]:
    """How a passage stands to each of the words of its `essence`."""
    found: dict[str, frozenset[bool | None]] = {}
    for clause in clauses(text):
        for word in set(essence(text[clause.start : clause.end])) - {"not"}:
            found[word] = found.get(word, frozenset()) | {clause.refuses}
    return found


def condition_of(text: str, start: int, end: int) -> bool:
    """Whether what stands there in a passage holds only in some circumstances."""
    pieces = list(_pieces(straight(text)))
    own = [n for n, (begin, finish, _) in enumerate(pieces) if begin < end and start < finish]
    if not own:
        return False
    near = [text[a:b] for a, b, _ in pieces[max(own[0] - 1, 0) : own[-1] + 2]]
    inside = any(_CONDITIONAL.search(text[pieces[n][0] : pieces[n][1]]) for n in own)
    return inside or any(_CONDITIONAL.match(piece.lstrip()) for piece in (near[0], near[-1]))


def _runs_on(plain: str, begin: int, at: int) -> bool:
    """Whether a line is a sentence broken by the width of a page, and no list begins after it."""
    return bool(_OPEN_LINE.search(plain[begin:at][-20:])) and not _BULLET.match(plain, at + 1)


def _around(stretches: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """The first and the last sentence that a span touches."""
    touched = [n for n, (begin, after) in enumerate(stretches) if begin < end and start < after]
    return (touched[0], touched[-1]) if touched else (len(stretches) - 1, len(stretches) - 1)


def _head_of_list(text: str, stretches: list[tuple[int, int]], first: int) -> int:
    at = first
    while at > 0 and _BULLET.match(text, _line(text, stretches[at][0])):
        at -= 1
    if at == first:
        return first
    head = text[slice(*stretches[at])].rstrip()
    return first if head.endswith((".", "!", "?")) or _BULLET.match(head) else at


def _line(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\n":
        at += 1
    return at


def _belongs_before(text: str, one: tuple[int, int], other: tuple[int, int]) -> bool:
    if _only_denies(text[slice(*other)]) or not essence(text[slice(*other)]):
        return True
    return text[slice(*one)].rstrip().endswith("?")


def _has_verb(text: str) -> bool:
    return _PREDICATE.search(straight(text)) is not None


def _only_denies(piece: str) -> bool:
    return set(essence(piece)) == {"not"}


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    said = text[start:end]
    left = len(said) - len(said.lstrip(_EDGE))
    return start + left, end - (len(said) - len(said.rstrip(_EDGE)))


def _pieces(plain: str) -> Iterator[tuple[int, int, str]]:
    """Where the clauses stand, and the mark that closes each."""
    begin = 0
    for match in _BREAK.finditer(plain):
        if plain[begin : match.start()].strip():
            yield begin, match.start(), match.group().strip(" \t")[:1]
        begin = match.end()
    if plain[begin:].strip():
        yield begin, len(plain), ""


def _halves(plain: str, start: int, end: int, tie: _Tie) -> Iterator[Clause]:
    piece = plain[start:end]
    denied = denials(piece)
    inherited = _inherited(piece, tie)
    if not denied:
        yield Clause(start, end, refuses=inherited)
        return
    if len(denied) > 1:
        yield Clause(start, end, refuses=None)
        return
    [(at, after)] = denied
    before = piece[:at]
    if _PREDICATE.search(before) and essence(before) and essence(piece[after:]):
        yield Clause(start, start + at, refuses=inherited)
        start += at
    yield Clause(start, end, refuses=True)


def _inherited(piece: str, tie: _Tie) -> bool | None:
    if _IN_PLACE_OF.match(piece):
        return True
    if tie.firm or tie.refuses is False:
        return tie.refuses
    if _CLEARLY_ANEW.match(piece):
        return False
    if _OPENS_ANEW.match(piece):
        tied = _TIED_ON.match(piece) and not tie.parted
        return None if tie.listing or tied else False
    return tie.refuses


def _after(refuses: bool | None, piece: str, closing: str, head: _Tie) -> _Tie:
    if closing in ("\n", ".", "!", "?") and head is not _LOOSE:
        return head
    if closing in (".", "!", "?"):
        return _LOOSE
    return _Tie(refuses, parted=closing in (",", ";") or _OF_MEMORY.search(piece) is not None)


def _heading(refuses: bool | None, piece: str) -> _Tie:
    return _Tie(refuses, firm=not set(essence(piece)) - {"not"}, listing=True)


def _answers(between: str, closing: str) -> bool:
    """Whether a bare "never" speaks of what stands before it and not of what follows."""
    return between.strip()[:1] == "?" or closing in ("", ".", "!")

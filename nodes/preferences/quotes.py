"""Finding a quotation in the text it is said to come from."""

import re

from rapidfuzz import fuzz

SLIPS_FORGIVEN = 80.0  # likeness, of 100: a letter or a short word in ten is wrong
SHORTEST_WITH_SLIPS = 6  # characters; anything resembles less than these somewhere
_EDGE = " \t\n.,;:!?…\"'()[]«»。！？、"  # noqa: RUF001
_STRAIGHT = str.maketrans("‘’“”„«»–—", '\'\'"""""--')
# Scripts up to this one put something between words; a quote must not begin within a word.
_SPACED_SCRIPTS_END = "\u0e00"

Span = tuple[int, int]


def find_quote(quote: str, text: str, taken: list[Span]) -> Span | None:
    """Where a quote stands in a text; rather where no span is taken.

    Letter case, quotation marks and spaces are forgiven, and small slips where it is not there
    otherwise.
    """
    plain, wanted = _plain(text), _bare(quote)
    if not wanted:
        return None
    before = r"(?<!\w)" if wanted[0] < _SPACED_SCRIPTS_END else ""
    after = r"(?!\w)" if wanted[-1] < _SPACED_SCRIPTS_END else ""
    pattern = before + r"\s+".join(map(re.escape, wanted.split())) + after
    found = [match.span() for match in re.finditer(pattern, plain)]
    free = [span for span in found if not any(overlap(span, other) for other in taken)]
    return next(iter(free or found), None) or _nearly(wanted, plain)


def overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def likeness(one: str, other: str) -> float:
    """How much of the shorter of two texts stands in the other one, from 0 to 100."""
    return fuzz.partial_ratio(_plain(one), _plain(other))


def same_text(one: str, other: str) -> bool:
    """Whether two texts are the same, but for letter case, quotation marks, spaces and the end."""
    return _bare(one) == _bare(other)


def _nearly(wanted: str, plain: str) -> Span | None:
    if len(wanted) < SHORTEST_WITH_SLIPS:
        return None
    if len(wanted) >= len(plain):
        return (0, len(plain)) if fuzz.ratio(wanted, plain) >= SLIPS_FORGIVEN else None
    best = fuzz.partial_ratio_alignment(wanted, plain, score_cutoff=SLIPS_FORGIVEN)
    return (best.dest_start, best.dest_end) if best else None


def _bare(text: str) -> str:
    return " ".join(_plain(text).strip(_EDGE).split())


def _plain(text: str) -> str:
    """In small letters, with straight marks; every character keeps its place."""
    small = (char.lower() if len(char.lower()) == 1 else char for char in text)
    return "".join(small).translate(_STRAIGHT)

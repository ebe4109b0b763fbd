"""Finding the equalities in a text whose left side is whole arithmetic and can be judged.

A right solution called wrong loses its vote, so that whatever might change what an equality says
is a reason to leave it out: a unit that was converted, another base, a mixed number, a remark that
puts it right.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_TEXT = 20_000
MOST_EQUALITIES = 100
NEAR = 80  # characters
MIXED = "§"  # a fraction that belongs to the number before it

_LINE_ENDS = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
_SPACE = re.compile(r"[^\S\n]")
_SPELLINGS = (
    (re.compile(r"(?<!\\)\\[()\[\]]"), " "),
    (re.compile(r"(?<=\d) *\\[dtc]?frac *\{[^{}]+\} *\{[^{}]+\}"), MIXED),
    (re.compile(r"\\[dtc]?frac *\{([^{}]+)\} *\{([^{}]+)\}"), r"((\1)/(\2))"),
    (re.compile(r"\\times(?![a-zA-Z])|\\cdot(?![a-zA-Z])|[×·∙⋅]|(?<=[\d)]) +x +(?=[\d(])"), "*"),
    (re.compile(r"\\div(?![a-zA-Z])|÷"), "/"),
    (re.compile(r"[−–]"), "-"),
    (re.compile(r"\\(?:left|right)(?![a-zA-Z])|\\[,;!]|[$€£]"), ""),
    (re.compile(r"\*\*(?=\s|$)|(?<![\w)\]])\*\*(?=\S)"), ""),
    (re.compile(r"(?<=\d)\{,\}(?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<=\d)[, ](?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<=\d) *\\?%"), "%"),
    (re.compile(r"\^"), "**"),
    (re.compile(r"^ *\d{1,2}[.)] +(?=\S)", re.MULTILINE), ""),
)
# Bounded, since a long row of numbers would be tried from every one of them on.
EXPRESSION = r"[(\d][\d .+\-*/()%]{0,198}[\d)%]"
_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)"
_EQUALITY = re.compile(
    rf"(?<![^\s([=\"'])({EXPRESSION}) *= *"
    rf"(?=({_NUMBER})(%?)((?: *[-+*/]+ *[\d(][\d .+\-*/()%]{{0,198}})?))"
)
# What stands before makes the expression a part of another one; words do that as well.
_PART_OF_MORE = re.compile(
    r"[-+*/^√\\&|<>≈~{]\s*\Z|[\w)\]][(\[]\Z|(?:[^\s\w.,:;=(\[\"'!?]|\b[a-zA-Z]|\d) *\Z"
    r"|\b(?:of|plus|minus|times|over|by|per|percent|root|mod|modulo|log|ln|sin|cos|tan|sqrt|square"
    r"|cube|half|twice|thrice|double|triple|third|quarter|power|than|between|pi|base|if|not|negative"
    r"|sum|product|difference|choose)[ :,]*\Z",
    re.IGNORECASE,
)
# After the right side a text has to end, or go on as one that says no more of the number.
_ENDS = re.compile(
    r"(?:\*\*|[)\]\"'])*(?:[.,;:](?=\s|$)(?! *\.))?(?:\*\*|[)\]\"'])*"
    r"(?: *\n(?! *[-+*/] *\d)| *$| +(?P<follows>[^\n]*))"
)
# The words that follow soon must not change the number, nor may anything else that follows at once.
_CHANGED = re.compile(
    r"(?:\w+ ){0,3}\(?(?:rem|mod|thousand|million|billion|trillion|hundred|dozens?"
    r"|percent|am|pm|o'clock|base|binary|octal|hex|hexadecimal|half|quarter|thirds?|fourths"
    r"|plus|minus|times|divided|squared"
    r"|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
    r"|cubed|factorial|not)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"[^a-zA-Z(]|\([^a-zA-Z]|[a-zA-Z](?![a-zA-Z])|[^.,;:]*\d")
_REMAINDER = re.compile(r"\bremainder\b", re.IGNORECASE)
_A_WORD_FOLLOWS = re.compile(r"[a-zA-Z]{2}")
# Other rules of reckoning, anywhere in a text.
_OTHER_RULES = re.compile(
    r"\bbase[- ]?(?:\d|two|three|four|five|six|seven|eight|nine|twelve|sixteen)\b"
    r"|\b(?:binary|octal|hexadecimal|modul[oa]\w*|mod|congruent|boolean|xor|clock|o'clock|pmod|bmod)\b"
    r"|\d ?[ap]\.?m\b|\\[pb]?mod|≡|_\{?\d",
    re.IGNORECASE,
)
_PUTS_RIGHT = re.compile(
    r"\b(?:wait|oops|sorry|correction|correct(?:ed|ing) |mistake|mistaken|error|wrong|incorrect"
    r"|recheck|re-check|recalculat\w+|actually|instead|let me re|let's re|suppose"
    r"|pretend)",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(?:not|isn't|doesn't|never|no|false|try|guess|whether|check if|assum\w+|claim\w*|says?|said"
    r"|writes?|wrote|thinks?|thought)\b|≠|\?",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Equality:
    """`left = right`, where `right` is a number and what is done to it.

    `worded` tells that a word follows it, which may be a unit or say that it was rounded.
    """

    left: str
    number: str
    percent: bool
    operation: str
    worded: bool


def plain_arithmetic(text: str) -> str:
    """`text` with its arithmetic in Python's signs; every line stays a line."""
    text = _SPACE.sub(" ", _LINE_ENDS.sub("\n", text))
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
    return text


def equalities(text: str) -> Iterator[Equality]:
    """The first equalities of a text that can be judged, in their order."""
    plain = plain_arithmetic(text[:LONGEST_TEXT])
    if _OTHER_RULES.search(plain):
        return
    judged_from = _after_corrections(plain)
    for number, match in enumerate(_EQUALITY.finditer(plain)):
        if number >= MOST_EQUALITIES:
            return
        if match.start() >= judged_from and (found := _judgeable(match, plain)):
            yield found


def _judgeable(match: re.Match[str], plain: str) -> Equality | None:
    left, number, percent, operation = match.groups()
    if _PART_OF_MORE.search(plain[max(0, match.start() - 30) : match.start()]):
        return None
    if _DOUBT.search(_line_around(plain, match.start(), match.end())):
        return None
    end = match.end() + len(number) + len(percent) + len(operation)
    ends = _ENDS.match(plain, end)
    if ends is None or _REMAINDER.search(plain[end : end + NEAR]):
        return None
    follows = (ends.group("follows") or "")[:NEAR]
    at_once = bool(follows) and plain[end] not in ".,;:"
    if _CHANGED.match(follows) or (at_once and _GOES_ON.match(follows)):
        return None
    worded = at_once and bool(_A_WORD_FOLLOWS.match(follows))
    while left.startswith("(") and left.count("(") > left.count(")"):
        left = left[1:].lstrip()  # the whole equality stands in brackets
    return Equality(left.strip(), number, bool(percent), operation.rstrip(), worded)


def _line_around(plain: str, begin: int, end: int) -> str:
    """The line of an equality, as far as it is near."""
    before = plain[max(0, begin - 150) : begin].rpartition("\n")[2]
    return before + plain[begin : end + 150].partition("\n")[0]


def _after_corrections(plain: str) -> int:
    """Where the line ends that last puts something right: all before it may be taken back."""
    last = 0
    for match in _PUTS_RIGHT.finditer(plain):
        last = match.end()
    if not last:
        return 0
    end = plain.find("\n", last)
    return len(plain) if end < 0 else end

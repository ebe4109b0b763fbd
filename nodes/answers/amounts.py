"""Amounts: one number with its unit, in a phrase such as `She makes $18 per day`."""

import re
from dataclasses import dataclass
from fractions import Fraction

from text_to_num import alpha2digit

from nodes.answers.numbers import parse_number
from nodes.answers.units import measured, read_unit

MOST_NOUNS = 3
FEWEST_PARTS = 2

_SCALES = {"dozen": 12, "hundred": 10**2, "thousand": 10**3, "million": 10**6, "mn": 10**6}
_SCALES |= {"billion": 10**9, "bn": 10**9, "trillion": 10**12}
_SUFFIXES = {"K": 10**3, "k": 10**3, "M": 10**6, "B": 10**9, "bn": 10**9, "mn": 10**6, "T": 10**12}
_SCALE = re.compile(rf"(?i: ?-?({'|'.join(_SCALES)})s?\b)|(bn|mn|[KkMBT])(?![\w^/°])")
_DIGITS = re.compile(r"\.?\d|[¼-¾⅐-⅞]")
_LAST_DIGIT = re.compile(r".*(?:\d|[¼-¾⅐-⅞])", re.DOTALL)
_BEFORE = re.compile(
    r"(?P<words>(?:.*[\w.,;'\")][\s:]+)?)"
    r"(?:(?P<negative>minus|negative) )?(?P<sign>[-+]?)(?P<space> ?)"
    r"(?P<currency>(?:US|U\.S\.|A|C|CA|AU)?[¤€£¥₹]|(?:usd|eur|gbp|inr|rs)\.?)? ?(?P<inner>[-+]?) ?",
    re.DOTALL | re.IGNORECASE,
)
_APPROXIMATELY = re.compile(
    r"\b(?:approximately|approx\.?|about|roughly|around|nearly|exactly|only|just) |[≈~] ?",
    re.IGNORECASE,
)
_ASIDE = re.compile(r" \([^()]*(?:[^\W\d_]{2}|[=≈%¤])[^()]*\)\.?$")
_ROUNDED = re.compile(r"(?<=[\w)]) ?≈.*", re.DOTALL)
# A name such as `x`, `f(2)` or `The total cost`, or arithmetic that leads to the right side.
_LEADS_TO = re.compile(r"[^\W\d][\w' ]*(?:\([^()=]*\))?|[\d\s.,+\-*/^()%¤]*[\d)%][\w ]*")
_BEHIND = re.compile(r"[\s.,;:)\"']*(?:$|[\s(-]+(?:[^\W\d_]{2,}|[aI] )|(?<=[,;:)]) ?\w)")
_WORDS = re.compile(r"[\w\s.,:;'\"()/-]*")
# Beside a number these change what it says, or tell that it is not alone.
_CHANGES = re.compile(
    r"\b(?:not?|never|cannot|none|if|or|nor|either|neither|least|most|than|below|above|under|over"
    r"|between|besides|except|without|squared|cubed|factorial|plus|minus|negative|times|hal(?:f|ves)"
    r"|double|twice|triple|thirds?|quarters?|(?:four|fif|six|eigh|ten|hundred)ths?|roots?|power"
    r"|divided|multiplied|base|modulo?|remainder|infinity|step|equation|question|query|chapter"
    r"|[b-hj-z])\b",
    re.IGNORECASE,
)
_NOUN = re.compile(r"[ -]?([^\W\d_]{2,}(?:['-][^\W\d_]+)*)")
_NO_NOUN = re.compile(
    r"as|at|of|in|on|to|for|from|by|with|is|are|was|were|be|will|would|has|have|had|and|that|which"
    r"|because|since|so|when|after|before|left|remaining|total|altogether|overall|away|there|per"
    r"|each|every|answer|result|value|units?|respectively|again|now|today|too|also|the|an?"
    r"|(?:his|her|its|their|our|your|my|it|he|she|they|we|you)",
    re.IGNORECASE,
)
_HALF = re.compile(r" and a half\b", re.IGNORECASE)
_SHARE = re.compile(
    r"\b(?:(an?|one|two|three|four|five|six|seven|eight|nine)[ -])?"
    r"(hal(?:f|ves)|thirds?|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?)\b",
    re.IGNORECASE,
)
_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SHARES = ("hal", "third", "quarter", "fif", "six", "seven", "eigh", "nin", "ten")
_PART = re.compile(r"(?:, | and |,? )?(\d+(?:\.\d+)?(?:/\d+)?) ?")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number and its unit: a known one, or the nouns right behind the number.

    `spelled` is where they stand in the phrase; `alone` if nothing else stands there.
    """

    value: Fraction
    unit: str
    spelled: str
    alone: bool


def read_amount(phrase: str, *, mathematical: bool = False) -> Amount | None:
    """The one amount of a phrase in plain text.

    `None` where another number stands beside it, or what makes it a part of something else: an
    operator, a variable, a word such as `least`. `mathematical`: a comma makes a list, a letter is
    a variable.
    """
    phrase = _HALF.sub(" 1/2", _in_digits(phrase))
    phrase = _ROUNDED.sub("", phrase if mathematical else _ASIDE.sub("", phrase))
    left, equals, right = phrase.rpartition("=")
    if equals and not all(map(_LEADS_TO.fullmatch, map(str.strip, left.split("=")))):
        return None
    phrase = _APPROXIMATELY.sub("", right).strip()
    return _sum(phrase) or _single(phrase, mathematical)


def _single(phrase: str, mathematical: bool) -> Amount | None:
    first, last = _DIGITS.search(phrase), _LAST_DIGIT.match(phrase)
    before = _BEFORE.fullmatch(phrase[: first.start()]) if first else None
    if first is None or last is None or before is None:
        return None
    signs = [before["sign"] or "", before["inner"] or "", "-" if before["negative"] else ""]
    words, after = before["words"].strip(), phrase[last.end() :]
    if sum(map(bool, signs)) > 1 or (words and before["sign"] and before["space"]):
        return None
    number = phrase[first.start() : last.end()]
    value = parse_number("".join(signs) + number, decimal_comma=not mathematical)
    if value is None:
        return None
    scale = _SCALE.match(after)
    if scale:
        word, suffix = scale.groups(default="")
        value *= _SUFFIXES.get(suffix) or _SCALES.get(word.lower(), 1)
    rest = after[scale.end() :] if scale else after
    unit, length = _unit(rest, before["currency"] or "", mathematical)
    end = last.end() + (scale.end() if scale else 0) + length
    around = f"{words} {phrase[end:]}"
    if not _BEHIND.match(phrase, end) or not _WORDS.fullmatch(around) or _CHANGES.search(around):
        return None
    begin = len(before["words"])
    nouns = unit or _nouns(phrase[end:])
    spelled = phrase[begin : end + (0 if unit else len(_noun_phrase(phrase[end:])))].strip()
    return Amount(value, nouns, spelled, alone=not words and not phrase[end:].strip(" ."))


def _unit(rest: str, currency: str, mathematical: bool) -> tuple[str, int]:
    spaces = len(rest) - len(rest.lstrip(" -"))
    if mathematical and re.match(r"[ -]*[^\W\d_](?![\w^])", rest):
        return "", 0
    unit, length = read_unit(rest[spaces:])
    if currency:
        unit = currency.lstrip("USAC.usac").strip(".") or currency
        per, more = read_unit(f"{unit}{rest[spaces:]}")
        return per, (spaces + more - len(unit)) if more > len(unit) else 0
    return unit, spaces + length if length else 0


def _noun_phrase(text: str) -> str:
    end = 0
    for _ in range(MOST_NOUNS):
        word = _NOUN.match(text, end)
        if word is None or _NO_NOUN.fullmatch(word.group(1)):
            break
        end = word.end()
    return text[:end]


def _nouns(text: str) -> str:
    words = _noun_phrase(text).replace("-", " ").casefold().split()
    return " ".join(word[:-1] if re.fullmatch(r"\w{2,}[^s]s", word) else word for word in words)


def _sum(phrase: str) -> Amount | None:
    """Several amounts of one dimension side by side, such as `1 hour 30 minutes`."""
    total, first, position, parts = Fraction(0), "", 0, 0
    while match := _PART.match(phrase, position):
        unit, length = read_unit(phrase[match.end() :])
        dimension = measured(unit)
        if not length or not dimension or len(dimension) > 1:
            return None
        first = first or unit
        base = measured(first)
        if base is None or base[0][0] != dimension[0][0]:
            return None
        total += Fraction(match.group(1)) * dimension[0][1] / base[0][1]
        position, parts = match.end() + length, parts + 1
        if position > 0 and phrase[position - 1] == " ":
            position -= 1
    if parts < FEWEST_PARTS or phrase[position:].strip(" ."):
        return None
    return Amount(total, first, phrase, alone=True)


def _in_digits(phrase: str) -> str:
    """A phrase without digits, with its number words in digits, if it begins with one."""
    if _DIGITS.search(phrase):
        return phrase
    shares = _SHARE.sub(_share, phrase)
    digits: str = alpha2digit(shares.replace("-", " "), "en", threshold=0)
    return digits if re.match(r"(?:minus |negative )?[-\d]", digits, re.IGNORECASE) else phrase


def _share(match: re.Match[str]) -> str:
    count, share = (match.group(1) or "one").lower(), match.group(2).lower()
    top = _COUNTS.index(count) + 1 if count in _COUNTS else 1
    bottom = (
        4
        if share.startswith("four")
        else 2 + next(place for place, stem in enumerate(_SHARES) if share.startswith(stem))
    )
    return f"{top}/{bottom}"

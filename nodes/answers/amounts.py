"""Amounts: one number with its unit, in a phrase such as `She makes $18 per day`."""

import re
from dataclasses import dataclass
from fractions import Fraction

from nodes.answers.numerals import in_digits, parse_number
from nodes.answers.units import measured, read_unit

MOST_NOUNS = 3
FEWEST_PARTS = 2

_SCALES = {"dozen": 12, "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_SCALES |= {"trillion": 10**12, "K": 10**3, "k": 10**3, "M": 10**6, "B": 10**9, "bn": 10**9}
_SCALE = re.compile(
    r"(?i: ?-?(dozen|hundred|(?:thous|m|b|tr)(?:and|illion))s?\b)|(bn|[KkMB])(?![\w^/°])"
)
_DIGITS = re.compile(r"\.?\d|[¼-¾⅐-⅞]")
_LAST_DIGIT = re.compile(r".*(?:(?<![a-df-zA-Z])(?<![a-zA-Z]\^)\d|[¼-¾⅐-⅞])\}?", re.DOTALL)
_BEFORE = re.compile(
    r"(?P<words>(?:.*?[\w.,;'\")][\s:]+)??)"
    r"(?:(?P<negative>minus|negative) )?(?P<sign>[-+]?)(?P<space> ?)"
    r"(?:(?:US)?(?P<currency>[¤€£¥₹])|(?P<code>usd|eur|gbp|jpy|inr|rs)\.?|) ?(?P<inner>[-+]?) ?",
    re.DOTALL | re.IGNORECASE,
)
_APPROXIMATELY = re.compile(
    r"\b(?:approximately|approx\.?|about|roughly|around|nearly|exactly|only|just) |[≈~] ?",
    re.IGNORECASE,
)
_ASIDE = re.compile(r" \([^()]*(?:[^\W\d_]{2}|[=≈%¤])[^()]*\)\.?$")
_ROUNDED = re.compile(r"(?<=[\w)]) ?≈.*", re.DOTALL)
_HALF = re.compile(r" and (?:a half|1/2)\b", re.IGNORECASE)
# A name such as `x`, `f(2)` or `The total cost`, or arithmetic that leads to the right side.
_LEADS_TO = re.compile(r"[^\W\d][\w' ]*(?:\([^()=]*\))?|[\d\s.,+\-*/^()%¤]*[\d)%][\w ]*")
_JOINED = re.compile(r"\b(?:and|or)\b")
_BEHIND = re.compile(r"[\s.,;:)\"']*(?:$|[\s(-]+(?:[^\W\d_]{2,}|[aI] )|(?<=[,;:)]) ?\w)")
_WORDS = re.compile(r"[\w\s.,:;'\"()/-]*")
# Beside a number these change what it says, or tell that it is not alone.
_CHANGES = re.compile(
    r"\b(?:not?|never|cannot|none|if|or|nor|either|neither|least|most|than|below|above|under|over"
    r"|between|besides|except|without|squared|cubed|factorial|plus|minus|negative|times|hal(?:f|ves)"
    r"|double|twice|triple|thirds?|quarters?|(?:four|fif|six|eigh|ten|hundred)ths?|roots?|power"
    r"|divided|multiplied|base|modulo?|remainder|infinity|step|equation|question|query|chapter"
    r"|[b-hj-z](?! (?:is|was|equals)\b))\b",
    re.IGNORECASE,
)
_NOUN = re.compile(r"[ -]?([^\W\d_]{2,}(?:['-][^\W\d_]+)*)")
_NO_NOUN = re.compile(
    r"as|at|of|in|on|to|for|from|by|with|is|are|was|were|be|will|would|has|have|had|and|that|which"
    r"|because|since|so|when|after|before|left|remaining|total|altogether|overall|away|there|per"
    r"|each|every|answer|result|value|units?|again|now|also|the|an?|(?:h|it)s|her|our|you|it|s?he|we",
    re.IGNORECASE,
)
_PART = re.compile(r"(?:, | and |,? )?(\d+(?:\.\d+)?) ?")


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
    """The one amount of a phrase that `latex.tidied` gave.

    `None` where another number stands beside it, or what makes it a part of something else: an
    operator, a variable, a word such as `least`. `mathematical`: a comma makes a list, a letter is
    a variable.
    """
    phrase = phrase if _DIGITS.search(phrase) else in_digits(phrase)
    phrase = _HALF.sub(" 1/2", phrase if mathematical else _ASIDE.sub("", phrase))
    left, equals, right = _ROUNDED.sub("", phrase).rpartition("=")
    steps = list(map(str.strip, left.split("="))) if equals else []
    if not all(map(_LEADS_TO.fullmatch, steps)) or any(map(_JOINED.search, steps[1:])):
        return None
    phrase = _APPROXIMATELY.sub("", right).strip()
    return _sum(phrase) or _single(phrase, mathematical)


def _single(phrase: str, mathematical: bool) -> Amount | None:
    first, last = _DIGITS.search(phrase), _LAST_DIGIT.match(phrase)
    before = _BEFORE.fullmatch(phrase[: first.start()]) if first else None
    if first is None or last is None or before is None:
        return None
    value = _signed(before, phrase[first.start() : last.end()], mathematical)
    if value is None:
        return None
    end = last.end()
    if scale := _SCALE.match(phrase, end):
        value *= _SCALES[(scale.group(1) or "").lower() or scale.group(2)]
        end = scale.end()
    unit, length = _unit(phrase[end:], before["currency"] or before["code"] or "", mathematical)
    end += length
    around = f"{before['words']} {phrase[end:]}"
    if not _BEHIND.match(phrase, end) or not _WORDS.fullmatch(around) or _CHANGES.search(around):
        return None
    nouns = "" if unit else _noun_phrase(phrase[end:])
    spelled = phrase[len(before["words"]) : end + len(nouns)].strip()
    return Amount(value, unit or _singular(nouns), spelled, alone=spelled == phrase.strip(" ."))


def _signed(before: re.Match[str], number: str, mathematical: bool) -> Fraction | None:
    signs = before["sign"] + before["inner"] + "-" * bool(before["negative"])
    if len(signs) > 1 or (before["words"] and before["sign"] and before["space"]):
        return None
    return parse_number(signs + number, decimal_comma=not mathematical)


def _unit(rest: str, currency: str, mathematical: bool) -> tuple[str, int]:
    """The unit behind a number, and its length; of money, what stands before the number."""
    if currency:
        unit, length = read_unit(currency + rest)
        return unit, max(0, length - len(currency))
    if mathematical and re.match(r"[ -]*[^\W\d_](?!\w)", rest):
        return "", 0
    bare = rest.lstrip(" -")
    unit, length = read_unit(bare)
    return unit, length + len(rest) - len(bare) if unit else 0


def _noun_phrase(text: str) -> str:
    end = 0
    for _ in range(MOST_NOUNS):
        word = _NOUN.match(text, end)
        if word is None or _NO_NOUN.fullmatch(word.group(1)):
            break
        end = word.end()
    return text[:end]


def _singular(nouns: str) -> str:
    words = nouns.replace("-", " ").casefold().split()
    return " ".join(word[:-1] if re.fullmatch(r"\w{2,}[^s]s", word) else word for word in words)


def _sum(phrase: str) -> Amount | None:
    """Several amounts of one dimension side by side, such as `1 hour 30 minutes`."""
    total, first, position, parts = Fraction(0), "", 0, 0
    while match := _PART.match(phrase, position):
        unit, length = read_unit(phrase[match.end() :])
        factors, base = measured(unit), measured(first or unit)
        if factors is None or base is None or factors[0][0] != base[0][0]:
            return None
        total += Fraction(match.group(1)) * factors[0][1] / base[0][1]
        first, position, parts = first or unit, match.end() + length, parts + 1
    if parts < FEWEST_PARTS or phrase[position:].strip(" ."):
        return None
    return Amount(total, first, phrase, alone=True)

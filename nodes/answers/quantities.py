"""Quantities: a number and the words that go with it, such as `$18 per day` or `3 PM`."""

import re
from dataclasses import dataclass
from fractions import Fraction

from nodes.answers.markup import DOLLAR
from nodes.answers.numbers import number_in_words, parse_number

LONGEST_PHRASE = 120
MOST_WORDS = 12
LONGEST_SYMBOL = 3
NAME = "@"
SCALES = {
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_SPELLINGS = {
    "dollar": f"dollars usd {DOLLAR}",
    "euro": "euros eur €",
    "pound": "pounds gbp £ lb lbs",
    "yen": "jpy ¥",
    "cent": "cents ¢",
    "%": "percent pct percentage",
    "degree": "degrees ° deg",
    "celsius": "C",
    "fahrenheit": "F",
    "second": "seconds sec secs s",
    "minute": "minutes min mins",
    "hour": "hours hr hrs h",
    "day": "days",
    "week": "weeks wk wks",
    "month": "months",
    "year": "years yr yrs",
    "millimeter": "mm millimeters millimetre millimetres",
    "centimeter": "cm cms centimeters centimetre centimetres",
    "meter": "m meters metre metres",
    "kilometer": "km kms kilometers kilometre kilometres",
    "inch": "inches",
    "foot": "feet ft",
    "yard": "yards yd yds",
    "mile": "miles mi",
    "milligram": "mg milligrams",
    "gram": "g grams",
    "kilogram": "kg kgs kilograms kilo kilos",
    "ounce": "oz ounces",
    "milliliter": "ml mL milliliters millilitre millilitres",
    "liter": "l L liters litre litres",
    "unit": "units",
    "mile /hour": "mph",
    "kilometer /hour": "kph kmh",
    "newton": "N newtons",
    "joule": "J joules",
    "watt": "W watts",
    "volt": "V volts",
    "kelvin": "K",
    "am": "AM",
    "pm": "PM",
    "person": "people persons",
    "child": "children",
}
UNITS = {
    spelling: unit
    for unit, spellings in _SPELLINGS.items()
    for spelling in (*spellings.split(), *unit.split())
    if not spelling.startswith("/")
}
# These say nothing of what is counted.
_FILLING = re.compile(
    r"an?|the|of|in|to|for|total|altogether|overall|exactly|about|approximately|approx|around"
    r"|roughly|nearly|there|here|is|are|was|were|be|will|would|must|has|have|had|so|then|thus"
    r"|therefore|she|he|it|they|we|you|i|its|her|his|their|our|your|this|that|these|answer|result"
    r"|value|final|unit",
    re.IGNORECASE,
)
# These change what a number beside them means, or say that it is not the answer.
_TELLING = re.compile(
    r"yes|no|not|never|cannot|none|true|false|because|since|if|or|and|but|nor|either|neither|both"
    r"|least|most|less|greater|below|above|under|over|between|besides|except|without|squared|cubed"
    r"|factorial|plus|minus|negative|times|hal(?:f|ves)|double|twice|thrice|triple|thirds?"
    r"|quarters?|(?:four|fif|six|eigh|ten|hundred)ths?|root|power|point|divided|multiplied|base"
    r"|modulo?|remainder|infinity|options?|choice|step|equation|question|query",
    re.IGNORECASE,
)
_CONTRASTING = re.compile(
    r"more|fewer|older|younger|taller|shorter|longer|higher|lower|faster|slower|heavier|lighter"
    r"|north|south|east|west|up|down|increase|decrease|gain|loss|profit|before|after"
    r"|early|late|january|february|march|april|may|june|july|august|september|october|november"
    r"|december",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\.?\d|[¼-¾⅐-⅞]")
_LAST = re.compile(r".*(?:\d|[¼-¾⅐-⅞])", re.DOTALL)
_SIGNED = re.compile(r"((?:.*? )??)([-+]?)( ?)([¤€£¥]?) ?([-+]?) ?", re.DOTALL)
_TIME_OF_DAY = re.compile(r"(?<=\d) ?([ap])\.?m\b\.?|(?<=\d) ([ap])\. ?m\b\.?", re.IGNORECASE)
_WHOLE_HOUR = re.compile(r"^(\D*\d{1,2}):00 (?=[ap]m\b)")
_NEGATIVE = re.compile(r"\b(?:negative|minus) (?=[\d.])", re.IGNORECASE)
_AREA = re.compile(r"\b(?:square|sq\.?) ([a-zA-Z]+)|\bcubic ([a-zA-Z]+)", re.IGNORECASE)
_RAISED_UNIT = re.compile(r"(?<![a-zA-Z])([a-zA-Z]+)\^([23])(?!\d)")
_PER = re.compile(
    r"\b(?:per|(?:an?|each|every)(?= (?:day|hour|week|month|year)\b)) (?=[a-zA-Z])", re.IGNORECASE
)
_WORD = re.compile(r"[%°¤€£¥¢]|/ ?[a-zA-Z]+[²³]?|[a-zA-Z]+(?:[-'][a-zA-Z]+)*[²³]?|[.!,;:]+(?= |$)")
_LETTER = re.compile(r"[a-zA-Z]")
_POWERS = {"2": "²", "3": "³"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, and the words that tell what it counts, each in one spelling.

    Whom a sentence speaks of stands among them after the sign for a name.
    """

    value: Fraction
    words: frozenset[str] = frozenset()


def read_quantity(phrase: str, *, decimal_comma: bool = True) -> Quantity | None:
    """The only number of a short phrase in plain text, with the words around it.

    `None` where anything else than words stands beside it, such as an operator or a variable, or
    a word that changes its meaning.
    """
    if len(phrase) > LONGEST_PHRASE:
        return None
    phrase = _in_one_form(phrase)
    parts = _parts(phrase)
    if parts is None:
        return _in_words(phrase)
    before, number, after = parts
    value = parse_number(number, decimal_comma=decimal_comma)
    words = _words(before, alone_only=True), _words(after, alone_only=False)
    if value is None or words[0] is None or words[1] is None:
        return None
    scale = SCALES.get(words[1][0], 1) if words[1] else 1
    return _quantity(value * scale, words[0], words[1][scale > 1 :])


def with_plain_hours(phrase: str) -> str:
    """A phrase in which `3:30 P.M.` has become `3:30 pm`."""
    return _TIME_OF_DAY.sub(lambda match: f" {match.group(1) or match.group(2)}m".lower(), phrase)


def _in_one_form(phrase: str) -> str:
    phrase = with_plain_hours(phrase)
    phrase = _WHOLE_HOUR.sub(r"\1 ", phrase)
    phrase = _NEGATIVE.sub("-", phrase)
    phrase = _AREA.sub(lambda m: f"{m.group(1)}²" if m.group(1) else f"{m.group(2)}³", phrase)
    phrase = _RAISED_UNIT.sub(
        lambda m: f"{m.group(1)}{_POWERS[m.group(2)]}" if m.group(1) in UNITS else m.group(), phrase
    )
    return _PER.sub("/", phrase)


def _parts(phrase: str) -> tuple[str, str, str] | None:
    """What stands before the first digit, what to after the last, and the rest."""
    first = _FIRST.search(phrase)
    last = _LAST.match(phrase)
    if first is None or last is None:
        return None
    split = _SIGNED.fullmatch(phrase[: first.start()].lstrip("'\" "))
    if split is None:
        return None  # a letter or a bracket directly before it
    before, sign, space, currency, inner = split.groups()
    if (before and sign and space) or (sign and inner):
        return None  # a sign that is an operator
    number = f"{sign or inner}{phrase[first.start() : last.end()]}"
    return before, number, f"{phrase[last.end() :]} {currency}"


def _words(text: str, *, alone_only: bool) -> list[str] | None:
    """The words of `text`; `None` if anything else stands in it."""
    if _WORD.sub("", text).strip(" '\""):
        return None
    words = [word for word in _WORD.findall(text) if word.strip(".!,;:")]
    if len(words) > MOST_WORDS or any(map(_TELLING.fullmatch, words)):
        return None
    # 5x and 2ab are products, x 5 is none that could be told.
    if _LETTER.match(text) and not alone_only and (len(words[0]) == 1 or words[0] not in UNITS):
        return None
    letters = [word for word in words if len(word) == 1 and _LETTER.match(word)]
    known = {"a", "A", "I"} if alone_only else UNITS.keys() | {"a"}
    return None if any(letter not in known for letter in letters) else words


def _quantity(value: Fraction, before: list[str], after: list[str]) -> Quantity | None:
    if any(word.lower() in ("than", "at", "up") for word in before):
        return None
    said = [word for word in [*before, *after] if not _FILLING.fullmatch(word)]
    names = [word for word in before if word[0].isupper() and word in said]
    # Beside a unit it matters little in which words the rest of a sentence is put.
    words = list(filter(_pins_down, said)) or [word for word in said if word not in names]
    spelled = [part for word in words for part in _spelled(word).split()]
    return Quantity(value, frozenset(spelled + [f"{NAME}{name.lower()}" for name in names]))


def _pins_down(word: str) -> bool:
    """Whether a word says what a number is, as units do, and those that have an opposite."""
    stem = word.rstrip("²³")
    unit = stem in UNITS or (len(stem) > 1 and stem.lower() in UNITS)
    return unit or word.startswith("/") or bool(_CONTRASTING.fullmatch(word))


def _spelled(word: str) -> str:
    if word.startswith("/"):
        return f"/{_spelled(word[1:].strip())}"
    power = word[-1] if word[-1] in "²³" else ""
    stem = word.removesuffix(power) if power else word
    unit = UNITS.get(stem) or UNITS.get(stem.lower() if len(stem) > 1 else stem)
    if unit:
        return unit + power
    if not stem.islower() and len(stem) <= LONGEST_SYMBOL and not stem.istitle():
        return word  # mW is not MW
    plain = stem.lower()
    return (plain[:-1] if re.fullmatch(r"\w{2,}[^s]s", plain) else plain) + power


def _in_words(phrase: str) -> Quantity | None:
    """A number in words, alone or with a unit of measurement."""
    phrase = phrase.strip(" .!")
    value = number_in_words(phrase)
    if value is not None:
        return Quantity(value)
    number, _, unit = phrase.rpartition(" ")
    value = number_in_words(number) if unit.lower() in UNITS else None
    return None if value is None else Quantity(value, frozenset(_spelled(unit).split()))

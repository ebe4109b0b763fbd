"""Units of measurement: their spellings, and how many of a dimension's base unit they are."""

import re
from fractions import Fraction

from nodes.answers.markup import DOLLAR

# For each dimension its units, each with its size and its spellings; the first names it.
_UNITS: dict[str, dict[str, str]] = {
    "usd": {"1": f"usd dollar dollars {DOLLAR} bucks", "1/100": "cent cents ¢"},
    "eur": {"1": "eur euro euros €"},
    "pound": {"1": "pound pounds £ gbp lb lbs", "1/16": "ounce ounces oz", "2000": "ton tons"},
    "yen": {"1": "yen jpy ¥"},
    "rupee": {"1": "rupee rupees ₹ inr rs"},
    "percent": {"1": "percent % pct percentage"},
    "degree": {"1": "degree degrees ° deg"},
    "celsius": {"1": "celsius °c"},
    "fahrenheit": {"1": "fahrenheit °f"},
    "time": {
        "1": "second seconds sec secs s",
        "60": "minute minutes min mins",
        "3600": "hour hours hr hrs h",
        "86400": "day days",
        "604800": "week weeks wk wks",
        "1/1000": "ms millisecond milliseconds",
    },
    "calendar": {"1": "month months", "12": "year years yr yrs"},
    "length": {
        "1": "m meter meters metre metres",
        "1000": "km kms kilometer kilometers kilometre kilometres",
        "1/100": "cm cms centimeter centimeters centimetre centimetres",
        "1/1000": "mm millimeter millimeters millimetre millimetres",
    },
    "foot": {
        "1": "foot feet ft",
        "1/12": "inch inches",
        "3": "yard yards yd yds",
        "5280": "mile miles mi",
    },
    "mass": {
        "1": "g gram grams",
        "1000": "kg kgs kilo kilos kilogram kilograms",
        "1/1000": "mg milligram milligrams",
        "1000000": "tonne tonnes",
    },
    "volume": {"1": "L l liter liters litre litres", "1/1000": "ml mL milliliter milliliters"},
    "gallon": {
        "1": "gallon gallons gal",
        "1/4": "quart quarts",
        "1/8": "pint pints",
        "1/16": "cup cups",
    },
    "newton": {"1": "N newton newtons"},
    "joule": {"1": "J joule joules", "1000": "kJ"},
    "watt": {"1": "W watt watts", "1000": "kW", "1/1000": "mW", "1000000": "MW"},
    "volt": {"1": "V volt volts"},
    "ampere": {"1": "A ampere amperes amps"},
    "kelvin": {"1": "K kelvin"},
    "hertz": {"1": "Hz hertz", "1000": "kHz", "1000000": "MHz"},
    "pascal": {"1": "Pa pascal", "1000": "kPa"},
}
_SPELLED = {
    spelling: (dimension, Fraction(size))
    for dimension, units in _UNITS.items()
    for size, spellings in units.items()
    for spelling in spellings.split()
}
LONGEST_SYMBOL = 2
_SYMBOLS = frozenset(spelling.lower() for spelling in _SPELLED if len(spelling) <= LONGEST_SYMBOL)
_COMPOUND = {"mph": "mile/hour", "kph": "km/hour", "kmh": "km/hour", "dozen": ""}
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "squared": 2, "cubed": 3}
# A factor of a unit, behind `per` or `/` if it divides: `square cm`, `per day`, `s^2`.
_FACTOR = re.compile(
    r"(?:(?P<by>/|per\b|an?\b|each\b|every\b) ?)?(?:(?P<power>square|sq\.?|cubic) )?"
    r"(?P<name>°[CF]\b|°|%|[¤$€£¥¢₹]|[^\W\d_]+)"
    r"(?:\^?\(?(?P<raised>-?\d)\)?|(?P<after> squared| cubed))?"
    r"\.?[ *]?",
    re.IGNORECASE,
)


def known(word: str) -> tuple[str, Fraction] | None:
    """The dimension and the size of a unit; capitals tell symbols such as `mW` and `MW` apart."""
    symbol = len(word) <= LONGEST_SYMBOL and word.lower() in _SYMBOLS
    folded = word if symbol else word.lower()
    return _SPELLED.get(word) or _SPELLED.get(folded)


def read_unit(text: str) -> tuple[str, int]:
    """The unit that a text begins with, in one spelling, and how many characters it takes.

    Factors are separated by `/` where they divide: `mile/hour`, `m^2`. Empty where none begins.
    """
    factors, position = "", 0
    while match := _FACTOR.match(text, position):
        name, by = match["name"], match["by"]
        if bool(by) is not bool(factors):
            break
        if known(name) is None and name.lower() not in _COMPOUND:
            break
        raised = match["raised"] or str(
            _POWERS.get((match["power"] or match["after"] or "").strip(" .").lower(), 1)
        )
        spelled = _COMPOUND.get(name.lower(), name)
        factors += ("/" if by else "") + spelled + (f"^{raised}" if raised != "1" else "")
        position = match.end()
    return factors, position


def measured(unit: str) -> list[tuple[str, Fraction]] | None:
    """The dimension and the size of each factor of a unit, the dividing ones behind the first."""
    found = []
    for factor in unit.split("/"):
        name, _, power = factor.partition("^")
        base = known(name)
        if base is None:
            return None
        found.append((base[0] + (f"^{power}" if power else ""), base[1] ** int(power or 1)))
    return found

"""Units of measurement: their spellings, and how many of a dimension's base unit they are."""

import re
from fractions import Fraction

from nodes.answers.latex import DOLLAR

# A row a dimension: its name, then for each of its units the size and the spellings.
_UNITS = f"""
usd: 1 usd dollar dollars {DOLLAR} bucks, 1/100 cent cents ¢
eur: 1 eur euro euros €
pound: 1 pound pounds £ gbp lb lbs, 1/16 ounce ounces oz, 2000 ton tons
yen: 1 yen jpy ¥
rupee: 1 rupee rupees ₹ inr rs
percent: 1 percent % pct percentage
degree: 1 degree degrees ° deg
celsius: 1 celsius °C
fahrenheit: 1 fahrenheit °F
time: 1 second seconds sec secs s, 60 minute minutes min mins, 3600 hour hours hr hrs h
time: 86400 day days, 604800 week weeks wk wks
calendar: 1 month months, 12 year years yr yrs
length: 1 m meter meters metre metres, 1000 km kms kilometer kilometers kilometre kilometres
length: 1/100 cm cms centimeter centimeters centimetre centimetres
length: 1/1000 mm millimeter millimeters millimetre millimetres
foot: 1 foot feet ft, 1/12 inch inches, 3 yard yards, 5280 mile miles mi
mass: 1 g gram grams, 1000 kg kgs kilo kilos kilogram kilograms, 1/1000 mg milligram milligrams
volume: 1 L l liter liters litre litres, 1/1000 ml mL milliliter milliliters
gallon: 1 gallon gallons, 1/4 quart quarts, 1/8 pint pints, 1/16 cup cups
power: 1 W watt watts, 1000 kW kilowatt kilowatts, 1/1000 mW, 1000000 MW
"""
_SPELLED = {
    spelling: (dimension, Fraction(size))
    for dimension, _, units in (row.partition(": ") for row in _UNITS.strip().splitlines())
    for size, *spellings in map(str.split, units.split(", "))
    for spelling in spellings
}
_COMPOUND = {"mph": "mile/hour", "kph": "km/hour", "kmh": "km/hour"}
# A factor of a unit, behind `per` or `/` if it divides: `square cm`, `per day`, `s^2`.
_FACTOR = re.compile(
    r"(?:(?P<by>/|per\b|an?\b|each\b|every\b) ?)?(?:(?P<power>square|sq\.?|cubic) )?"
    r"(?:degrees? (?=celsius|fahrenheit))?(?P<name>°[CF]\b|[°%¤$€£¥¢₹]|[^\W\d_]+)"
    r"(?:\^?[({]?(?P<raised>-?\d)[)}]?)?\.? ?",
    re.IGNORECASE,
)


def known(word: str) -> tuple[str, Fraction] | None:
    """The dimension and the size of a unit; capitals tell `mW` and `MW`, `m` and `M` apart."""
    return _SPELLED.get(word) or (_SPELLED.get(word.lower()) if len(word) > 1 else None)


def read_unit(text: str) -> tuple[str, int]:
    """The unit that a text begins with, in one spelling, and how many characters it takes.

    Factors are separated by `/` where they divide: `mile/hour`, `m^2`. Empty where none begins.
    """
    factors, position = "", 0
    while match := _FACTOR.match(text, position):
        name, by, power = match["name"], match["by"], (match["power"] or " ")[0]
        name = _COMPOUND.get(name.lower(), name)
        if bool(by) is not bool(factors) or known(name.partition("/")[0]) is None:
            break
        raised = match["raised"] or {"s": "2", "c": "3"}.get(power.lower(), "")
        factors += ("/" if by else "") + name + (f"^{raised}" if raised else "")
        position = match.end()
    return factors, len(text[:position].rstrip())


def measured(unit: str) -> list[tuple[str, Fraction]] | None:
    """The dimension and the size of each factor of a unit, the dividing ones behind the first.

    `None` if it is no known one.
    """
    found = []
    for factor in unit.split("/"):
        name, _, power = factor.partition("^")
        base = known(name)
        if base is None:
            return None
        found.append((base[0] + power, base[1] ** int(power or 1)))
    return found

"""Numbers as people and models write them, read exactly."""

import re
import unicodedata
from fractions import Fraction

NUMBER = r"[-+−]?(?:\d[\d, \u00a0\u2009\u202f'’]*\d|\d)(?:\.\d+)?|[-+−]?\.\d+"
_DECORATION = re.compile(
    r"\\[,;! ]|\\[()\[\]]|\\text\{[^{}]*\}|\\mathrm\{[^{}]*\}|[$€£¥\\%{}]|\*\*"
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]+)\}\s*\{([^{}]+)\}")
_LOOSE_SIGN = re.compile(r"^([-+])\s+")
_POWER_OF_TEN = re.compile(r"\s*(?:\\times|\\cdot|[×x*·])\s*10\s*\^\s*\{?\s*([-+−]?\d+)\s*\}?")
_GROUPED = re.compile(r"(?<=\d)[, \u00a0\u2009\u202f'’](?=\d{3}(?!\d))")
# 12,34,567 in India; 1.234.567 and 1.234,5 where the comma is the decimal sign.
_INDIAN = re.compile(r"([-+]?)\d{1,2}(?:,\d\d)+,\d{3}(?:\.\d+)?")
_CONTINENTAL = re.compile(r"([-+]?)\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d+$)")
_PLAIN = re.compile(
    r"([-+]?)(?:(\d+)\s+)?(\d+)\s*/\s*(\d+)|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
)
_LEADING = re.compile(
    rf"({NUMBER})(?:[eE][-+]?\d+|\s*/\s*\d+|\s+\d+\s*/\s*\d+)?(?=$|[^\w.:/]|\.(?!\d))"
)
_ASIDE = re.compile(r"\([^()]*\)|[a-zA-Z]\s*\^\s*\d|\.\s.*", re.DOTALL)  # such as m^2
LONGEST = 60
LARGEST_EXPONENT = 400


def parse_number(text: str) -> Fraction | None:
    """The value of a text that is one number, in any common spelling; `None` if it is not.

    Reads `1,234.5`, `$1 234`, `1.234,5`, `3/4`, `1 1/2`, `½`, `\\frac{3}{4}`, `1.5e3`,
    `1.5 × 10^3`, `75%` (as 75), `3,5` (as 3.5) and the typographic minus.
    """
    if len(text) > LONGEST:
        return None
    plain = _FRACTION.sub(r" \1/\2", text)
    plain = _POWER_OF_TEN.sub(r"e\1", plain)
    plain = _DECORATION.sub("", plain).replace("−", "-").strip().rstrip(".")
    plain = "".join(_unicode_fraction(char) for char in plain)
    plain = _LOOSE_SIGN.sub(r"\1", _one_decimal_point(plain).strip())
    match = _PLAIN.fullmatch(plain)
    if match is None:
        return None
    sign, whole, top, bottom, decimal = match.groups()
    if decimal is not None:
        return _decimal(decimal)
    if int(bottom) == 0:
        return None
    value = int(whole or 0) + Fraction(int(top), int(bottom))
    return -value if sign == "-" else value


def leading_number(text: str) -> Fraction | None:
    """The number a short phrase starts with, such as `42 apples` or `$3.50 each`.

    `None` where another number follows: `3 hours 20 minutes` and `5 and 7` are not one number.
    """
    cleaned = _DECORATION.sub("", text).strip()
    match = _LEADING.match(cleaned)
    if match is None or re.search(r"\d", _ASIDE.sub("", cleaned[match.end() :])):
        return None
    return parse_number(match.group(0))


def _one_decimal_point(text: str) -> str:
    if _INDIAN.fullmatch(text):
        return text.replace(",", "")
    if _CONTINENTAL.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    return _DECIMAL_COMMA.sub(".", _GROUPED.sub("", text))


def _decimal(text: str) -> Fraction | None:
    _, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > LARGEST_EXPONENT:
        return None
    return Fraction(text)


def _unicode_fraction(char: str) -> str:
    if unicodedata.category(char) != "No" or "FRACTION" not in unicodedata.name(char, ""):
        return char
    return " " + unicodedata.normalize("NFKC", char).replace("⁄", "/")

"""Numbers as people and models write them, read exactly."""

import re
import unicodedata
from fractions import Fraction

from text_to_num import text2num

from nodes.answers.markup import plain

_DECORATION = re.compile(r"[¤$€£¥%]")
_LOOSE_SIGN = re.compile(r"^([-+])\s+")
_POWER_OF_TEN = re.compile(r"\s*[x*]\s*10\s*(?:\^|\*\*)\s*\(?\s*([-+]?\d+)\s*\)?")
_GROUPED = re.compile(r"(?<=\d)[, '](?=\d{3}(?!\d))")
# 12,34,567 in India; 1.234.567 and 1.234,5 where the comma is the decimal sign.
_INDIAN = re.compile(r"([-+]?)\d{1,2}(?:,\d\d)+,\d{3}(?:\.\d+)?")
_CONTINENTAL = re.compile(r"([-+]?)\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d+$)")
_PLAIN = re.compile(
    r"([-+]?)(?:(\d+)\s+)?(\d+)\s*/\s*(\d+)|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)",
    re.ASCII,
)
_IN_WORDS = re.compile(r"(?:(minus|negative)\s+)?([a-z]+(?:[ -]+[a-z]+){0,9})", re.IGNORECASE)
LONGEST = 60
LARGEST_EXPONENT = 400


def parse_number(text: str, *, decimal_comma: bool = True) -> Fraction | None:
    """The value of a text that is one number, in any common spelling; `None` if it is not.

    Reads `1,234.5`, `$1 234`, `1.234,5`, `3/4`, `1 1/2`, `½`, `\\frac{3}{4}`, `1.5e3`,
    `1.5 × 10^3`, `75%` (as 75), the typographic minus, and `3,5` as 3.5 unless `decimal_comma`
    is unset, since in mathematics that is a list.
    """
    if len(text) > LONGEST:
        return None
    written = _POWER_OF_TEN.sub(r"e\1", plain(text))
    written = _DECORATION.sub("", written).strip().rstrip(".")
    written = "".join(_unicode_fraction(char) for char in written)
    written = _one_decimal_point(written, decimal_comma).strip()
    match = _PLAIN.fullmatch(_LOOSE_SIGN.sub(r"\1", written))
    if match is None:
        return None
    sign, whole, top, bottom, decimal = match.groups()
    if decimal is not None:
        return _decimal(decimal)
    if int(bottom) == 0:
        return None
    value = int(whole or 0) + Fraction(int(top), int(bottom))
    return -value if sign == "-" else value


def number_in_words(text: str) -> Fraction | None:
    """The value of a whole number in English words, such as `forty-two`; `None` if it is none."""
    match = _IN_WORDS.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        return None
    try:
        value = Fraction(text2num(match.group(2).lower(), "en"))
    except ValueError:
        return None
    return -value if match.group(1) else value


def _one_decimal_point(text: str, decimal_comma: bool) -> str:
    if _INDIAN.fullmatch(text):
        return text.replace(",", "")
    if _CONTINENTAL.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    grouped = _GROUPED.sub("", text)
    return _DECIMAL_COMMA.sub(".", grouped) if decimal_comma else grouped


def _decimal(text: str) -> Fraction | None:
    _, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > LARGEST_EXPONENT:
        return None
    return Fraction(text)


def _unicode_fraction(char: str) -> str:
    if unicodedata.category(char) != "No" or "FRACTION" not in unicodedata.name(char, ""):
        return char
    return " " + unicodedata.normalize("NFKC", char).replace("⁄", "/")

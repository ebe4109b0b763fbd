"""Numbers as people and models write them, read exactly."""

import re
import unicodedata
from fractions import Fraction

from text_to_num import alpha2digit

LONGEST = 60
LARGEST_EXPONENT = 400

_LOOSE_SIGN = re.compile(r"^([-+])\s+")
_POWER_OF_TEN = re.compile(r"\s*[x*]\s*10\s*(?:\^|\*\*)\s*[({]?\s*([-+]?\d+)\s*[)}]?")
_GROUPED = re.compile(r"(?<=\d)[, '](?=\d{3}(?!\d))")
# 12,34,567 in India; 1.234.567 and 1.234,5 where the comma is the decimal sign.
_INDIAN = re.compile(r"[-+]?\d{1,2}(?:,\d\d)+,\d{3}(?:\.\d+)?")
_CONTINENTAL = re.compile(r"([-+]?)\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d+$)")
_PLAIN = re.compile(
    r"([-+]?)(?:(\d+)\s+)?(\d+)\s*/\s*(\d+)|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)",
    re.ASCII,
)
_HALVES, _QUARTERS = re.compile(r"\bhal(?:f|ves)\b"), re.compile(r"\bquarters?\b")
_SHARE = re.compile(r"(?:\b(\d+) |\ban? |\b(?=[24]ths))(\d+)(?:rd|th)s?\b")
_VULGAR_FRACTION = re.compile("[¼-¾⅐-⅞]")


def parse_number(text: str, *, decimal_comma: bool = True) -> Fraction | None:
    """The value of a text that is one number, in any common spelling; `None` if it is not.

    Reads `1,234.5`, `1 234`, `1.234,5`, `3/4`, `1 1/2`, `½`, `1.5e3`, `1.5*10^3`, and `3,5` as 3.5
    unless `decimal_comma` is unset, since in mathematics that is a list.
    """
    if len(text) > LONGEST:
        return None
    written = _POWER_OF_TEN.sub(r"e\1", text).strip().rstrip(".")
    written = _VULGAR_FRACTION.sub(_spelled_out, written).strip()
    written = _one_decimal_point(written, decimal_comma)
    match = _PLAIN.fullmatch(_LOOSE_SIGN.sub(r"\1", written))
    if match is None:
        return None
    sign, whole, top, bottom, decimal = match.groups()
    if decimal is not None:
        exponent = decimal.lower().partition("e")[2]
        return None if exponent and abs(int(exponent)) > LARGEST_EXPONENT else Fraction(decimal)
    if int(bottom) == 0:
        return None
    value = int(whole or 0) + Fraction(int(top), int(bottom))
    return -value if sign == "-" else value


def in_digits(phrase: str) -> str:
    """A phrase that begins with a number in English words, such as `one half`, with digits."""
    shares = _HALVES.sub("2ths", _QUARTERS.sub("4ths", phrase.replace("-", " ").lower()))
    digits: str = alpha2digit(shares, "en", threshold=0)  # with `3rds` for `thirds`
    digits = _SHARE.sub(lambda match: f"{match[1] or 1}/{match[2]}", digits)
    return digits if re.match(r"(?:minus |negative )?\d", digits) else phrase


def _one_decimal_point(text: str, decimal_comma: bool) -> str:
    if _INDIAN.fullmatch(text):
        return text.replace(",", "")
    if _CONTINENTAL.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    grouped = _GROUPED.sub("", text)
    return _DECIMAL_COMMA.sub(".", grouped) if decimal_comma else grouped


def _spelled_out(match: re.Match[str]) -> str:
    return " " + unicodedata.normalize("NFKC", match[0]).replace("⁄", "/")

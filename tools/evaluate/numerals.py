"""Numbers in the spellings of answers: digits, fractions, LaTeX, powers of ten, English words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from unicodedata import category, name, normalize

from text_to_num import alpha2digit

LARGEST_EXPONENT = 400
LONGEST = 60  # characters of one number
SCALES = {
    "dozen": 12,
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}

_ONE_SPELLING = str.maketrans("\u00a0\u2002\u2003\u2007\u2009\u202f−–’⁄", "      --'/")
_MARKUP = [
    (re.compile(r"\\[dt]?frac\s*\{([^{}]+)\}\s*\{([^{}]+)\}"), r" \1/\2"),
    (re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)"), r" \1/\2"),
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}"), r" \1"),
    (re.compile(r"(?<=\d)(?:\{,\}|\\[,;:! ])(?=\d{3})"), ","),
    (re.compile(r"\\(?:times|cdot)\b"), "×"),
    (re.compile(r"\\approx\b|≈"), "="),
    (re.compile(r"\\[,;:! ()\[\]]"), " "),
    (re.compile(r"\\(?=[$%])|\*\*|__|`"), ""),
]
_NUMBER = re.compile(
    r"""(?<![\w.,/^])(?<!\d:)
    (?P<sign>[-+]?)(?:[$€£¥₹]\ ?)?(?P<inner>-?)
    (?:
      (?:(?P<whole>\d+)\s+(?:and\s+)?)?(?P<top>\d+)\s?/\s?(?P<bottom>\d+)
      |
      (?P<digits>\d{1,3}(?:[ ']\d{3})+(?!\d)(?:[.,]\d+)?|\d[\d.,]*\d|\d|\.\d+)
      (?:
        [eE](?P<e>[-+]?\d+)
        | \s?[×x*]\s?10\s?\^\s?\{?(?P<ten>[-+]?\d+)\}?
        | \^\{?(?P<power>\d{1,3})\}?
        | \s+(?P<scale>dozen|hundred|thousand|million|billion|trillion)s?\b
        | (?P<half>\s+and\s+a\s+half\b)
      )?
    )(?!:\d)""",
    re.VERBOSE | re.IGNORECASE,
)
_ENGLISH = re.compile(r"\d{1,3}(?:[, ']\d{3})+(?:\.\d+)?|\d{1,2}(?:,\d\d)+,\d{3}(?:\.\d+)?")
_CONTINENTAL = re.compile(r"\d{1,3}(?:[. ']\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}|\d+,\d+")
_PLAIN = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_PART = re.compile(
    r"\b(an?|one|two|three|four|five|six|seven|eight|nine)[\s-]+"
    r"(hal(?:f|ves)|thirds?|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?)\b",
    re.IGNORECASE,
)
_COUNTS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_SHARES = ["hal", "third", "quarter", "fif", "six", "seven", "eigh", "nin", "ten"]


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number in a text, and where it stands there."""

    value: Fraction
    start: int
    end: int


def normalized(text: str) -> str:
    """The text with one spelling of spaces, signs and fractions, and without markup."""
    plain = "".join(map(_vulgar_fraction, text)).translate(_ONE_SPELLING)
    for pattern, replacement in _MARKUP:
        plain = pattern.sub(replacement, plain)
    return plain


def numerals(text: str) -> Iterator[Numeral]:
    """The numbers that a `normalized` text writes in digits, in their order.

    `75%` is 75. A number with a unit of scale (`2 million`) is multiplied out. What could mean
    several numbers (`1,2,3`) or a time (`3:45`) is passed over.
    """
    for match in _NUMBER.finditer(text):
        value = _value(match)
        if value is not None:
            yield Numeral(value, match.start(), match.end())


def in_digits(text: str) -> str:
    """The text with its English number words in digits: `forty-two apples` as `42 apples`."""
    parts = _PART.sub(_part, text).replace("-", " ")
    digits: str = alpha2digit(parts, "en", threshold=0)
    return re.sub(r"\b(?:minus|negative)\s+(?=\d)", "-", digits, flags=re.IGNORECASE)


def _vulgar_fraction(char: str) -> str:
    if category(char) != "No" or "FRACTION" not in name(char, ""):
        return char
    return " " + normalize("NFKC", char)


def _part(match: re.Match[str]) -> str:
    count, share = match.group(1).lower(), match.group(2).lower()
    top = _COUNTS.index(count) + 1 if count in _COUNTS else 1
    if share.startswith("four"):
        return f"{top}/4"
    found = next(place for place, stem in enumerate(_SHARES) if share.startswith(stem))
    return f"{top}/{found + 2}"


def _value(match: re.Match[str]) -> Fraction | None:
    if len(match.group(0)) > LONGEST:
        return None
    size = _fraction(match) if match["top"] else _decimal(match)
    negative = "-" in (match["sign"], match["inner"])
    return -size if size is not None and negative else size


def _fraction(match: re.Match[str]) -> Fraction | None:
    if int(match["bottom"]) == 0:
        return None
    return int(match["whole"] or 0) + Fraction(int(match["top"]), int(match["bottom"]))


def _decimal(match: re.Match[str]) -> Fraction | None:
    size = _one_point(match["digits"])
    exponent = int(match["e"] or match["ten"] or 0)
    if size is None or abs(exponent) > LARGEST_EXPONENT:
        return None
    size = size ** int(match["power"] or 1) * Fraction(10) ** exponent
    size *= SCALES[match["scale"].lower()] if match["scale"] else 1
    return size + Fraction(1, 2) if match["half"] else size


def _one_point(digits: str) -> Fraction | None:
    """Digits with any separators: 1,234.5 in English, 1.234,5 elsewhere."""
    if _ENGLISH.fullmatch(digits):
        return Fraction(re.sub(r"[, ']", "", digits))
    if _CONTINENTAL.fullmatch(digits):
        return Fraction(re.sub(r"[. ']", "", digits).replace(",", "."))
    return Fraction(digits) if _PLAIN.fullmatch(digits) else None

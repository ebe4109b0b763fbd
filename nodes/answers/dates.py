"""Dates and times of day."""

import re
from datetime import datetime

from dateutil import parser

NOON = 12

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"(?:[a-z]{{3,6}}day,? +)?(?:(?:the )?{_DAY}(?: of)? +{_MONTH}|{_MONTH} +{_DAY})"
    r"(?:,? +\d{4})?|\d{4}-\d{1,2}-\d{1,2}|\d{1,2}([/.-])\d{1,2}\1(?:\d{4}|\d\d)",
    re.IGNORECASE,
)
_TIME = re.compile(r"(?:at |around )?(\d{1,2})(?:[:.](\d\d))? ?([ap])\.? ?m\b\.?", re.IGNORECASE)
_NO_YEAR = datetime(1, 1, 1)


def read_date(phrase: str) -> str | None:
    """The day or time of day that a phrase is: `1776-07-04`, or `15:30`.

    `07/04/1776` is read with the month first, unless that is impossible.
    """
    phrase = phrase.strip(" .")
    if time := _TIME.fullmatch(phrase):
        hour, minute, half = int(time.group(1)), time.group(2) or "00", time.group(3).lower()
        return f"{hour % NOON + NOON * (half == 'p'):02}:{minute}" if hour <= NOON else None
    return _parsed(phrase) if _DATE.fullmatch(phrase) else None


def _parsed(phrase: str) -> str | None:
    try:
        return parser.parse(phrase, default=_NO_YEAR).date().isoformat()
    except (ValueError, OverflowError):
        return None

"""Dates and times of day."""

import re
from datetime import datetime

from dateutil import parser

NOON = 12

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"(?:[a-z]{{3,6}}day,? +)?(?:(?:the )?{_DAY}(?: of)? +{_MONTH}|{_MONTH}(?: +{_DAY})?)"
    r"(?:,? +\d{4})?|\d{4}-\d{1,2}-\d{1,2}|\d{1,2}([/.-])\d{1,2}\1(?:\d{4}|\d\d)",
    re.IGNORECASE,
)
_TIME = re.compile(r"(?:at |around )?(\d{1,2})(?:[:.](\d\d))? ?([ap])\.? ?m\b\.?", re.IGNORECASE)
# Two days that differ in everything tell what a date leaves open.
_DEFAULTS = datetime(2000, 1, 1), datetime(2004, 2, 2)


def read_date(phrase: str) -> str | None:
    """The date or time of day that a phrase is, in ISO's form; `??` for what it leaves open.

    `07/04/1776` is read with the month first, unless that is impossible.
    """
    phrase = phrase.strip(" .")
    if time := _TIME.fullmatch(phrase):
        hour, minute, half = int(time.group(1)), time.group(2) or "00", time.group(3).lower()
        return f"{hour % NOON + NOON * (half == 'p'):02}:{minute}" if hour <= NOON else None
    if not _DATE.fullmatch(phrase) or not any(map(str.isdigit, phrase)):
        return None
    return _parsed(phrase)


def _parsed(phrase: str) -> str | None:
    try:
        one, other = (parser.parse(phrase, default=each) for each in _DEFAULTS)
    except (ValueError, OverflowError):
        return None
    parts = zip(one.date().isoformat().split("-"), other.date().isoformat().split("-"), strict=True)
    return "-".join(part if part == same else "??" for part, same in parts)

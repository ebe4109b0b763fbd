r"""Formulas in what a model writes, as the page's Markdown takes them.

Pages take `\(…\)`, `\[…\]` and `$$…$$`. A single dollar is left to prices: what stands between
two of them as a formula does is rewritten, by pandoc's rule (no space inside, no digit behind).
https://pandoc.org/MANUAL.html#extension-tex_math_dollars
"""

import re

DELIMITERS: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "\\[", "right": "\\]", "display": True},
    {"left": "\\(", "right": "\\)", "display": False},
]

_LEFT_ALONE = r"(?P<left_alone>```.*?(?:```|\Z)|`[^`\n]*`|\$\$.*?(?:\$\$|\Z))"
_INLINE = r"(?<![\\\w])\$(?P<formula>[^\s$](?:[^$\n]*[^\s$\\])?)\$(?!\w)"
_PARTS = re.compile(f"{_LEFT_ALONE}|{_INLINE}", re.DOTALL)
_AMOUNT_WITH_WORDS = re.compile(r"\d[\d.,]*[^\\]*[^\W\d_]{2,}[^\\]*")


def shown(text: str) -> str:
    r"""The text with `$…$` as `\(…\)` where it is a formula; code and prices stay as they are."""
    return _PARTS.sub(_rewritten, text)


def _rewritten(part: re.Match[str]) -> str:
    formula = part["formula"]
    if formula is None or _AMOUNT_WITH_WORDS.fullmatch(formula):
        return part[0]
    return f"\\({formula}\\)"

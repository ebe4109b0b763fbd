"""LaTeX, Markdown and typography in few signs, where that changes no meaning."""

import re

DOLLAR = "¤"  # an amount in dollars, told apart from the signs around mathematics
SET_OPENS, SET_CLOSES, UNION, SUCH_THAT = "⟦", "⟧", "\u222a", "¦"

_ONE_SIGN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # full-width forms
_ONE_SIGN |= dict.fromkeys(map(ord, "\u00a0\u2009\u202f\u2002\u2003\u3000~"), ord(" "))
_ONE_SIGN |= dict(zip(map(ord, "−–×·∙⋅÷’‘“”º"), map(ord, "--****/''\"\"°"), strict=True))
_SYMBOLS = {"times": "*", "cdot": "*", "div": "/", "pi": "π", "infty": "∞", "theta": "θ"}
_SYMBOLS |= {"leq": "≤", "le": "≤", "leqslant": "≤", "geq": "≥", "ge": "≥", "geqslant": "≥"}
_SYMBOLS |= {"neq": "≠", "ne": "≠", "lt": "<", "gt": ">", "pm": "±", "in": "∈", "approx": "≈"}
_SYMBOLS |= {"degree": "°", "cup": UNION, "mid": SUCH_THAT, "pounds": "£", "euro": "€"}
_SYMBOLS |= {"lbrace": SET_OPENS, "rbrace": SET_CLOSES, "ldots": "…", "dots": "…"}
_SYMBOLS |= dict.fromkeys(("left", "right", "displaystyle", "textstyle", "limits", "newline"), "")
_SYMBOLS |= dict.fromkeys(("big", "bigl", "bigr", "Big", "quad", "qquad", "hline", "bf", "rm"), "")
_MATRIX = re.compile(r"\\begin\{(\w+)\*?\}(?:\{[lcr|]*\})?(.*?)\\end\{\1\*?\}", re.DOTALL)
# What a step replaces, and by what, in this order.
_STEPS = (
    (re.compile(r"\\\$"), DOLLAR),
    (re.compile(r"\$\$|\\[()\[\]!]|`|(?<![\w)])(?:\*\*|__)|(?:\*\*|__)(?![\w(])"), ""),
    (re.compile(r"\$([^$]*)\$(?!\d)"), r"\1"),
    (re.compile(r"\$"), DOLLAR),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\\{"), SET_OPENS),
    (re.compile(r"\\\}"), SET_CLOSES),
    (re.compile(r"\\[,;: ]|\\\\"), " "),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\^\s*\{?\s*\\circ(?![a-zA-Z])\s*\}?"), "°"),
    (re.compile(r"\\(?:text[a-z]*|mbox|emph)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\\(?:math[a-z]{2,4}|operatorname|boldsymbol|bm)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\frac\s*(\d)\s*(?:(\d)|\{)"), r"\\frac{\1}{\2"),
    (re.compile(r"(\\frac\{\d\}\{\d)(?![}\d])"), r"\1}"),
    (
        re.compile(r"(?:\\sqrt|√|(?<![a-zA-Z\\])sqrt)\s*(?:(\d+|[a-zA-Z])|\(([^()]*)\))"),
        r"\\sqrt{\1\2}",
    ),
    (re.compile("²"), "^2"),
    (re.compile("³"), "^3"),
    (re.compile(r"\^\s*\{\s*(\w)\s*\}|\^\s+"), r"^\1"),
    (re.compile("<="), "≤"),
    (re.compile(">="), "≥"),
    (re.compile(r"(?<=⟦[a-zA-Z])\s*[:|]"), SUCH_THAT),
)
_SYMBOL = re.compile(rf"\\({'|'.join(sorted(_SYMBOLS, key=len, reverse=True))})(?![a-zA-Z])")
# A fraction of numbers that nothing is multiplied by.
_FRACTION = re.compile(
    r"(?<![\^/*)}a-zA-Z])(\d?) ?\\frac\s*\{\s*(-?\d+(?:\.\d+)?)\s*\}\s*\{\s*(\d+)\s*\}"
    r"(?=\s*(?:$|[-+,;=<>≤≥%°)\]⟧]|[a-zA-Z]{2}))"
)
_WHOLE_GROUP = re.compile(r"\s*\{([^{}]*)\}\s*", re.DOTALL)


def tidied(text: str) -> str:
    """`text` without fonts and spacing, with one sign for each symbol and numbers as `1 3/4`.

    Meant for short texts. A set is put between special brackets, the rows of a matrix between
    square ones. What else LaTeX says stays LaTeX.
    """
    text = _MATRIX.sub(_rows, text.translate(_ONE_SIGN))
    for pattern, replacement in _STEPS:
        text = pattern.sub(replacement, text)
    text = _SYMBOL.sub(lambda match: f"{_SYMBOLS[match.group(1)]} ", text)
    text = _FRACTION.sub(r"\1 \2/\3", text)
    if group := _WHOLE_GROUP.fullmatch(text):
        inner = group.group(1)
        text = f"{SET_OPENS}{inner}{SET_CLOSES}" if "," in inner else inner
    text = re.sub(r"(?<=[-+±¤]) (?=\d)", "", re.sub(r"\s+", " ", text).strip(), count=1)
    return re.sub(r" (?=[°%^,;])", "", text)


def compact(text: str) -> str:
    """A tidied text without the spaces that tell nothing apart."""
    return re.sub(r"(?<![\d.]) +| +(?![\d.])", "", text)


def _rows(match: re.Match[str]) -> str:
    cells = match.group(2).strip().removesuffix("\\\\").replace("&", ",")
    return "[[" + cells.replace("\\\\", "],[") + "]]"

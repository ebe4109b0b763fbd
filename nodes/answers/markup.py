"""Final answers without their markup: LaTeX and Markdown as plain text."""

import re

DOLLAR = "¤"  # an amount in dollars, told apart from the signs around mathematics
SET_OPENS, SET_CLOSES = "⟦", "⟧"
MOST_NESTED = 6

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_CHARACTERS = str.maketrans(
    {"−": "-", "–": "-", "×": "*", "·": "*", "∙": "*", "⋅": "*", "÷": "/", "²": "^2", "³": "^3"}
    | {"’": "'", "‘": "'", "“": '"', "”": '"', "º": "°", "\u222a": r"\cup ", "\u2229": r"\cap "}
    | dict.fromkeys("\u00a0\u2009\u202f\u2002\u2003\u3000", " ")
)
_SYMBOLS = {
    "times": "*",
    "cdot": "*",
    "div": "/",
    "pi": "π",
    "infty": "∞",
    "le": "≤",
    "leq": "≤",
    "ge": "≥",
    "geq": "≥",
    "ne": "≠",
    "neq": "≠",
    "lt": "<",
    "gt": ">",
    "pm": "±",
    "in": "∈",
    "approx": "≈",
    "degree": "°",
    "ldots": "…",
    "dots": "…",
    "theta": "θ",
    "lbrace": SET_OPENS,
    "rbrace": SET_CLOSES,
    "lvert": "|",
    "rvert": "|",
    "pounds": "£",
    "euro": "€",
}
_INVISIBLE = (
    "left|right|[bB]igg?[lr]?|displaystyle|textstyle|limits|quad|qquad|bf|rm|it|hfill|hline"
)
# What a step replaces, and by what, in this order.
_STEPS = (
    (re.compile(r"\\\("), " "),
    (re.compile(r"\\\)|\\[\[\]]|\$\$"), " "),
    (re.compile(r"\\\$"), DOLLAR),
    (re.compile(r"\$([^$]*)\$(?!\d)"), r"\1"),
    (re.compile(r"\$"), DOLLAR),
    (re.compile(r"(?<![\w)])(?:\*\*|__)|(?:\*\*|__)(?![\w(])|`"), ""),
    (re.compile(r"\\!"), ""),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\[,;: ]|~|\\\\|\\newline"), " "),
    (re.compile(rf"\\(?:{_INVISIBLE})(?![a-zA-Z])"), " "),
    (re.compile(r"\\\{"), SET_OPENS),
    (re.compile(r"\\\}"), SET_CLOSES),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\^\s*\{?\s*\\circ(?![a-zA-Z])\s*\}?"), "°"),
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\frac\s*(\d)\s*(\d)"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\frac\s*(\d)\s*(?=\{)"), r"\\frac{\1}"),
    (re.compile(r"(?:\\sqrt|√)\s*(\d+|[a-zA-Z])"), r"\\sqrt{\1}"),
    (re.compile(r"√\s*(?=\()"), "sqrt"),
    (re.compile(r"<="), "≤"),
    (re.compile(r">="), "≥"),
)
_SYMBOL = re.compile(rf"\\({'|'.join(sorted(_SYMBOLS, key=len, reverse=True))})(?![a-zA-Z])")
_TEXT = re.compile(r"\\(?:text[a-z]*|mbox|emph)\s*\{([^{}]*)\}")
_FONT = re.compile(r"\\(?:math(?:rm|bf|it|sf|bb|cal|tt)|operatorname|boldsymbol|bm)\s*\{([^{}]*)\}")
_FRACTION = re.compile(r"([\^_]?)\s*\\frac\s*\{([^{}]*)\}\s*(?:\{([^{}]*)\}|([a-zA-Z\d]))")
_ROOT = re.compile(r"\\sqrt\s*(?:\[(\w+)\])?\s*\{([^{}]*)\}")
_RAISED = re.compile(r"([\^_])\s*\{([^{}]*)\}")
_ATOM = re.compile(r"-?\d+(?:\.\d+)?|[a-zA-Zπθ]|sqrt\([^()]*\)")
_POWER = re.compile(r"-?\d+|[a-zA-Z]")
_OPEN_SUM = re.compile(r"(?<=.)[-+±,=]")
_WHOLE_GROUP = re.compile(r"\s*\{([^{}]*)\}\s*", re.DOTALL)


def plain(text: str) -> str:
    """`text` without LaTeX and Markdown, where that changes no meaning.

    Meant for short texts. Spelled-out fractions, roots and powers keep the brackets they need, a
    set is put between special brackets, and of an unknown command its name is left.
    """
    text = text.translate(_FULL_WIDTH).translate(_CHARACTERS)
    for pattern, replacement in _STEPS:
        text = pattern.sub(replacement, text)
    text = _SYMBOL.sub(lambda match: _SYMBOLS[match.group(1)], text)
    text = _ungrouped(_unnested(text))
    return re.sub(r"\s+(?=\^)", "", re.sub(r"\s+", " ", text)).strip()


def _unnested(text: str) -> str:
    for _ in range(MOST_NESTED):
        before = text
        text = _TEXT.sub(r" \1 ", text)
        text = _FONT.sub(r"\1", text)
        text = _RAISED.sub(_raised, text)
        text = _ROOT.sub(_root, text)
        text = _FRACTION.sub(_fraction, text)
        if text == before:
            break
    return text


def _ungrouped(text: str) -> str:
    if match := _WHOLE_GROUP.fullmatch(text):
        inner = match.group(1)
        return f"{SET_OPENS}{inner}{SET_CLOSES}" if "," in inner else inner
    return text.replace("{", "(").replace("}", ")")


def _raised(match: re.Match[str]) -> str:
    sign, power = match.group(1), match.group(2).strip()
    return f"{sign}{power}" if _POWER.fullmatch(power) else f"{sign}({power})"


def _root(match: re.Match[str]) -> str:
    degree, inner = match.group(1), match.group(2).strip()
    return f"root({degree},{inner})" if degree else f"sqrt({inner})"


def _fraction(match: re.Match[str]) -> str:
    raised, top, bottom = match.group(1), match.group(2).strip(), match.group(3) or match.group(4)
    bottom = bottom.strip()
    over = top if not _OPEN_SUM.search(top) and "/" not in top else f"({top})"
    under = bottom if _ATOM.fullmatch(bottom) else f"({bottom})"
    if raised:
        return f"{raised}({over}/{under})"
    follows_number = match.string[: match.start()].rstrip()[-1:].isdigit()
    return f" {over}/{under}" if follows_number else f"{over}/{under}"

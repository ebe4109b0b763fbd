"""Whether two formulas are equal by calculation. Not imported by the package: sympy is heavy."""

import re

from math_verify import parse, verify

_SIGNS = {ord("×"): r"\cdot ", ord("·"): r"\cdot ", ord("π"): r"\pi ", ord("−"): "-"}


def equal_formulas(one: str, other: str) -> bool:
    """Whether two formulas, in LaTeX or plain signs, are equal mathematically.

    By `math-verify`, that is sympy. May take for ever: for a process that can be killed.
    """
    first, second = (parse(f"${_latex(each)}$", parsing_timeout=None) for each in (one, other))
    if not first or not second:
        return False
    return bool(
        verify(first, second, timeout_seconds=None) and verify(second, first, timeout_seconds=None)
    )


def _latex(text: str) -> str:
    """Mathematics in plain signs as LaTeX."""
    text = re.sub(r"√ ?(\d+|[a-zA-Z]|\([^()]*\))", r"\\sqrt{\1}", text)
    text = re.sub(r"(?<![\\a-z])sqrt ?\(([^()]*)\)", r"\\sqrt{\1}", text)
    text = text.translate(_SIGNS)
    text = text.replace("²", "^2").replace("³", "^3").replace("**", "^").replace("$", "")
    return re.sub(r"\^\(([^()]*)\)", r"^{\1}", text)

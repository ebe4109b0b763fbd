"""Whether two formulas are equal by calculation. Not imported by the package: sympy is heavy."""

from math_verify import LatexExtractionConfig, parse, verify

from nodes.answers.structure import same_formula

_SIGNS = {ord("*"): r"\cdot ", ord("π"): r"\pi ", ord("∞"): r"\infty ", ord("°"): r"^\circ "}


def equal_formulas(one: str, other: str) -> bool:
    """Whether two formulas, as `FinalAnswer.value` has them, are equal; expressions by sympy.

    May take for ever: for a process that can be killed.
    """
    return same_formula(one, other, _equal) is True


def _equal(one: str, other: str) -> bool:
    texts = [f"${each.translate(_SIGNS)}$" for each in (one, other)]
    first, second = (parse(text, [LatexExtractionConfig()], parsing_timeout=None) for text in texts)
    if not first or not second:
        return False
    return bool(
        verify(first, second, timeout_seconds=None) and verify(second, first, timeout_seconds=None)
    )

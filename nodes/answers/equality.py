"""Whether two final answers are the same."""

from fractions import Fraction

from nodes.answers.answer import FinalAnswer
from nodes.answers.structure import same_formula
from nodes.answers.units import measured


def same(one: FinalAnswer, other: FinalAnswer) -> bool | None:
    """Whether two final answers are the same; `None` where the maths library has to tell."""
    if one.kind == other.kind == "number":
        return _same_amount(one, other)
    if {one.kind, other.kind} <= {"number", "formula"}:
        return same_formula(one.value, other.value, lambda _, __: None)
    return one.kind == other.kind and one.value == other.value


def _same_amount(one: FinalAnswer, other: FinalAnswer) -> bool:
    first, second = Fraction(one.value), Fraction(other.value)
    if not one.unit or not other.unit:
        return first == second
    factors, other_factors = measured(one.unit), measured(other.unit)
    if factors is None or other_factors is None:
        shared = set(one.unit.split()) & set(other.unit.split())
        return first == second and factors is other_factors and bool(shared)
    # A rate may leave out per what it is.
    for place, (mine, theirs) in enumerate(zip(factors, other_factors, strict=False)):
        if mine[0] != theirs[0]:
            return False
        ratio = mine[1] / theirs[1]
        first = first / ratio if place else first * ratio
    return first == second

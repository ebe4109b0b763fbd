"""Whether an answer's final answer is the expected one.

This is a reading of its own, not the miner's: a scorer that shares the miner's rules shares its
mistakes. Numbers are compared exactly, whatever their spelling; anything else as plain text.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from tools.evaluate.numerals import in_digits, normalized, numerals

Value = Fraction | str

_STATEMENT = re.compile(
    r"\banswer\b[*_\s]*(?:is\b\s*:?|[:=])[*_\s]*(?P<said>[^\n]+)|^\s*####\s*(?P<marked>[^\n]+)",
    re.IGNORECASE | re.MULTILINE,
)
BOX = "\\boxed{"
_SENTENCE_END = re.compile(r"(?<!\b[A-Z])[.!;](?=\s+\S)")
_AROUND_A_NUMBER = re.compile(r"[\s\w$€£¥₹%°²³'\".()-]*")
_DECORATION = " \t\r\n.,;:!?*_`\"'$()[]{}"
_ARTICLE = re.compile(r"^(?:the|an?|it\s+is)\s+")
_CHOICE = re.compile(r"(?:(?:option|choice)\s+)?\(?([a-j])(?:[).:](?:\s.*)?)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Scored:
    """The final answer as it was read, empty where none could be, and whether it is right."""

    read: str
    right: bool


def score(answer: str, expected: str) -> Scored:
    """Compare the final answer of `answer`, a whole solution, with `expected`.

    The last statement of it counts: `\\boxed{…}`, `#### …`, or `… answer is …` / `Answer: …`.
    Where nothing is stated, the last number of the text counts, or for an expected text the last
    line. A statement that offers a choice (`5 or 7`) is no final answer.
    """
    wanted = read_expected(expected)
    if isinstance(wanted, Fraction):
        number = _read_number(answer)
        return Scored("" if number is None else shown(number), number == wanted)
    given = _read_text(answer)
    return Scored(given, given == wanted or _same_choice(given, wanted))


def read_expected(answer: str) -> Value:
    """The final answer of a data set's solution: what follows its last `####`, or all of it."""
    final = answer.rpartition("####")[2].strip()
    plain = normalized(final)
    found = list(numerals(plain))
    if len(found) == 1:
        around = plain[: found[0].start] + plain[found[0].end :]
        if _AROUND_A_NUMBER.fullmatch(around) and not re.search(r"\d", around):
            return found[0].value
    return _folded(final)


def shown(value: Fraction) -> str:
    """The number as people write it: 42, 4.5, or 1/3 where it has no finite decimals."""
    if value.denominator == 1:
        return str(value.numerator)
    digits = f"{float(value):.10f}".rstrip("0")
    return digits if Fraction(digits) == value else str(value)


def _read_number(answer: str) -> Fraction | None:
    statement = _statement(answer)
    if statement is not None:
        plain = _with_digits(statement)
        right = plain.rpartition("=")[2]
        plain = right if any(numerals(right)) else plain
        if any(numerals(plain)):
            return _committed(plain)
    found = list(numerals(_with_digits(answer)))
    return found[-1].value if found else None


def _committed(plain: str) -> Fraction | None:
    first, *others = numerals(plain)
    if others and re.search(r"\bor\b", plain[first.end : others[0].start], re.IGNORECASE):
        return None
    if not others or not plain[: first.start].strip(_DECORATION):
        return first.value
    return others[-1].value


def _read_text(answer: str) -> str:
    statement = _statement(answer)
    if statement is None:
        lines = [line for line in answer.splitlines() if line.strip()]
        statement = lines[-1] if lines else ""
    return _folded(statement)


def _statement(answer: str) -> str | None:
    """What the solution states last as its final answer."""
    box = answer.rfind(BOX)
    stated = [match for match in _STATEMENT.finditer(answer) if match.start() > box]
    if stated:
        last = stated[-1]
        return last["marked"] or _SENTENCE_END.split(last["said"], maxsplit=1)[0]
    return _inside(answer[box + len(BOX) :]) if box >= 0 else None


def _inside(text: str) -> str:
    """What stands before the brace that closes one opened before the text."""
    depth = 1
    for position, char in enumerate(text):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth == 0:
            return text[:position]
    return text


def _with_digits(text: str) -> str:
    plain = normalized(text)
    return plain if re.search(r"\d", plain) else in_digits(plain)


def _folded(text: str) -> str:
    plain = " ".join(normalized(text).casefold().split()).strip(_DECORATION)
    return _ARTICLE.sub("", plain)


def _same_choice(given: str, wanted: str) -> bool:
    letter = _CHOICE.fullmatch(given)
    return letter is not None and letter.group(1) == wanted

"""Whether an answer's final answer is the expected one, read and compared as a miner does it."""

import re
from dataclasses import dataclass

from nodes.answers import FinalAnswer, read_answer, read_short_answer
from nodes.comparer import Comparer

# Where a solution ends with its answer, in GSM8K's way or its models'.
_MARK = re.compile(r"(?:\A|\n)[ \t]*(?:####|A:)[ \t]*([^\n]+)\s*\Z")


@dataclass(frozen=True, slots=True)
class Scored:
    """The final answer as it was written, empty where none could be read, and if it is right."""

    read: str
    right: bool


async def score(comparer: Comparer, answer: str, expected: str, question: str = "") -> Scored:
    """Compare the final answer of `answer`, a whole solution, with `expected`."""
    wanted = expected_answer(expected, question)
    found = _read(answer, question, in_words=wanted is None or wanted.kind == "text")
    if wanted is None or found is None:
        return Scored("", right=False)
    groups = await comparer.groups([wanted, found])
    return Scored(found.text, right=groups[0] == groups[1])


def expected_answer(expected: str, question: str = "") -> FinalAnswer | None:
    """The final answer of a data set's row: the end of its solution, its box, or all of it."""
    marked = _MARK.search(expected)
    if marked is None and "\\boxed" in expected:
        return read_answer(expected, question=question)
    final = marked.group(1) if marked else expected.strip()
    return read_answer(f"Answer: {final}", question=question) or read_short_answer(final)


def _read(answer: str, question: str, *, in_words: bool) -> FinalAnswer | None:
    found = read_answer(answer, question=question) or read_short_answer(answer)
    if not in_words:
        return None if found and found.kind == "text" else found
    return found or read_short_answer(answer.strip().rpartition("\n")[2])

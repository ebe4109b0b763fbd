"""Questions with their expected answers, one JSON object a line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).with_name("questions.jsonl")
MOST_QUESTIONS = 100_000
LONGEST_QUESTION = 10_000  # characters: what a miner takes
# Under these names the public data sets keep them; the first that is there counts.
QUESTIONS = ("question", "problem", "Question")
CONTEXT = "Body"  # what stands before SVAMP's questions
ANSWERS = ("final_answer", "answer", "correct", "Answer", "solution")
OPTIONS = "options"
LETTERS = "ABCDEFGHIJ"

Row = Mapping[str, object]


class DatasetError(ValueError):
    """The data set cannot be used. The message is one line: the file, the line, the fault."""


@dataclass(frozen=True, slots=True)
class Question:
    """`number` is the line in its file; `expected` is as written there, GSM8K's solution whole."""

    number: int
    text: str
    expected: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """The questions of a file, and the lines that were left out, since they give no answer."""

    questions: list[Question]
    without_answer: list[int]


def read(path: Path) -> Dataset:
    """The questions of a file in the form of GSM8K, SVAMP, MATH, AQuA or MMLU-Pro.

    Blank lines are passed over, further fields ignored. Raises `DatasetError`.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is not UTF-8 text") from None
    read_lines = [(at, _row(path, at, line)) for at, line in enumerate(lines, 1) if line.strip()]
    found = [_question(path, at, row) for at, row in read_lines]
    questions = [question for question in found if question.expected]
    if not 0 < len(questions) <= MOST_QUESTIONS:
        raise DatasetError(
            f"{path} holds {len(questions)} questions with answers; "
            f"1 to {MOST_QUESTIONS} can be asked"
        )
    return Dataset(questions, [question.number for question in found if not question.expected])


def _row(path: Path, number: int, line: str) -> Row:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise DatasetError(f"{path}, line {number}: this is not JSON") from None
    if not isinstance(found, dict):
        raise DatasetError(f'{path}, line {number}: write {{"question": …, "answer": …}}')
    return found


def _question(path: Path, number: int, row: Row) -> Question:
    asked = _first(row, QUESTIONS)
    if not asked:
        raise DatasetError(f"{path}, line {number}: question: a text is required")
    text = "\n".join(filter(None, [_text(row.get(CONTEXT)), asked, *_options(row)]))
    if len(text) > LONGEST_QUESTION:
        raise DatasetError(f"{path}, line {number}: question: longer than {LONGEST_QUESTION}")
    expected = _first(row, ANSWERS)
    return Question(number, text, expected if expected.rpartition("####")[2].strip() else "")


def _options(row: Row) -> list[str]:
    """The choices, each with its letter, whether or not it was written with one."""
    options = row.get(OPTIONS)
    texts = list(options.values()) if isinstance(options, dict) else options
    if not isinstance(texts, list):
        return []
    return [
        f"({letter}) {_text(text).removeprefix(f'{letter})').strip()}"
        for letter, text in zip(LETTERS, texts, strict=False)
    ]


def _first(row: Row, names: tuple[str, ...]) -> str:
    return next(filter(None, (_text(row.get(name)) for name in names)), "")


def _text(value: object) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value).strip() if isinstance(value, str) or is_number else ""

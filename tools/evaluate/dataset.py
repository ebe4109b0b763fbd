"""Questions with their expected answers, one JSON object a line."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

SHIPPED = Path(__file__).with_name("questions.jsonl")
MOST_QUESTIONS = 100_000
LONGEST_QUESTION = 10_000  # characters: what a miner takes


class DatasetError(ValueError):
    """The data set cannot be used. The message is one line: the file, the line, the fault."""


@dataclass(frozen=True, slots=True)
class Question:
    """`number` is the line in its file; `expected` is as written there, GSM8K's solution whole."""

    number: int
    text: str
    expected: str


def _number_as_text(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    question: str = Field(min_length=1, max_length=LONGEST_QUESTION)
    answer: Annotated[str, BeforeValidator(_number_as_text)] = Field(min_length=1)


def read(path: Path) -> list[Question]:
    """The questions of a file in GSM8K's format or with a plain `question` and `answer`.

    Blank lines are passed over, further fields ignored. Raises `DatasetError`.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is not UTF-8 text") from None
    questions = [_question(path, at, line) for at, line in enumerate(lines, 1) if line.strip()]
    if not 0 < len(questions) <= MOST_QUESTIONS:
        raise DatasetError(
            f"{path} holds {len(questions)} questions; 1 to {MOST_QUESTIONS} can be asked"
        )
    return questions


def _question(path: Path, number: int, line: str) -> Question:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise DatasetError(f"{path}, line {number}: this is not JSON") from None
    if not isinstance(found, dict):
        raise DatasetError(f'{path}, line {number}: write {{"question": …, "answer": …}}')
    try:
        parsed = _Line.model_validate(found)
    except ValidationError as error:
        raise DatasetError(f"{path}, line {number}: {_fault(error)}") from None
    if not parsed.answer.rpartition("####")[2].strip():
        raise DatasetError(f"{path}, line {number}: nothing follows the #### of the answer")
    return Question(number, parsed.question, parsed.answer)


def _fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(map(str, first["loc"]))
    return f"{field}: {first['msg'][0].lower()}{first['msg'][1:]}"

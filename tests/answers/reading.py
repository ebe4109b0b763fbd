"""What the tests of answers have in common."""

import json
from pathlib import Path
from typing import Any

from nodes.answers import FinalAnswer, read_answer, read_short_answer

CASES = Path(__file__).with_name("cases")


def cases(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


def read(text: str) -> FinalAnswer | None:
    return read_answer(text) or read_short_answer(text)

"""The corpus of `cases`: what a model makes of a document, and what the caller must get.

A case is one TOML file: the `task`, the `old` document, the model's `output`, whether it was
`truncated`, the `component` (`complete` unless it says), and what is `expected`: the `notebook`,
without which the old document must stand, and what is `said` or `unsaid` in the response. Texts may
hold `{{name 1-700}}`: the line of this name in `lines`, once for each number `{n}`.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "cases"
NO_UPDATE = "no update"
_LINES = re.compile(r"\{\{(\w+) (\d+)-(\d+)\}\}")


@dataclass(frozen=True)
class Case:
    """One case, its recipes written out."""

    task: str
    old: str
    output: str
    notebook: str
    said: tuple[str, ...]
    unsaid: tuple[str, ...]
    truncated: bool
    component: str


def load(path: Path) -> Case:
    found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    lines, expected = found.get("lines", {}), found["expected"]

    def written(text: str) -> str:
        return _LINES.sub(
            lambda match: "\n".join(
                lines[match[1]].replace("{n}", str(number))
                for number in range(int(match[2]), int(match[3]) + 1)
            ),
            text,
        )

    old = written(found["old"])
    return Case(
        found["task"],
        old,
        written(found["output"]),
        written(expected.get("notebook", old or NO_UPDATE)),
        tuple(expected.get("said", ())),
        tuple(expected.get("unsaid", ())),
        found.get("truncated", False),
        found.get("component", "complete"),
    )


CASES = {path.stem: load(path) for path in sorted(FOLDER.glob("*.toml"))}

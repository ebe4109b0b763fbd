"""`python -m tools.evaluate` as an operator runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from running_miner import KEY
from scripted import Answer, Scripted
from settings import ROOT, Settings

SECONDS = 60.0
Program = subprocess.Popen[str]


class Evaluate:
    """Runs the program in `folder`, with no settings around but the key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def dataset(self, rows: Sequence[Mapping[str, object]], name: str = "asked.jsonl") -> str:
        """A data set of these rows."""
        path = self.folder / name
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return str(path)

    def start(self, *arguments: str, stderr: int = subprocess.PIPE, **variables: str) -> Program:
        names = {name.upper() for name in Settings.model_fields}
        kept = {name: value for name, value in os.environ.items() if name.upper() not in names}
        own = {"MINER_API_KEY": KEY, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.temporary)}
        return subprocess.Popen(
            [sys.executable, "-m", "tools.evaluate", "--env-file", "none.env", *arguments],
            cwd=self.folder,
            env=kept | own | variables,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end; its output never holds the key."""
        return self.end(self.start(*arguments, **variables))

    def end(self, program: Program) -> subprocess.CompletedProcess[str]:
        out, err = program.communicate(timeout=SECONDS)
        assert KEY not in out + (err or "")
        assert "Traceback" not in (err or "")
        return subprocess.CompletedProcess(program.args, program.returncode, out, err)

    def report(self, name: str = "report.json") -> Any:  # noqa: ANN401 - JSON
        """The JSON that a run has written into the folder."""
        text = (self.folder / name).read_text()
        assert KEY not in text
        return json.loads(text)

    @property
    def temporary(self) -> Path:
        """Where the program may keep temporary files."""
        folder = self.folder / "temporary"
        folder.mkdir(exist_ok=True)
        return folder


def ask(model: Scripted, answers: Sequence[Answer | Sequence[Answer]]) -> list[dict[str, object]]:
    """Questions whose answer is 42, and what the model says to each; several in turn."""
    rows: list[dict[str, object]] = []
    for place, answer in enumerate(answers):
        question = f"Question {place:03d}: what is {place} + {42 - place}?"
        several = answer if isinstance(answer, list) else [answer]
        model.when(question, *several)
        rows.append({"question": question, "answer": f"{place} + {42 - place} = 42\n#### 42"})
    return rows


def cells(table: str) -> dict[str, list[str]]:
    """The cells of each row of the printed table, by the name of the row."""
    lines = [line for line in table.partition("\n\n")[0].splitlines() if line[0] != " "]
    split = [[part.strip() for part in line.split("  ") if part.strip()] for line in lines]
    return {name: rest for name, *rest in split}

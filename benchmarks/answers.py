"""How well final answers are read off real outputs of models.

`python -m benchmarks.answers FILE… [--json OUT] [--half a|b] [--show N] [--hard]` takes JSON lines
of two forms. Rows with a `text` are outputs: `set`, `model`, `question`, `text`, `gold`, and
`right`, the published label. For each set and model it prints how many final answers were not read
and were read, the agreement with the label (our reading equals the gold answer exactly where the
output is labelled right), how many equal the gold answer against the label, and how many differ
from it against the label. Other rows are gold answers: `set`, `gold`; printed is the share that is
read back unchanged from a box and from an `Answer:` line, both with and without a full stop.

Two formulas are compared by the maths library, in a process with a time limit, as in a miner.
`--half` takes the rows whose question falls in one half of a fixed split, to develop on one and
check on the other. `--show` prints the first N rows that disagree. `--hard` prints what the slowest
of many texts of 100,000 characters takes.
"""

import argparse
import asyncio
import json
import re
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nodes.answers import FinalAnswer, read_answer
from nodes.comparer import Comparer
from tools.evaluate.scoring import expected_answer

Row = dict[str, Any]
# Repeated up to 100,000 characters, alone and within a statement.
HARD = (
    "0",
    "1,",
    "(",
    "{",
    "\\",
    "$",
    "a ",
    "answer is ",
    "Answer: ",
    "\\boxed{1} and ",
    "#### 1\n",
)
HARD += (
    "\\frac{1}{",
    "1 hour ",
    "the answer to ",
    "(A) a\n",
    "1 ",
    "- ",
    "```python\n",
    "Query 1: ",
)
WRITINGS: dict[str, Callable[[str], str]] = {
    "boxed": lambda gold: f"So we have it.\n\nThe result is $\\boxed{{{_unwrapped(gold)}}}$",
    "boxed.": lambda gold: f"So we have it.\n\nThe result is $\\boxed{{{_unwrapped(gold)}}}$.",
    "Answer:": lambda gold: f"So we have it.\n\nAnswer: {_in_dollars(gold)}",
    "Answer:.": lambda gold: f"So we have it.\n\nAnswer: {_in_dollars(gold)}.",
}


@dataclass(slots=True)
class Outputs:
    """What became of the outputs of one model on one set."""

    rows: int = 0
    unread: int = 0
    read: int = 0
    agreement: float = 0
    falsely_equal: int = 0
    falsely_different: int = 0


@dataclass(slots=True)
class Golds:
    """How many gold answers of one set come back unchanged from each writing."""

    rows: int = 0
    unchanged: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WRITINGS, 0))


def main() -> None:
    """Run the command."""
    options = _options()
    rows = [row for path in options.files for row in _rows(path) if _chosen(row, options.half)]
    began = time.process_time()
    outputs, golds, shown = asyncio.run(_measured(rows))
    if outputs:
        _print_outputs(outputs)
    if golds:
        _print_golds(golds)
    print(f"{len(rows)} rows, {time.process_time() - began:.1f} s of CPU in this process")
    if options.hard:
        slowest, text = max((_seconds(unit * (100_000 // len(unit))), unit) for unit in HARD)
        print(f"slowest text of 100,000 characters: {slowest * 1000:.0f} ms, of {text!r}")
    for line in shown[: options.show]:
        print(line)
    if options.json:
        options.json.write_text(
            json.dumps(
                {
                    "outputs": {name: asdict(figures) for name, figures in outputs.items()},
                    "golds": {name: asdict(figures) for name, figures in golds.items()},
                },
                indent=1,
            ),
            encoding="utf-8",
        )


async def _measured(rows: list[Row]) -> tuple[dict[str, Outputs], dict[str, Golds], list[str]]:
    outputs: dict[str, Outputs] = {}
    golds: dict[str, Golds] = {}
    shown: list[str] = []
    comparer = Comparer()
    try:
        for row in rows:
            if "text" in row:
                shown += await _judge(comparer, row, outputs)
            else:
                shown += _read_back(row, golds.setdefault(row["set"], Golds()))
    finally:
        await comparer.close()
    return outputs, golds, shown


async def _judge(comparer: Comparer, row: Row, outputs: dict[str, Outputs]) -> list[str]:
    found = read_answer(row["text"], question=row["question"])
    gold = expected_answer(row["gold"], row["question"])
    groups = await comparer.groups([gold, found])
    equal = found is not None and groups[0] == groups[1]
    for name in (f"{row['set']} {row['model']}", row["set"]):
        figures = outputs.setdefault(name, Outputs())
        figures.rows += 1
        figures.unread += found is None
        figures.read += found is not None
        figures.falsely_equal += equal and not row["right"]
        figures.falsely_different += not equal and row["right"]
        wrong = figures.falsely_equal + figures.falsely_different
        figures.agreement = round(1 - wrong / figures.rows, 4)
    if equal == row["right"]:
        return []
    sign = "falsely equal" if equal else "falsely different"
    return [f"{sign} {row['set']}: {_told(found)}, gold {_told(gold)}: …{row['text'][-300:]!r}"]


def _read_back(row: Row, figures: Golds) -> list[str]:
    figures.rows += 1
    shown = []
    for writing, write in WRITINGS.items():
        found = read_answer(write(row["gold"]))
        if found is not None and _spelling(found.text) == _spelling(row["gold"]):
            figures.unchanged[writing] += 1
        else:
            shown.append(f"{writing} {row['gold']!r}: read as {_told(found)}")
    return shown


def _seconds(text: str) -> float:
    times = []
    for each in (text, f"Answer: {text}", f"\\boxed{{{text}}}", f"{text}\nAnswer: 42"):
        began = time.process_time()
        read_answer(each, question=each)
        times.append(time.process_time() - began)
    return max(times)


def _spelling(text: str) -> str:
    """A spelling without spaces, the signs around mathematics, and a full stop at the end."""
    inner = re.sub(r"\s+|\$", "", text).rstrip(".")
    return re.sub(r"^\\text\{([^{}]*)\}$", r"\1", inner)


def _unwrapped(gold: str) -> str:
    inner = gold.strip()
    whole = inner.startswith("$") and inner.endswith("$") and inner.count("$") == 2
    return inner[1:-1] if whole else inner


def _in_dollars(gold: str) -> str:
    return gold if "$" in gold else f"${gold}$"


def _told(found: FinalAnswer | None) -> str:
    return "nothing" if found is None else f"{found.kind} {found.text!r}"


def _print_outputs(outputs: dict[str, Outputs]) -> None:
    width = max(map(len, outputs)) + 2
    print(f"{'outputs':{width}} rows unread  read agreement falsely equal falsely different")
    for name, each in sorted(outputs.items()):
        print(
            f"{name:{width}} {each.rows:4} {each.unread:6} {each.read:5} {each.agreement:9.2%}"
            f" {each.falsely_equal:13} {each.falsely_different:17}"
        )


def _print_golds(golds: dict[str, Golds]) -> None:
    width = max(map(len, golds)) + 2
    print(f"{'golds read back':{width}} rows " + " ".join(f"{name:>9}" for name in WRITINGS))
    for name, each in sorted(golds.items()):
        shares = " ".join(f"{each.unchanged[key] / each.rows:9.2%}" for key in WRITINGS)
        print(f"{name:{width}} {each.rows:4} {shares}")


def _rows(path: Path) -> Iterable[Row]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def _chosen(row: Row, half: str | None) -> bool:
    key = row.get("question") or row["gold"]
    return half is None or "ab"[zlib.crc32(key.encode()) % 2] == half


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON lines")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures there as well")
    parser.add_argument("--half", choices=("a", "b"), help="take one half of the rows")
    parser.add_argument("--show", type=int, default=0, help="print that many disagreements")
    parser.add_argument("--hard", action="store_true", help="time the reading of hard texts")
    return parser.parse_args()


if __name__ == "__main__":
    main()

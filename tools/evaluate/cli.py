"""The command: what it takes, what it prints, and how it ends."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from tqdm import tqdm

from tools.client import Unusable
from tools.evaluate.dataset import DatasetError, Question, read
from tools.evaluate.evaluation import evaluate
from tools.evaluate.options import Options, UsageError, parse
from tools.evaluate.page import as_html
from tools.evaluate.report import Report
from tools.evaluate.running import INTERRUPTED, Run
from tools.evaluate.table import as_text
from tools.miner_key import KeyUnknown

MOST_LINES = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code.

    0: all was measured. 1: a miner could not be asked, or was lost, or a report could not be
    written. 2: wrong options or data set. 130: interrupted.
    """
    try:
        options = parse(arguments)
        dataset = read(options.dataset)
    except (DatasetError, KeyUnknown, Unusable, UsageError) as error:
        return _refuse(str(error), 2)
    if dataset.without_answer:
        print(f"evaluate: {_left_out(dataset.without_answer)}", file=sys.stderr)
    questions = dataset.questions[: options.limit]
    _interrupt_by_all_signals()
    report = _evaluated(options, questions)
    if report.runs:
        print(as_text(report), flush=True)
        try:
            _write(options, report, questions)
        except OSError as error:
            return _refuse(f"cannot write {error.filename}: {error.strerror}", 1)
    if report.failure == INTERRUPTED:
        return _refuse("interrupted before the end", 130)
    return _refuse(report.failure, 1) if report.failure else 0


def _evaluated(options: Options, questions: Sequence[Question]) -> Report:
    return evaluate(
        options.targets,
        questions,
        options.conditions.model_copy(update={"questions": len(questions)}),
        judge=options.judge,
        env_file=options.env_file,
        progress=lambda name: _bar(name, len(questions)),
    )


def _write(options: Options, report: Report, questions: Sequence[Question]) -> None:
    if options.json:
        options.json.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if options.html:
        options.html.write_text(as_html(report, questions), encoding="utf-8")


def _left_out(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:MOST_LINES])) + (", …" if len(lines) > MOST_LINES else "")
    return f"left out for want of an answer: {len(lines)} of the data set's lines ({shown})"


def _refuse(reason: str, code: int) -> int:
    print(f"evaluate: {reason}", file=sys.stderr)
    return code


def _interrupt_by_all_signals() -> None:
    """SIGTERM and SIGHUP do as Ctrl-C does, which `asyncio.run` turns into a cancellation."""
    # A shell has its background jobs ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)


@contextmanager
def _bar(name: str, questions: int) -> Iterator[Callable[[Run], None]]:
    # `disable=None` leaves the bar out where standard error is no terminal.
    with tqdm(total=questions, desc=name, unit="question", disable=None, leave=False) as bar:

        def tell(run: Run) -> None:
            right = sum(one.right for one in run.answered)
            bar.set_postfix_str(f"{right / len(run.answered):.1%} right", refresh=False)
            bar.update()

        yield tell

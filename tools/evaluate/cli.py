"""The command: what it takes, what it prints, and how it ends."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from tqdm import tqdm

from tools.evaluate.dataset import DatasetError, Question, read
from tools.evaluate.evaluation import INTERRUPTED, evaluate
from tools.evaluate.keys import KeyUnknown
from tools.evaluate.options import Options, UsageError, parse
from tools.evaluate.page import as_html
from tools.evaluate.report import Conditions, Report
from tools.evaluate.running import Run
from tools.evaluate.table import as_text

MOST_LINES = 10
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code.

    0: all was measured. 1: a miner could not be asked, or was lost, or a report could not be
    written. 2: wrong options or data set. 130: interrupted.
    """
    try:
        options = parse(arguments)
        dataset = read(options.dataset)
    except (DatasetError, KeyUnknown, UsageError) as error:
        return _refuse(str(error), 2)
    if dataset.without_answer:
        print(f"evaluate: {_left_out(dataset.without_answer)}", file=sys.stderr)
    questions = dataset.questions[: options.limit]
    report = asyncio.run(_evaluate(options, questions))
    if report.runs:
        print(as_text(report), flush=True)
        try:
            _write(options, report, questions)
        except OSError as error:
            return _refuse(f"cannot write {error.filename}: {error.strerror}", 1)
    if report.failure == INTERRUPTED:
        return _refuse("interrupted before the end", 130)
    return _refuse(report.failure, 1) if report.failure else 0


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


async def _evaluate(options: Options, questions: Sequence[Question]) -> Report:
    stop = asyncio.Event()
    conditions = Conditions(
        dataset=options.dataset.name,
        questions=len(questions),
        form=options.form,
        task=options.task,
        timeout=options.timeout,
        concurrency=options.concurrency,
        rate=options.rate,
        window=options.window,
        temperature=options.temperature,
        judge=options.judge.model if options.judge else "",
    )
    with _stopped_by_signals(stop):
        return await evaluate(
            options.targets,
            questions,
            conditions,
            judge=options.judge,
            env_file=options.env_file,
            stop=stop,
            progress=lambda name: _bar(name, len(questions)),
        )


@contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` at the first signal; the second one ends the program."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def note(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in SIGNALS:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bar(name: str, questions: int) -> Iterator[Callable[[Run], None]]:
    # `disable=None` leaves the bar out where standard error is no terminal.
    with tqdm(total=questions, desc=name, unit="question", disable=None, leave=False) as bar:

        def tell(run: Run) -> None:
            right = sum(one.right for one in run.answered)
            bar.set_postfix_str(f"{right / len(run.answered):.1%} right", refresh=False)
            bar.update()

        yield tell

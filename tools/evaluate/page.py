"""The report as one HTML page that needs nothing else; its template draws the plots."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tools.evaluate.asking import Answered
from tools.evaluate.comparing import shown_p
from tools.evaluate.dataset import Question
from tools.evaluate.report import Measured, Report
from tools.evaluate.summary import Interval, rolling
from tools.evaluate.table import rows, verdict

MOST_SHOWN = 200
MOST_POINTS = 500
BINS = 24
TEMPLATE = "page.html.jinja"


@dataclass(frozen=True, slots=True)
class Bar:
    """How many answers took from `begin` to `end` seconds."""

    begin: float
    end: float
    right: int
    wrong: int

    @property
    def height(self) -> int:
        return self.right + self.wrong


@dataclass(frozen=True, slots=True)
class Section:
    """One run on the page: its plots, and what it did not answer right.

    `curve` is the rolling accuracy with its interval after the answers of these numbers.
    """

    run: Measured
    curve: list[tuple[int, float, Interval]]
    bars: list[Bar]
    failed: list[tuple[Answered, str]]
    more: int


def as_html(report: Report, questions: Sequence[Question]) -> str:
    """The page, for a report with at least one run; `questions` are those that were asked."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    longest = max(run.summary.latency.get("max", 0.0) for run in report.runs)
    texts = {question.number: question.text for question in questions}
    return environment.get_template(TEMPLATE).render(
        report=report,
        rows=list(rows(report)),
        sections=[_section(run, report, texts, longest) for run in report.runs],
        most=max(2, *(len(run.answered) for run in report.runs)),
        longest=longest,
        verdict=verdict(report.comparison) if report.comparison else "",
        shown_p=shown_p,
    )


def _section(run: Measured, report: Report, texts: dict[int, str], longest: float) -> Section:
    curve = [(at, *each) for at, each in enumerate(rolling(run.answered, report.conditions.window))]
    step = math.ceil(len(curve) / MOST_POINTS)
    failed = [(one, texts[one.number]) for one in run.answered if not one.right]
    return Section(
        run=run,
        curve=curve[:-1:step] + curve[-1:],
        bars=_bars(run.answered, longest / BINS),
        failed=failed[:MOST_SHOWN],
        more=max(0, len(failed) - MOST_SHOWN),
    )


def _bars(answered: Sequence[Answered], width: float) -> list[Bar]:
    places = [
        (min(int(one.seconds / width), BINS - 1), one.right) for one in answered if one.arrived
    ]
    return [
        Bar(at * width, (at + 1) * width, places.count((at, True)), places.count((at, False)))
        for at in range(BINS)
    ]

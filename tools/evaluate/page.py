"""The report as one HTML page that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tools.evaluate.asking import Answered
from tools.evaluate.charts import accuracy_plot, colour, interval_plot, latency_plot
from tools.evaluate.comparing import shown_p
from tools.evaluate.dataset import Question
from tools.evaluate.report import Measured, Report
from tools.evaluate.table import rows, verdict

MOST_SHOWN = 200
TEMPLATE = "page.html.jinja"


@dataclass(frozen=True, slots=True)
class Section:
    """One run on the page: its latency plot, and what it did not answer right."""

    run: Measured
    colour: str
    latency: str
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
        sections=[_section(run, place, texts, longest) for place, run in enumerate(report.runs)],
        accuracy=_drawn(accuracy_plot(report.runs, report.conditions.window)),
        intervals=_drawn(interval_plot(report.runs)) if len(report.runs) > 1 else "",
        verdict=verdict(report.comparison) if report.comparison else "",
        shown_p=shown_p,
    )


def _section(run: Measured, place: int, texts: dict[int, str], longest: float) -> Section:
    failed = [(one, texts[one.number]) for one in run.answered if not one.right]
    return Section(
        run=run,
        colour=colour(place),
        latency=_drawn(latency_plot(run, longest)),
        failed=failed[:MOST_SHOWN],
        more=max(0, len(failed) - MOST_SHOWN),
    )


def _drawn(svg: str) -> Markup:
    # The plots are made of elements, whose texts the XML library has escaped.
    return Markup(svg)  # noqa: S704

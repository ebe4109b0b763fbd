"""The report as plain text."""

from collections.abc import Callable, Iterator, Sequence

from tools.evaluate.comparing import Comparison, shown_p
from tools.evaluate.report import Measured, Report
from tools.evaluate.summary import Summary

GAP = "  "
Row = tuple[str, list[str]]


def as_text(report: Report) -> str:
    """One column for each run, then the comparison if there is one."""
    parts = [_aligned(list(rows(report)))] if report.runs else []
    if report.comparison:
        parts.append("\n".join(_compared(report.comparison)))
    return "\n\n".join(parts)


def rows(report: Report) -> Iterator[Row]:
    """The figures, each with its name and one cell for each run."""
    runs = report.runs
    if len(runs) > 1:
        yield "", [run.name for run in runs]
    yield "miner", [run.address for run in runs]
    yield "model", [_model(run) for run in runs]
    yield "asked", [_asked(run, report.conditions.questions) for run in runs]
    summaries = [run.summary for run in runs]
    yield from ((name, [figure(one) for one in summaries]) for name, figure in _FIGURES)
    for name in dict.fromkeys(name for one in summaries for name in one.errors):
        yield f"  {name}", [str(one.errors.get(name, 0)) for one in summaries]
    if report.conditions.judge:
        yield "judged", [f"{one.judged} by {report.conditions.judge}" for one in summaries]
    for name in dict.fromkeys(name for one in summaries for name in one.criteria):
        yield f"  {name}", [f"{one.criteria.get(name, 0):.2f}" for one in summaries]
    for name in ("p50", "p90", "p95", "p99", "max"):
        yield f"latency {name}", [_seconds(one.latency.get(name)) for one in summaries]
    yield from ((name, [figure(one) for one in summaries]) for name, figure in _COSTS)


def _model(run: Measured) -> str:
    return f"{run.model} ({run.provider})" if run.provider else run.model or "unknown"


def _asked(run: Measured, questions: int) -> str:
    ended = f" ({run.ended_early})" if run.ended_early else ""
    return f"{run.summary.asked} of {questions}{ended}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def _right(summary: Summary) -> str:
    return f"{summary.right} ({summary.accuracy:.1%})"


def _interval(summary: Summary) -> str:
    return f"{summary.interval.low:.1%} to {summary.interval.high:.1%}"


def _window(summary: Summary) -> str:
    window = summary.window
    return f"{window.accuracy:.1%} (last {window.asked}, window {window.size})"


def _performance(summary: Summary) -> str:
    window = summary.window
    return f"{window.performance:.4f} (score {window.score:.3f} ^ {window.temperature:g})"


def _calls(summary: Summary) -> str:
    return "-" if summary.model_calls is None else f"{summary.model_calls:.2f}"


_FIGURES: list[tuple[str, Callable[[Summary], str]]] = [
    ("right", _right),
    ("95% interval", _interval),
    ("performance", _performance),
    ("rolling accuracy", _window),
    ("wrong", lambda summary: str(summary.wrong)),
    ("no final answer", lambda summary: str(summary.unreadable)),
    ("too late", lambda summary: str(summary.timeouts)),
    ("errors", lambda summary: str(sum(summary.errors.values()))),
]
_COSTS: list[tuple[str, Callable[[Summary], str]]] = [
    ("model calls each", _calls),
    ("rate limit waits", lambda summary: str(summary.rate_limit_waits)),
    ("took", lambda summary: f"{summary.seconds:.1f} s"),
]


def _aligned(table: Sequence[Row]) -> str:
    label = max(len(name) for name, _ in table)
    widths = [max(map(len, column)) for column in zip(*(cells for _, cells in table), strict=True)]
    lines = [
        GAP.join([name.ljust(label), *map(str.ljust, cells, widths)]).rstrip()
        for name, cells in table
    ]
    return "\n".join(lines)


def _compared(comparison: Comparison) -> Iterator[str]:
    yield f"Compared on the {comparison.asked} questions asked of all (McNemar's exact test, Holm):"
    for pair in comparison.pairs:
        yield (
            f"  {pair.first} against {pair.second}: only {pair.first} right "
            f"{pair.only_first_right}, only {pair.second} right {pair.only_second_right}, "
            f"{shown_p(pair.p_adjusted)}"
        )
    yield ""
    yield verdict(comparison)
    yield from (f"  {reason}" for reason in comparison.reasons)


def verdict(comparison: Comparison) -> str:
    """The recommendation in one line."""
    if not comparison.strategy:
        return "No recommendation."
    if comparison.sure:
        return (
            f"Recommended: {comparison.strategy}. The others are worse, beyond chance (5% level)."
        )
    return f"Recommended: {comparison.strategy}, but the data cannot tell which is the best."

"""Curves of what a miner did while the page was looking."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import gradio as gr
import pandas as pd
from gradio.blocks import Block

from tools.playground.history import History, Line, Look, per, under
from tools.playground.metrics import Buckets

HEIGHT = 230  # pixels
TIME, LINE = "time", "line"
# Each is readable on light and on dark ground.
TEAL, AMBER, RED, SLATE = "#0d9488", "#d97706", "#dc2626", "#64748b"
LOOKS_FOR_A_LINE = 2
ROUND = (1, 1.5, 2, 3, 4, 6, 8, 10, 15)
EXPLAINED = "each point tells of the minute before it"
FIRST_SHOWN = "one more look shows the first curves"

Point = tuple[float, str, float | None]
"""Time, line, and height; None is a gap."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A plot: its title, the unit of its vertical axis, its lines and their colours."""

    title: str
    unit: str
    lines: Mapping[str, tuple[str, Line]]

    def drawn(self) -> gr.LinePlot:
        """The plot, still empty."""
        return gr.LinePlot(
            label=self.title,
            show_label=True,
            x=TIME,
            y=self.unit,
            color=LINE,
            color_title=" ",
            color_map={name: colour for name, (colour, _) in self.lines.items()},
            colors_in_legend=list(self.lines) if len(self.lines) > 1 else [],
            x_axis_format="%H:%M:%S",
            y_lim=[0, 1],
            height=HEIGHT,
            elem_classes="pg-curve",
        )

    def showing(self, history: History) -> gr.LinePlot:
        """An update of the plot with the points of all lines.

        Its height changes in leaps alone: at each the plot is drawn anew, and loses the pointer.
        """
        points = self._points(history)
        highest = max((height or 0 for *_, height in points), default=0)
        return gr.LinePlot(_table(self.unit, points), y_lim=[0, _bound(highest)])

    def _points(self, history: History) -> list[Point]:
        return [
            (at, name, _short(height))
            for name, (_, line) in self.lines.items()
            for at, height in history.points(line)
        ]


def _latency(title: str, histogram: Callable[[Look], Buckets]) -> Curve:
    lines = {
        "median": (TEAL, under(0.5, histogram)),
        "95th percentile": (AMBER, under(0.95, histogram)),
    }
    return Curve(title, "seconds", lines)


def _tokens(kind: str) -> Line:
    return per(1, lambda look: look.tokens.get(kind, 0))


def _errors(outcome: str) -> Line:
    return per(60, lambda look: look.errors.get(outcome, 0))


CURVES = (
    Curve(
        "Requests per minute",
        "per minute",
        {"requests": (TEAL, per(60, lambda look: look.requests))},
    ),
    _latency("Time that requests take", lambda look: look.requests_took),
    Curve("Runs in work", "runs", {"in work": (TEAL, lambda span: span.told.in_work)}),
    Curve(
        "Tokens per second",
        "per second",
        {
            "prompt": (TEAL, _tokens("prompt_new")),
            "cached": (SLATE, _tokens("prompt_cached")),
            "completion": (AMBER, _tokens("completion")),
        },
    ),
    _latency("Time that model calls take", lambda look: look.calls_took),
    Curve(
        "Errors per minute",
        "per minute",
        {"refused": (AMBER, _errors("refused")), "failed": (RED, _errors("failed"))},
    ),
)


class Curves:
    """All of them, hidden until there is a line to show. `outputs` are what a look changes."""

    def __init__(self) -> None:
        with gr.Row(visible=False, elem_classes="pg-curves") as self._all:
            self._plots = [(curve, curve.drawn()) for curve in CURVES]
        self.outputs: list[Block] = [self._all, *(plot for _, plot in self._plots)]

    def shown(self, history: History) -> dict[Block, Any]:
        """New values of `outputs`."""
        if len(history.looks) < LOOKS_FOR_A_LINE:
            return {self._all: gr.Row(visible=False)}
        drawn = {plot: curve.showing(history) for curve, plot in self._plots}
        return {self._all: gr.Row(visible=True), **drawn}


def told(history: History) -> str:
    """How far the curves go."""
    looks = len(history.looks)
    seen = f"{looks} {'look' if looks == 1 else 'looks'} at {history.url}"
    since = " since it restarted" if history.restarted else ""
    explained = EXPLAINED if looks >= LOOKS_FOR_A_LINE else FIRST_SHOWN
    return f"{seen}{since}: {explained}"


def _table(unit: str, points: list[Point]) -> pd.DataFrame:
    times, names, heights = zip(*points, strict=True)
    return pd.DataFrame(
        {
            TIME: pd.to_datetime(pd.Series(times, dtype=float), unit="s", utc=True),
            unit: pd.Series(heights, dtype=float),
            LINE: pd.Series(names, dtype=str),
        }
    )


def _bound(highest: float) -> float:
    """A round number above the highest point; 1 where all is zero."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** floor(log10(highest))
    return next(power * step for step in ROUND if power * step > highest)


def _short(height: float | None) -> float | None:
    """Three digits are enough to read where one points."""
    return None if height is None else float(f"{height:.3g}")

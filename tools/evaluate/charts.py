"""The plots of the report as SVG; the page's style sheet gives them their colours.

Written with the standard library: three plain plots do not justify a plotting library on every
miner's machine, and elements of the page's own follow its light and dark colours.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Tree

from tools.evaluate.report import Measured
from tools.evaluate.summary import Interval, rolling

WIDTH, HEIGHT = 720.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 18.0, 14.0, 42.0
NAMES, ROW = 120.0, 34.0
MOST_POINTS = 500
BINS = 24
COLOURS = 6
"""Series that the style sheet has colours for."""
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Frame:
    """A drawing area, and where values of the two axes stand in it."""

    svg: Tree.Element
    left: float
    bottom: float
    most_x: float
    most_y: float

    def x(self, value: float) -> float:
        return self.left + (WIDTH - RIGHT - self.left) * value / self.most_x

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - TOP) * value / self.most_y


def accuracy_plot(runs: Sequence[Measured], window: int) -> str:
    """The rolling accuracy of each run, in the order of its answers, with its 95% interval."""
    longest = max(2, *(len(run.answered) for run in runs))
    frame = _frame("Rolling accuracy", longest, 1.0)
    _rules(frame, QUARTERS, _percent)
    _scale(frame, _ticks(longest, beyond=False), _number, "questions answered")
    for place, run in enumerate(runs):
        _rolling(frame, run, window, colour(place))
    return _written(frame)


def latency_plot(run: Measured, longest: float) -> str:
    """How many answers took how long, the right ones apart, with p50 and p95.

    The axis ends beyond `longest`, in seconds. Empty where no answer came.
    """
    times = {True: [0] * BINS, False: [0] * BINS}
    if not run.summary.latency:
        return ""
    ticks = _ticks(longest)
    width = ticks[-1] / BINS
    for one in run.answered:
        if one.arrived:
            times[one.right][min(int(one.seconds / width), BINS - 1)] += 1
    heights = [good + bad for good, bad in zip(times[True], times[False], strict=True)]
    counts = _ticks(max(heights))
    frame = _frame(f"Latency of {run.name}", ticks[-1], counts[-1])
    _rules(frame, [count for count in counts if count == int(count)], _number)
    _scale(frame, ticks, lambda seconds: f"{_number(seconds)} s", "time to the answer")
    for place, (good, height) in enumerate(zip(times[True], heights, strict=True)):
        span = (place * width, (place + 1) * width)
        _bar(frame, span, (0, good), "right")
        _bar(frame, span, (good, height), "wrong")
    for name in ("p50", "p95"):
        _marker(frame, run.summary.latency[name], name)
    return _written(frame)


def interval_plot(runs: Sequence[Measured]) -> str:
    """The accuracy of each run as a dot, and its 95% interval as a line."""
    frame = _frame("Accuracy", 1.0, len(runs), left=NAMES, height=TOP + BOTTOM + ROW * len(runs))
    _scale(frame, QUARTERS, _percent, "right answers, with 95% interval")
    for place, run in enumerate(runs):
        at = frame.y(len(runs) - place - 0.5)
        _text(frame.svg, NAMES - 12, at + 4, run.name[:16], "end name")
        _whisker(frame, at, run.summary.accuracy, run.summary.interval, colour(place))
    return _written(frame)


def colour(place: int) -> str:
    """The style sheet's class for the run at this place."""
    return f"s{place % COLOURS}"


def _frame(
    title: str, most_x: float, most_y: float, *, left: float = LEFT, height: float = HEIGHT
) -> _Frame:
    box = {"viewBox": f"0 0 {WIDTH:g} {height:g}", "role": "img", "aria-label": title}
    return _Frame(Tree.Element("svg", box), left, height - BOTTOM, most_x, most_y)


def _rules(frame: _Frame, values: Sequence[float], told: Callable[[float], str]) -> None:
    for value in values:
        at = frame.y(value)
        _line(frame.svg, (frame.left, at), (WIDTH - RIGHT, at), "rule")
        _text(frame.svg, frame.left - 8, at + 4, told(value), "end")


def _scale(
    frame: _Frame, values: Sequence[float], told: Callable[[float], str], title: str
) -> None:
    for value in values:
        at = frame.x(value)
        _line(frame.svg, (at, TOP), (at, frame.bottom + 4), "rule")
        _text(frame.svg, at, frame.bottom + 17, told(value), "middle")
    _text(frame.svg, (frame.left + WIDTH - RIGHT) / 2, frame.bottom + 35, title, "middle title")


def _rolling(frame: _Frame, run: Measured, window: int, kind: str) -> None:
    points = list(enumerate(rolling(run.answered, window), 1))
    step = math.ceil(len(points) / MOST_POINTS)
    kept = points[:-1:step] + points[-1:]
    upper = [(frame.x(asked), frame.y(interval.high)) for asked, (_, interval) in kept]
    lower = [(frame.x(asked), frame.y(interval.low)) for asked, (_, interval) in kept]
    middle = [(frame.x(asked), frame.y(share)) for asked, (share, _) in kept]
    group = _add(frame.svg, "g", {"class": kind})
    _add(group, "title").text = f"{run.name}: {run.summary.window.accuracy:.1%} at the end"
    _add(group, "polygon", {"points": _points(upper + lower[::-1]), "class": "band"})
    _add(group, "polyline", {"points": _points(middle), "class": "line"})
    _add(group, "circle", _circle(*middle[-1], 3.5))


def _bar(frame: _Frame, span: Point, heights: Point, kind: str) -> None:
    if heights[0] == heights[1]:
        return
    (left, right), (low, high) = map(frame.x, span), map(frame.y, heights)
    size = {"x": left + 1, "y": high, "width": right - left - 2, "height": low - high}
    bar = _add(frame.svg, "rect", {name: _number(value) for name, value in size.items()})
    bar.set("class", kind)
    told = f"{_number(span[0])} to {_number(span[1])} s: {heights[1] - heights[0]:g} {kind}"
    _add(bar, "title").text = told


def _marker(frame: _Frame, value: float, name: str) -> None:
    at = frame.x(value)
    _line(frame.svg, (at, TOP), (at, frame.bottom), "marker")
    beyond = at > WIDTH - RIGHT - 90
    side = "end" if beyond else "start"
    drop = 10 if name == "p50" else 24
    shift = -5 if beyond else 5
    _text(frame.svg, at + shift, TOP + drop, f"{name} {value:.2f} s", f"{side} label")


def _whisker(frame: _Frame, at: float, share: float, interval: Interval, kind: str) -> None:
    low, high = frame.x(interval.low), frame.x(interval.high)
    group = _add(frame.svg, "g", {"class": kind})
    _add(group, "title").text = f"{share:.1%} ({interval.low:.1%} to {interval.high:.1%})"
    _line(group, (low, at), (high, at), "whisker")
    for end in (low, high):
        _line(group, (end, at - 6), (end, at + 6), "whisker")
    _add(group, "circle", _circle(frame.x(share), at, 5.5))


def _ticks(most: float, *, beyond: bool = True) -> list[float]:
    """Round values from 0, four to ten of them, up to `most` or just beyond it."""
    rough = max(most, 1e-3) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    count = math.ceil(most / step) if beyond else math.floor(most / step)
    return [place * step for place in range(max(count, 1) + 1)]


def _line(parent: Tree.Element, begin: Point, end: Point, kind: str) -> None:
    ends = {"x1": begin[0], "y1": begin[1], "x2": end[0], "y2": end[1]}
    line = _add(parent, "line", {name: _number(value) for name, value in ends.items()})
    line.set("class", kind)


def _text(parent: Tree.Element, x: float, y: float, text: str, kind: str) -> None:
    _add(parent, "text", {"x": _number(x), "y": _number(y), "class": kind}).text = text


def _circle(x: float, y: float, radius: float) -> dict[str, str]:
    return {"cx": _number(x), "cy": _number(y), "r": _number(radius), "class": "dot"}


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _number(value: float) -> str:
    return f"{value:.4g}"


def _add(parent: Tree.Element, tag: str, named: dict[str, str] | None = None) -> Tree.Element:
    return Tree.SubElement(parent, tag, named or {})


def _written(frame: _Frame) -> str:
    return Tree.tostring(frame.svg, encoding="unicode")

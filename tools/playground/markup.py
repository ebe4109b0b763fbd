"""Pieces of HTML. Whatever comes from outside is escaped."""

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from html import escape

from tools.playground.client import PlaygroundError, Refused
from tools.playground.metrics import Bars
from tools.playground.runs import Run, Step


def error(problem: PlaygroundError | None) -> str:
    """The error as the miner gave it, or what is wrong on the way to it; empty for none."""
    if problem is None:
        return ""
    if not isinstance(problem, Refused):
        return f'<div class="pg-error" role="alert">{escape(str(problem))}</div>'
    title = " ".join(str(part) for part in (problem.status, problem.error) if part)
    rest = [("request_id", problem.request_id), ("retry after", _seconds(problem.retry_after))]
    return (
        f'<div class="pg-error" role="alert"><b>{escape(title)}</b>'
        f"{_detail(problem.detail)}{table(rest)}</div>"
    )


def note(text: str) -> str:
    """One line that says what was done; empty for none."""
    return f'<div class="pg-note" role="status">{escape(text)}</div>' if text else ""


def heading(title: str, rest: str) -> str:
    """The title of what follows, and what is to be known of it."""
    return f'<h3 class="pg-heading">{escape(title)} <small>{escape(rest)}</small></h3>'


def table(rows: Iterable[tuple[str, object]]) -> str:
    """Names and values; the empty ones are left out."""
    lines = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(_plain(value))}</td></tr>"
        for name, value in rows
        if value not in (None, "", [])
    )
    return f'<table class="pg-table">{lines}</table>' if lines else ""


def tiles(values: Iterable[tuple[str, object, str]]) -> str:
    """Figures with their titles; the third part is `good`, `bad` or empty."""
    shown = "".join(
        f'<div class="pg-tile {mood}"><b>{escape(_plain(value))}</b>'
        f"<span>{escape(title)}</span></div>"
        for title, value, mood in values
        if value is not None
    )
    return f'<div class="pg-tiles">{shown}</div>'


def plot(title: str, bars: Bars, unit: str) -> str:
    """Horizontal bars on a common scale, each divided by outcome where it has any."""
    longest = max((sum(parts.values()) for parts in bars.values()), default=0)
    rows = "".join(_plotted(label, parts, longest, unit) for label, parts in bars.items())
    shown = f"<table>{rows}</table>" if rows else "<p>none so far</p>"
    return f"<figure><figcaption>{escape(title)}{_legend(bars)}</figcaption>{shown}</figure>"


def steps(run: Run) -> str:
    """The steps with their times on a common scale, and the headers."""
    end = run.ended or run.elapsed
    bars = "".join(_bar(step, end) for step in run.steps)
    return (
        f'<div class="pg-steps"><div class="pg-sum">{escape(_summary(run, end))}</div>'
        f"<table>{bars}</table>{table(run.headers.items())}</div>"
    )


def changes(before: str, after: str) -> str:
    """`after`, with what is new marked and what is gone struck out, word by word."""
    old, new = _words(before), _words(after)
    parts = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    marked = "".join(
        _marked("del", old[i1:i2] if kind != "equal" else [])
        + (_marked("ins", new[j1:j2]) if kind != "equal" else escape("".join(new[j1:j2])))
        for kind, i1, i2, j1, j2 in parts
    )
    return f'<div class="pg-diff">{marked}</div>'


def _plotted(label: str, parts: Mapping[str, float], longest: float, unit: str) -> str:
    shown = "".join(
        f'<i class="{escape(outcome)}" style="width:{100 * value / longest:.1f}%"></i>'
        for outcome, value in parts.items()
        if value
    )
    total = f"{_plain(sum(parts.values()))} {unit}".strip()
    return f"<tr><th>{escape(label)}</th><td>{shown}</td><td>{escape(total)}</td></tr>"


def _legend(bars: Bars) -> str:
    outcomes = sorted({outcome for parts in bars.values() for outcome in parts if outcome})
    return "".join(f'<small><i class="{outcome}"></i>{outcome}</small>' for outcome in outcomes)


def _marked(tag: str, words: list[str]) -> str:
    return f"<{tag}>{escape(''.join(words))}</{tag}>" if words else ""


def _words(text: str) -> list[str]:
    return [part for word in text.split(" ") for part in (word, " ")][:-1]


def _summary(run: Run, end: float) -> str:
    if run.ended is None:
        return f"running: {end:.2f} s"
    first = f", first token after {run.first_token:.2f} s" if run.first_token is not None else ""
    told = "failed after" if run.error else "stopped after" if run.stopped else "answered in"
    return f"{told} {end:.2f} s{first}"


def _bar(step: Step, end: float) -> str:
    until = end if step.ended is None else step.ended
    left, width = (100 * part / (end or 1) for part in (step.began, until - step.began))
    mood = "working" if step.ended is None else ""
    return (
        f"<tr><th>{escape(step.node)}</th>"
        f'<td><i class="{mood}" style="margin-left:{left:.1f}%;width:{width:.1f}%"></i></td>'
        f"<td>{until - step.began:.3f} s</td></tr>"
    )


def _detail(detail: object) -> str:
    if not isinstance(detail, list):
        return f"<p>{escape(str(detail))}</p>"
    return table(
        (str(item.get("field", "")), item.get("message", ""))
        for item in detail
        if isinstance(item, dict)
    )


def _seconds(value: str | None) -> str:
    return f"{value} s" if value and value.isdigit() else value or ""


def _plain(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
        case float():
            return f"{value:,.3f}".rstrip("0").rstrip(".")
        case int():
            return f"{value:,}"
    return str(value)

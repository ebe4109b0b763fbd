"""Pieces of HTML. Whatever comes from outside is escaped."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from html import escape
from http import HTTPStatus
from typing import Any

from tools.client import ClientError, Refused
from tools.playground.runs import Run, Step

SEE_TOP = "Not answered: the line on top says why."


def error(problem: ClientError | None) -> str:
    """The error as the miner gave it, or what is wrong on the way to it; empty for none.

    That of a wrong key stands where the key does.
    """
    if problem is None:
        return ""
    told = escape(SEE_TOP if is_wrong_key(problem) else str(problem))
    if isinstance(problem, Refused) and not is_wrong_key(problem):
        rest = [("request_id", problem.request_id), ("retry after", problem.retry_after)]
        told = f"<b>{told}</b>{_detail(problem.detail)}{table(rest)}"
    return f'<div class="pg-error" role="alert">{told}</div>'


def is_wrong_key(problem: ClientError | None) -> bool:
    """Whether the miner refuses the key."""
    refusals = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    return isinstance(problem, Refused) and problem.status in refusals


def note(text: str, kind: str = "pg-note") -> str:
    """One line that says what was done; empty for none."""
    return f'<div class="{kind}" role="status">{escape(text)}</div>' if text else ""


def table(rows: Iterable[tuple[str, object]]) -> str:
    """Names and values; the empty ones are left out."""
    lines = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(_plain(value))}</td></tr>"
        for name, value in rows
        if value not in (None, "", [])
    )
    return f'<table class="pg-table">{lines}</table>' if lines else ""


def progress(run: Run[Any]) -> str:
    """What a run is doing, in one line."""
    if run.ended is None:
        return " and ".join(dict.fromkeys(run.working)) + f" {run.elapsed:.0f} s"
    first = f", first token after {run.first_token:.2f} s" if run.first_token is not None else ""
    told = "failed after" if run.error else "stopped after" if run.stopped else "answered in"
    return f"{told} {run.ended:.2f} s{first}"


def steps(run: Run[Any]) -> str:
    """The steps with their times on a common scale, and the headers."""
    end = run.ended or run.elapsed
    bars = "".join(_bar(step, end) for step in run.steps)
    title = f"{run.call.component}: {progress(run)}"
    told = {name.removeprefix("X-Miner-"): value for name, value in run.headers.items()}
    headers = [(name.replace("-", " ").lower(), value) for name, value in told.items()]
    return (
        f'<div class="pg-steps"><div class="pg-sum">{escape(title)}</div>'
        f"<table>{bars}</table>{table(headers)}</div>"
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


def _marked(tag: str, words: list[str]) -> str:
    return f"<{tag}>{escape(''.join(words))}</{tag}>" if words else ""


def _words(text: str) -> list[str]:
    return [part for word in text.split(" ") for part in (word, " ")][:-1]


def _bar(step: Step, end: float) -> str:
    until = end if step.ended is None else step.ended
    left, width = (100 * part / (end or 1) for part in (step.began, until - step.began))
    mood = "working" if step.ended is None else ""
    return (
        f"<tr><th>{escape(step.node)}</th>"
        f'<td><i class="{mood}" style="margin-left:{left:.1f}%;width:{width:.1f}%"></i></td>'
        f"<td>{until - step.began:.2f} s</td></tr>"
    )


def _detail(detail: object) -> str:
    if not isinstance(detail, list):
        return f"<p>{escape(str(detail))}</p>"
    return table(
        (str(item.get("field", "")), item.get("message", ""))
        for item in detail
        if isinstance(item, dict)
    )


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

"""How the miner is: its health, what it can do, and what it has counted."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from tools.playground import markup
from tools.playground.client import Body, Miner, PlaygroundError
from tools.playground.connection import Connection, Given
from tools.playground.metrics import Metrics

SECONDS_BETWEEN_LOOKS = 5
COUNTS = {
    "requests": "requests_total",
    "in work now": "in_flight_runs",
    "errors": "errors_total",
    "wrong or missing keys": "auth_failures_total",
    "stopped by the deadline": "deadline_stops_total",
    "fallbacks used": "fallbacks_total",
    "model calls": "model_calls_total",
}


class SystemTab:
    """Tiles, plots and a table, as of the last look."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        with gr.Row():
            self._refresh = gr.Button("Look again", size="sm", scale=0, min_width=120)
            self._repeat = gr.Checkbox(
                False, label=f"every {SECONDS_BETWEEN_LOOKS} s", container=False
            )
        self._error = gr.HTML(elem_id="system-error")
        self._tiles = gr.HTML(elem_id="system-health")
        self._plots = gr.HTML(elem_id="system-plots")
        with gr.Accordion("Capabilities", open=True):
            self._capabilities = gr.HTML(elem_id="system-capabilities")
        self._wire()

    def _wire(self) -> None:
        timer = gr.Timer(SECONDS_BETWEEN_LOOKS, active=False)
        self._repeat.change(
            lambda on: gr.Timer(active=on), self._repeat, timer, api_visibility="private"
        )
        for event in (self._refresh.click, timer.tick):
            self._look_on(event)

    def load_on(self, tab: gr.Tab) -> None:
        """Look whenever this tab is opened."""
        self._look_on(tab.select)

    def _look_on(self, event: Callable[..., object]) -> None:
        event(
            self._look,
            self._connection.fields,
            [self._error, self._tiles, self._plots, self._capabilities],
            show_progress="hidden",
            api_visibility="private",
        )

    async def _look(self, given: Given) -> list[Any]:
        try:
            return ["", *await _seen(self._connection.miner(given))]
        except PlaygroundError as error:
            return [markup.error(error), gr.skip(), gr.skip(), gr.skip()]


async def _seen(miner: Miner) -> list[Any]:
    health = await miner.ask("GET", "/health")
    capabilities = await miner.ask("GET", "/capabilities")
    metrics = Metrics.read(await miner.text("/metrics"))
    return [
        markup.tiles([*_health(health), *_counts(metrics)]),
        _plots(metrics),
        markup.table(capabilities.items()),
    ]


def _plots(metrics: Metrics) -> str:
    duration = "request_duration_seconds"
    plots = (
        markup.plot("Requests", metrics.outcomes("requests_total", "component"), ""),
        markup.plot(
            "Half of the requests take less than", metrics.quantile(duration, "component", 0.5), "s"
        ),
        markup.plot(
            "19 of 20 requests take less than", metrics.quantile(duration, "component", 0.95), "s"
        ),
        markup.plot(
            "Time spent in each step", metrics.by("node_duration_seconds_sum", "node"), "s"
        ),
        markup.plot("Tokens of the model", metrics.by("model_tokens_total", "kind"), ""),
        markup.plot("Errors", metrics.by("errors_total", "error"), ""),
    )
    return f'<div class="pg-plots">{"".join(plots)}</div>'


def _health(health: Body) -> list[tuple[str, object, str]]:
    status = health.get("status")
    told: list[tuple[str, object, str]] = [
        ("status", status, "good" if status == "healthy" else "bad")
    ]
    for title, name in (("model", "llm_available"), ("memory", "memory_available")):
        if name in health:
            told.append((title, *_answering(health[name])))
    return [
        *told,
        ("playbook entries", health.get("playbook_entries"), ""),
        ("conversations", health.get("conversations"), ""),
    ]


def _answering(available: bool | None) -> tuple[str, str]:
    if available is None:
        return "not known yet", ""
    return ("answers", "good") if available else ("does not answer", "bad")


def _counts(metrics: Metrics) -> list[tuple[str, object, str]]:
    found = ((title, metrics.total(name)) for title, name in COUNTS.items())
    return [(title, None if count is None else int(count), "") for title, count in found]

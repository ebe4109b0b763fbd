"""How the miner is: its health, how it does now, what it has counted, and what it can do."""

import asyncio
import time
from typing import Any

import gradio as gr
from gradio.blocks import Block

from tools.playground import curves, markup
from tools.playground.client import Body, Miner, PlaygroundError, Refused, Unreachable
from tools.playground.connection import Connection, Given
from tools.playground.curves import Curves
from tools.playground.history import History
from tools.playground.metrics import Metrics

SECONDS_BETWEEN_LOOKS = 5
LONGEST_LOOK = 15  # seconds; the next look waits for this one
LEFT_ALONE = (401, 403, 429)  # statuses at which to ask on would only be a nuisance
LOOK_ID = "system-look"
# Counts the ticks at which to look: in the browser, so that nobody is asked anything while the tab
# or the page is out of sight, nor while an address or a key is half typed.
DUE = f"""(ticked, due) => {{
    const seen = !document.hidden && document.getElementById("{LOOK_ID}")?.checkVisibility();
    const typing = document.activeElement?.matches(".pg-connection :is(input, textarea)");
    return ticked && seen && !typing ? due + 1 : due;
}}"""
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
    """Tiles, curves, bars and a table, as of the last look."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._history = gr.State(History())
        with gr.Row(elem_classes="pg-look"):
            self._refresh = gr.Button(
                "Look again", size="sm", scale=0, min_width=120, elem_id=LOOK_ID
            )
            self._repeat = gr.Checkbox(
                True, label=f"every {SECONDS_BETWEEN_LOOKS} s", container=False, min_width=120
            )
        self._due = gr.Number(0, visible="hidden")
        self._error = gr.HTML(elem_id="system-error")
        self._tiles = gr.HTML(elem_id="system-health")
        self._told = gr.HTML(elem_id="system-looks")
        self._curves = Curves()
        self._bars = gr.HTML(elem_id="system-plots")
        with gr.Accordion("Capabilities", open=True):
            self._capabilities = gr.HTML(elem_id="system-capabilities")

    def load_on(self, tab: gr.Tab) -> None:
        """Look whenever this tab is opened, when told to, and every few seconds while it shows."""
        gr.Timer(SECONDS_BETWEEN_LOOKS).tick(
            None, [self._repeat, self._due], self._due, js=DUE, api_visibility="private"
        )
        shown = [self._error, self._repeat, self._tiles, self._told, self._bars]
        gr.on(
            [tab.select, self._refresh.click, self._due.change],
            self._look,
            self._connection.fields | {self._history},
            [self._history, *shown, self._capabilities, *self._curves.outputs],
            show_progress="hidden",
            trigger_mode="always_last",  # one look after the other, and none is lost
            api_visibility="private",
        )

    async def _look(self, given: Given) -> dict[Block, Any]:
        """After an error all stays as it was seen last; a miner that refuses is left alone."""
        miner = self._connection.miner(given)
        try:
            health, capabilities, metrics = await _seen(miner)
        except PlaygroundError as error:
            refused = isinstance(error, Refused) and error.status in LEFT_ALONE
            return {self._error: markup.error(error)} | ({self._repeat: False} if refused else {})
        history = given[self._history].after(miner.url, metrics, time.time())
        return {
            self._error: "",
            self._tiles: markup.tiles([*_health(health), *_counts(metrics)]),
            self._history: history,
            self._told: markup.heading("Now", curves.told(history)),
            **self._curves.shown(history),
            self._bars: _bars(metrics),
            self._capabilities: markup.table(capabilities.items()),
        }


async def _seen(miner: Miner) -> tuple[Body, Body, Metrics]:
    """Health, capabilities and metrics."""
    try:
        async with asyncio.timeout(LONGEST_LOOK):
            health = await miner.ask("GET", "/health")
            capabilities = await miner.ask("GET", "/capabilities")
            return health, capabilities, Metrics.read(await miner.text("/metrics"))
    except TimeoutError:
        raise Unreachable(f"{miner.url} did not answer in time") from None


def _bars(metrics: Metrics) -> str:
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
    begun = markup.heading("In all", "since the miner started")
    return f'{begun}<div class="pg-plots">{"".join(plots)}</div>'


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

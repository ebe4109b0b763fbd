"""How the miner is, what it can do, and what it has done since it started."""

from typing import Any

import gradio as gr
import pandas as pd

from tools.client import ClientError, calls
from tools.client.answers import Capabilities, Health
from tools.playground import markup, metrics
from tools.playground.connection import QUIET, Connection, Given

HEIGHT = 240  # pixels
# Each is readable on light and on dark ground.
TEAL, AMBER, RED, SLATE = "#0d9488", "#d97706", "#dc2626", "#64748b"
OUTCOMES = {"answered": TEAL, "refused": AMBER, "failed": RED, "left": SLATE}
HINT = "Over time and with alarms: Grafana, from the miner's `/metrics`."


class SystemTab:
    """Health and capabilities as tables, counts as bars; read as the tab is opened."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        with gr.Row(elem_classes="pg-examples"):
            self._refresh = gr.Button("Look again", size="sm", scale=0, min_width=120)
            gr.Markdown(HINT, elem_classes="pg-hint")
        error = gr.HTML(elem_id="system-error", elem_classes="pg-told")
        with gr.Row():
            requests = _bars("Requests", "component", "requests", "outcome")
            tokens = _bars("Tokens of the model", "kind", "tokens")
        steps = _bars("Mean time of each step", "step", "seconds")
        facts = gr.HTML(elem_id="system-facts")
        self._outputs = [error, facts, requests, tokens, steps]

    def load_on(self, tab: gr.Tab) -> None:
        """Look whenever this tab is opened, and when told to."""
        gr.on(
            [tab.select, self._refresh.click],
            self._look,
            self._connection.fields,
            self._outputs,
            **QUIET,
        )

    async def _look(self, given: Given) -> list[Any]:
        """After an error all stays as it was seen last."""
        try:
            async with self._connection.connecting(given)() as client:
                health = await client.send(calls.health())
                can = await client.send(calls.capabilities())
                text = await client.text("/metrics")
            plots = [
                _filled(metrics.requests(text), "requests"),
                _filled(metrics.tokens(text), "tokens"),
                _filled(metrics.steps(text), "seconds"),
            ]
        except ClientError as error:
            return [markup.error(error), *[gr.skip()] * (len(self._outputs) - 1)]
        return ["", markup.table(_facts(health, can)), *plots]


def _bars(title: str, x: str, y: str, colour: str | None = None) -> gr.BarPlot:
    return gr.BarPlot(
        title=title,
        x=x,
        y=y,
        color=colour,
        color_map=OUTCOMES if colour else None,
        sort="-y",
        height=HEIGHT,
        x_label_angle=-30,
        tooltip="all",
        show_label=False,
        elem_classes="pg-plot",
    )


def _filled(table: pd.DataFrame, height: str) -> gr.BarPlot:
    """Bars stand on zero."""
    total = table.groupby(table.columns[0])[height].sum()
    return gr.BarPlot(table, y_lim=[0, 1.05 * total.max() if len(total) else 1])


def _facts(health: Health, can: Capabilities) -> list[tuple[str, object]]:
    told = health.model_dump() | can.model_dump()
    doubled = ("supported_functions", "features")
    return [(name, value) for name, value in told.items() if name not in doubled]

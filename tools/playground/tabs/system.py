"""How the miner is, what it can do, and what it has done since it started."""

from typing import Any

import gradio as gr

from tools.client import ClientError, calls
from tools.playground import markup, metrics
from tools.playground.connection import Connection
from tools.playground.events import QUIET, Given

HEIGHT = 240  # pixels
# Each is readable on light and on dark ground.
TEAL, AMBER, RED, SLATE = "#0d9488", "#d97706", "#dc2626", "#64748b"
OUTCOMES = {"answered": TEAL, "refused": AMBER, "failed": RED, "left": SLATE}
HINT = "Over time and with alarms: Grafana, from the miner's `/metrics`."


class SystemTab:
    """Health and capabilities as a table, requests as bars; read as the tab is opened."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        with gr.Row(elem_classes="pg-examples"):
            self._refresh = gr.Button("Look again", size="sm", scale=0, min_width=120)
            gr.Markdown(HINT, elem_classes="pg-hint")
        error = gr.HTML(elem_id="system-error", elem_classes="pg-told")
        requests = gr.BarPlot(
            title="Requests",
            x="component",
            y="requests",
            color="outcome",
            color_map=OUTCOMES,
            sort="-y",
            x_label_angle=-30,
            height=HEIGHT,
            tooltip="all",
            show_label=False,
        )
        facts = gr.HTML(elem_id="system-facts")
        self._outputs = [error, facts, requests]

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
            requests = metrics.requests(text)
        except ClientError as error:
            return [markup.error(error), *[gr.skip()] * 2]
        highest = requests.groupby("component")["requests"].sum().max() if len(requests) else 1
        plot = gr.BarPlot(requests, y_lim=[0, 1.05 * highest])
        facts = health.model_dump() | can.model_dump()
        for name in ("supported_functions", "features", "backends"):
            facts.pop(name, None)
        return ["", markup.table(facts.items()), plot]

"""The components that the unified form alone has: summary, majority vote and search."""

from typing import Any

import gradio as gr

from tools.client import Call, calls
from tools.client.answers import Unified
from tools.playground.connection import Connection
from tools.playground.events import QUIET, Given, offer
from tools.playground.panel import Panel
from tools.playground.running import Form
from tools.playground.runs import Run
from tools.playground.tables import example, filled, table

SUMMARY, AGGREGATE, SEARCH = "summary", "aggregate", "internet_search"
TITLES = {SUMMARY: "Summary", AGGREGATE: "Majority vote", SEARCH: "Web search"}
HEADERS = ["Response", "Document"]
QUESTION = "How many minutes are there from 9:40 to 13:05?"
EMPTY = "Write down earlier outputs, or take the example, and press *Run*."
EXAMPLES = {
    SUMMARY: [
        "Summarise for a manager",
        "What matters most?",
        [
            ["Sales rose by 12% in spring, mostly in the north.", ""],
            ["Two of five suppliers were late; costs rose by 3%.", ""],
        ],
    ],
    AGGREGATE: [
        "Answer the question",
        QUESTION,
        [
            ["From 9:40 to 13:05 there are 205 minutes. Answer: 205", ""],
            ["3 hours 25 minutes, so Answer: 205", ""],
            ["Answer: 215", ""],
        ],
    ],
}


class ComponentsTab:
    """One form for the machines that the miner has of these."""

    def __init__(self, connection: Connection, panel: Panel) -> None:
        self._connection = connection
        self._build_fields()
        form = Form[Unified](connection, panel, "components", "Run", EMPTY)
        document = gr.Textbox(
            label="Document", lines=4, max_lines=20, interactive=False, visible=False
        )
        form.wire({self._component, *self._work}, self._call, self._shown, [document])
        connection.components.change(
            _offered, [connection.components, self._component], self._component, **QUIET
        )

    def _build_fields(self) -> None:
        self._component = gr.Radio(
            [(TITLES[name], name) for name in EXAMPLES], value=SUMMARY, label="Component"
        )
        self._task = gr.Textbox(label="Task", placeholder="What is to be done")
        self._queries = gr.Textbox(
            label="Queries", placeholder="What is asked, one a line", lines=2, max_lines=8
        )
        self._earlier = table("earlier", HEADERS, ["65%", "35%"], label="Earlier outputs")
        self._work = [self._task, self._queries, self._earlier]
        with gr.Row(elem_classes="pg-examples"):
            for name, (task, query, rows) in EXAMPLES.items():
                title = f"Example: {TITLES[name].lower()}"
                values = [task, query, example(HEADERS, rows)]
                offer(title, values, self._work, "more").then(
                    lambda name=name: name, None, self._component, api_visibility="private"
                )

    def _call(self, given: Given) -> Call[Unified]:
        task = given[self._task]
        lines = [line for line in given[self._queries].splitlines() if line.strip()]
        earlier = [
            calls.previous_output("complete", task, response, document)
            for response, document in filled(given[self._earlier])
        ]
        return self._connection.unified(given, given[self._component], task, lines, earlier)

    def _shown(self, run: Run[Unified], _: Given) -> tuple[str, list[Any]]:
        text, document = run.text, ""
        if run.answer is not None:
            text, document = run.answer.output.immediate_response, run.answer.output.document
        return text, [gr.Textbox(document, visible=bool(document))]


def _offered(components: list[str], chosen: str) -> gr.Radio:
    """What the miner can do of these; one that does not tell is trusted with those it must have."""
    names = [name for name in TITLES if name in components] or list(EXAMPLES)
    choices = [(TITLES[name], name) for name in names]
    return gr.Radio(choices, value=chosen if chosen in names else names[0])

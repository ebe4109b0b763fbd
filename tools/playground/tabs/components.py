"""The components that the unified form alone has: search, summary and majority vote."""

from collections.abc import AsyncGenerator
from typing import Any

import gradio as gr

from tools.playground import bodies, markup
from tools.playground.client import Body
from tools.playground.connection import Connection, Given
from tools.playground.panel import RunPanel, error_box
from tools.playground.runs import follow

SUMMARY, AGGREGATE, SEARCH = "summary", "aggregate", "internet_search"
HEADERS = ["Component", "Task", "Response", "Document"]
QUESTION = "How many minutes are there from 9:40 to 13:05?"
EXAMPLES = [
    [
        SUMMARY,
        "Summarise for a manager",
        "What matters most?",
        [
            ["complete", "Report", "Sales rose by 12% in spring, mostly in the north.", ""],
            ["complete", "Report", "Two of five suppliers were late; costs rose by 3%.", ""],
        ],
    ],
    [
        AGGREGATE,
        "Answer the question",
        QUESTION,
        [
            ["complete", QUESTION, "From 9:40 to 13:05 there are 205 minutes. Answer: 205", ""],
            ["complete", QUESTION, "3 hours 25 minutes, so Answer: 205", ""],
            ["complete", QUESTION, "Answer: 215", ""],
        ],
    ],
    [SEARCH, "Answer from the web", "Which LangGraph version came out last?", [["", "", "", ""]]],
]


class ComponentsTab:
    """One form for three machines."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        with gr.Row():
            with gr.Column(scale=3):
                self._build_fields()
                self._build_answer()
            with gr.Column(scale=2):
                self._panel = RunPanel(connection.machine(SUMMARY), "components")
        self._wire()

    def _build_fields(self) -> None:
        self._component = gr.Radio([SUMMARY, AGGREGATE, SEARCH], value=SUMMARY, label="Component")
        self._task = gr.Textbox(label="Task")
        self._queries = gr.Textbox(label="Queries", info="one a line", lines=2, max_lines=10)
        self._earlier = gr.Dataframe(
            headers=HEADERS,
            column_count=len(HEADERS),
            row_count=1,
            type="array",
            interactive=True,
            wrap=True,
            column_widths=["15%", "25%", "40%", "20%"],
            label="Earlier outputs",
            elem_id="components-earlier",
        )
        with gr.Row():
            self._history = gr.Checkbox(True, label="Use the conversation")
            self._playbook = gr.Checkbox(True, label="Use the playbook")
        fields = [self._component, self._task, self._queries, self._earlier]
        gr.Examples(
            EXAMPLES, fields, cache_examples=False, example_labels=[SUMMARY, AGGREGATE, SEARCH]
        )
        self._run = gr.Button("Run", variant="primary")

    def _build_answer(self) -> None:
        self._error = error_box("components")
        self._answer = gr.Markdown(elem_id="components-answer", container=True, visible=False)
        self._document = gr.Textbox(
            label="Document", lines=4, max_lines=20, interactive=False, visible=False
        )

    def _wire(self) -> None:
        self._component.change(
            lambda name: (self._connection.machine(name).drawn(), ""),
            self._component,
            [self._panel.picture, self._panel.steps],
            show_progress="hidden",
            api_visibility="private",
        )
        work = {self._component, self._task, self._queries, self._earlier}
        self._run.click(
            self._answer_to,
            self._connection.fields | work | {self._history, self._playbook},
            [self._answer, self._document, self._error, *self._panel.outputs],
            show_progress="hidden",
            api_visibility="private",
        )

    async def _answer_to(self, given: Given) -> AsyncGenerator[list[Any], None]:
        miner, component = self._connection.miner(given), given[self._component]
        machine = self._connection.machine(component)
        async for run in follow(miner, component, self._body(given)):
            answer = bodies.answer_of(run.answer) if run.answer else run.text
            document = bodies.document_of(run.answer) if run.answer else ""
            yield [
                gr.Markdown(answer, visible=bool(answer)),
                gr.Textbox(document, visible=bool(document)),
                markup.error(run.error),
                *self._panel.shown(machine, run, miner),
            ]

    def _body(self, given: Given) -> Body:
        lines = given[self._queries].splitlines()
        return bodies.unified(
            given[self._connection.cid],
            given[self._task],
            [{"user_query": line} for line in lines if line.strip()],
            previous_outputs=_previous(given[self._earlier]),
            use_history=given[self._history],
            use_playbook=given[self._playbook],
        )


def _previous(rows: list[list[Any]]) -> list[Body]:
    cells = [[str(cell or "") for cell in row] for row in rows]
    return [
        bodies.previous_output(component, task, response, document)
        for component, task, response, document in cells
        if response.strip() or document.strip()
    ]

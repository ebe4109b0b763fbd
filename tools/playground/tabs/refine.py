"""`refine`: revise an output until its feedbacks are dealt with."""

from collections.abc import AsyncGenerator
from typing import Any

import gradio as gr

from tools.playground import bodies, markup
from tools.playground.connection import Connection, Given
from tools.playground.panel import RunPanel, error_box
from tools.playground.runs import follow

EXAMPLES = {
    "Terms that a beginner does not know": [
        "Explain to a beginner",
        "What is machine learning?",
        "Machine learning is a subset of artificial intelligence employing statistical inference.",
        [["It uses terms that a beginner does not know.", "Use everyday words and one example."]],
    ]
}


class RefineTab:
    """The revision, and the output and feedbacks that it starts from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._machine = connection.machine("refine")
        with gr.Row():
            with gr.Column(scale=3):
                self._build_fields()
                self._build_answer()
            with gr.Column(scale=2):
                self._panel = RunPanel(self._machine, "refine")
        self._run.click(
            self._revise,
            connection.fields | {self._form, *self.work},
            [self.revised, self._changes, self._error, *self._panel.outputs],
            show_progress="hidden",
            api_visibility="private",
        )

    def _build_fields(self) -> None:
        self._form = gr.Radio(bodies.FORMS, value=bodies.FLAT, label="Form")
        self.task = gr.Textbox(label="Task")
        self.question = gr.Textbox(label="Input")
        self.output = gr.Textbox(label="Output to revise", lines=5, max_lines=15)
        self.feedbacks = gr.Dataframe(
            headers=["Problem", "Suggestion"],
            column_count=2,
            row_count=1,
            type="array",
            interactive=True,
            wrap=True,
            column_widths=["50%", "50%"],
            label="Feedbacks",
            elem_id="refine-feedbacks",
        )
        self.work = [self.task, self.question, self.output, self.feedbacks]
        gr.Examples(
            list(EXAMPLES.values()),
            self.work,
            cache_examples=False,
            example_labels=list(EXAMPLES),
        )
        self._run = gr.Button("Refine", variant="primary")

    def _build_answer(self) -> None:
        self._error = error_box("refine")
        self.revised = gr.Textbox(
            label="Revised", lines=5, max_lines=20, buttons=["copy"], interactive=False
        )
        self._changes = gr.HTML(elem_id="refine-changes")
        self.again = gr.Button("Criticise the revision →")

    async def _revise(self, given: Given) -> AsyncGenerator[list[Any], None]:
        miner, output = self._connection.miner(given), given[self.output]
        work = bodies.Work(
            given[self._connection.cid], given[self.task], given[self.question], output
        )
        body = bodies.refine(given[self._form], work, _filled(given[self.feedbacks]))
        async for run in follow(miner, "refine", body):
            revised = _revised(run.answer) if run.answer else run.text
            yield [
                revised,
                markup.changes(output, revised) if run.answer else "",
                markup.error(run.error),
                *self._panel.shown(self._machine, run, miner),
            ]


def _revised(answer: dict[str, Any]) -> str:
    return bodies.document_of(answer) or bodies.answer_of(answer)


def _filled(rows: list[list[str]]) -> list[tuple[str, str]]:
    cells = [(str(problem or ""), str(suggestion or "")) for problem, suggestion in rows]
    return [row for row in cells if any(part.strip() for part in row)]

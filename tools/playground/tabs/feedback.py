"""`feedback`: what is wrong with an output."""

from collections.abc import AsyncGenerator
from typing import Any

import gradio as gr

from tools.playground import bodies, markup
from tools.playground.client import Body
from tools.playground.connection import Connection, Given
from tools.playground.panel import RunPanel, error_box
from tools.playground.runs import follow

EXAMPLES = {
    "Terms that a beginner does not know": [
        "Explain to a beginner",
        "What is machine learning?",
        "Machine learning is a subset of artificial intelligence employing statistical inference.",
    ],
    "A product that is wrong": [
        "Solve the problem",
        "What is 17 times 23?",
        "17 times 23 is 381, because 17 times 20 is 340 and 17 times 3 is 41.",
    ],
}


class FeedbackTab:
    """The critique, and the fields that it is about."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._machine = connection.machine("feedback")
        with gr.Row():
            with gr.Column(scale=3):
                self._build_fields()
                self._build_answer()
            with gr.Column(scale=2):
                self._panel = RunPanel(self._machine, "feedback")
        self._run.click(
            self._criticise,
            connection.fields | {self._form, *self.work},
            [self.feedbacks, self._critique, self._error, *self._panel.outputs],
            show_progress="hidden",
            api_visibility="private",
        )

    def _build_fields(self) -> None:
        self._form = gr.Radio(
            bodies.FORMS,
            value=bodies.FLAT,
            label="Form",
            info="Flat answers with items, unified with a text.",
        )
        self._task = gr.Textbox(label="Task")
        self._question = gr.Textbox(label="Input")
        self._output = gr.Textbox(label="Output to criticise", lines=5, max_lines=15)
        self.work = [self._task, self._question, self._output]
        gr.Examples(
            list(EXAMPLES.values()),
            self.work,
            cache_examples=False,
            example_labels=list(EXAMPLES),
        )
        self._run = gr.Button("Criticise", variant="primary")

    def _build_answer(self) -> None:
        self._error = error_box("feedback")
        self.feedbacks = gr.Dataframe(
            headers=["Problem", "Suggestion"],
            column_count=2,
            type="array",
            interactive=False,
            wrap=True,
            column_widths=["50%", "50%"],
            label="Feedbacks",
            elem_id="feedback-items",
        )
        self._critique = gr.Markdown(elem_id="feedback-critique", container=True, visible=False)
        self.refine = gr.Button("Refine with this →")

    async def _criticise(self, given: Given) -> AsyncGenerator[list[Any], None]:
        miner, form = self._connection.miner(given), given[self._form]
        work = bodies.Work(
            given[self._connection.cid],
            given[self._task],
            given[self._question],
            given[self._output],
        )
        flat = form == bodies.FLAT
        async for run in follow(miner, "feedback", bodies.feedback(form, work)):
            critique = bodies.answer_of(run.answer) if run.answer and not flat else run.text
            yield [
                gr.Dataframe(_rows(form, run.answer), visible=flat or bool(run.answer)),
                gr.Markdown(critique, visible=not flat and bool(critique)),
                markup.error(run.error),
                *self._panel.shown(self._machine, run, miner),
            ]


def _rows(form: str, answer: Body | None) -> list[list[str]]:
    if answer is None:
        return []
    if form == bodies.UNIFIED:
        return [[bodies.answer_of(answer), ""]]
    return [[item["problem"], item["suggestion"]] for item in answer.get("feedbacks", [])]

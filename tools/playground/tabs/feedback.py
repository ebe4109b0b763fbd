"""`feedback`: what is wrong with an output."""

from typing import Any

import gradio as gr

from tools.client import Call, calls
from tools.client.answers import Critique, Unified
from tools.playground import formulas
from tools.playground.connection import Connection
from tools.playground.events import Given, offer
from tools.playground.panel import Panel
from tools.playground.running import Form
from tools.playground.runs import Run
from tools.playground.tables import HALVES, PROBLEMS, table

EXAMPLES = {
    "Example: hard terms": [
        "Explain to a beginner",
        "What is machine learning?",
        "Machine learning is a subset of artificial intelligence employing statistical inference.",
    ],
    "Example: a wrong product": [
        "Solve the problem",
        "What is 17 times 23?",
        "17 times 23 is 381, because 17 times 20 is 340 and 17 times 3 is 41.",
    ],
}
EMPTY = "Write an answer above, or bring one from the chat, and press *Criticise*."


class FeedbackTab:
    """The critique, and the fields that it is about."""

    def __init__(self, connection: Connection, panel: Panel) -> None:
        self._connection = connection
        self._build_fields()
        form = Form[Critique | Unified](connection, panel, "feedback", "Criticise", EMPTY)
        self.feedbacks = table("feedback-items", PROBLEMS, HALVES, read_only=[0, 1], visible=False)
        self.refine = gr.Button("Refine with this →", visible=False)
        form.wire(set(self.work), self._call, self._shown, [self.feedbacks, self.refine])

    def _build_fields(self) -> None:
        self._task = gr.Textbox(label="Task", placeholder="What was asked for")
        self._question = gr.Textbox(label="Input", placeholder="What the task is about")
        self._output = gr.Textbox(
            label="Output to criticise", placeholder="The answer", lines=4, max_lines=12
        )
        self.work = [self._task, self._question, self._output]
        with gr.Row(elem_classes="pg-examples"):
            for title, values in EXAMPLES.items():
                offer(title, values, self.work, "feedback")

    def _call(self, given: Given) -> Call[Any]:
        task, question, output = (given[field] for field in self.work)
        if self._connection.is_flat(given):
            return calls.feedback(given[self._connection.cid], task, question, output)
        item = {"user_query": question, "output_to_analyze": output}
        filled = {name: text for name, text in item.items() if text.strip()}
        return self._connection.unified(given, "feedback", task, [filled])

    def _shown(self, run: Run[Critique | Unified], _: Given) -> tuple[str, list[Any]]:
        rows, text = [], run.text
        listed = isinstance(run.answer, Critique)
        if isinstance(run.answer, Critique):
            said = [(each.problem, each.suggestion) for each in run.answer.feedbacks]
            rows = [[formulas.shown(text) for text in row] for row in said]
            text = ""
        elif isinstance(run.answer, Unified):
            text = run.answer.output.immediate_response
            rows = [[text, ""]]
        return text, [gr.Dataframe(rows, visible=listed), gr.Button(visible=bool(rows))]

"""`refine`: revise an output until its feedbacks are dealt with."""

from typing import Any

import gradio as gr

from tools.client import Call, calls
from tools.client.answers import FeedbackItem, Revision, Unified
from tools.playground import markup
from tools.playground.connection import Connection
from tools.playground.events import Given, offer
from tools.playground.panel import Panel
from tools.playground.running import Form
from tools.playground.runs import Run
from tools.playground.tables import HALVES, PROBLEMS, example, filled, table

EXAMPLE = [
    "Explain to a beginner",
    "What is machine learning?",
    "Machine learning is a subset of artificial intelligence employing statistical inference.",
    example(PROBLEMS, [["It uses terms that a beginner does not know.", "Use everyday words."]]),
]
EMPTY = "Say in the table what is wrong with the output, then press *Refine*."


class RefineTab:
    """The revision, and the output and feedbacks that it starts from."""

    def __init__(self, connection: Connection, panel: Panel) -> None:
        self._connection = connection
        self._build_fields()
        form = Form[Revision | Unified](connection, panel, "refine", "Refine", EMPTY)
        self.revised = gr.Textbox(visible="hidden")
        with gr.Accordion("What changed", open=True, visible=False) as marked:
            changes = gr.HTML(elem_id="refine-changes")
        self.again = gr.Button("Criticise the revision →", visible=False)
        outputs = [self.revised, marked, changes, self.again]
        form.wire(set(self.work), self._call, self._shown, outputs)

    def _build_fields(self) -> None:
        self.task = gr.Textbox(label="Task", placeholder="What was asked for")
        self.question = gr.Textbox(label="Input", placeholder="What the task is about")
        self.output = gr.Textbox(
            label="Output to revise", placeholder="The answer", lines=4, max_lines=12
        )
        self.feedbacks = table("refine-feedbacks", PROBLEMS, HALVES, label="Feedbacks")
        self.work = [self.task, self.question, self.output, self.feedbacks]
        with gr.Row(elem_classes="pg-examples"):
            offer("Example: hard terms", EXAMPLE, self.work, "refine")

    def _call(self, given: Given) -> Call[Any]:
        task, question, output = (given[field] for field in self.work[:3])
        said = [
            FeedbackItem(problem=problem, suggestion=suggestion)
            for problem, suggestion in filled(given[self.feedbacks])
        ]
        if self._connection.is_flat(given):
            return calls.refine(given[self._connection.cid], task, question, output, said)
        work = {"user_query": question, "original_output": output}
        items = [{name: text for name, text in work.items() if text.strip()}]
        items += [{"feedback": f"{each.problem} {each.suggestion}".strip()} for each in said]
        return self._connection.unified(given, "refine", task, items)

    def _shown(self, run: Run[Revision | Unified], given: Given) -> tuple[str, list[Any]]:
        text, over = run.text, run.answer is not None
        if isinstance(run.answer, Unified):
            text = run.answer.output.document or run.answer.output.immediate_response
        elif run.answer is not None:
            text = run.answer.output
        changes = markup.changes(given[self.output], text) if over else ""
        return text, [text, gr.Accordion(visible=over), changes, gr.Button(visible=over)]

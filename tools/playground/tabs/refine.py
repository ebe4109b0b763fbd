"""`refine`: revise an output until its feedbacks are dealt with."""

from typing import Any

import gradio as gr

from tools.client import Call, calls
from tools.client.answers import FeedbackItem, Revision, Unified
from tools.playground import formulas, markup
from tools.playground.connection import Connection, Given
from tools.playground.filling import offer
from tools.playground.panel import Panel
from tools.playground.running import RunButtons
from tools.playground.runs import Run

HEADERS = ["Problem", "Suggestion"]
EXAMPLE = [
    "Explain to a beginner",
    "What is machine learning?",
    "Machine learning is a subset of artificial intelligence employing statistical inference.",
    {
        "headers": HEADERS,
        "data": [["It uses terms that a beginner does not know.", "Use everyday words."]],
        "metadata": None,
    },
]
EMPTY = "Say in the table what is wrong with the output, then press *Refine*."


class RefineTab:
    """The revision, and the output and feedbacks that it starts from."""

    def __init__(self, connection: Connection, panel: Panel) -> None:
        self._connection = connection
        self._build_fields()
        self._run = RunButtons[Revision | Unified](connection, panel, "refine", "Refine")
        self._build_answer()
        self._run.wire(
            set(self.work),
            self._call,
            self._shown,
            [self.revised, self._answer, self._marked, self._changes, self.again],
        )

    def _build_fields(self) -> None:
        self.task = gr.Textbox(label="Task", placeholder="What was asked for")
        self.question = gr.Textbox(label="Input", placeholder="What the task is about")
        self.output = gr.Textbox(
            label="Output to revise", placeholder="The answer", lines=4, max_lines=12
        )
        self.feedbacks = gr.Dataframe(
            headers=HEADERS,
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
        with gr.Row(elem_classes="pg-examples"):
            offer("Example: hard terms", EXAMPLE, self.work, "refine")

    def _build_answer(self) -> None:
        self.revised = gr.Textbox(visible="hidden")
        self._answer = gr.Markdown(
            EMPTY, latex_delimiters=formulas.DELIMITERS, buttons=["copy"], elem_id="revised"
        )
        with gr.Accordion("What changed", open=True, visible=False) as self._marked:
            self._changes = gr.HTML(elem_id="refine-changes")
        self.again = gr.Button("Criticise the revision →", visible=False)

    def _call(self, given: Given) -> Call[Any]:
        task, question, output = (given[field] for field in self.work[:3])
        rows = [[str(cell or "").strip() for cell in row] for row in given[self.feedbacks]]
        said = [FeedbackItem(problem=row[0], suggestion=row[1]) for row in rows if any(row)]
        if self._connection.is_flat(given):
            return calls.refine(given[self._connection.cid], task, question, output, said)
        work = {"user_query": question, "original_output": output}
        items = [{name: text for name, text in work.items() if text.strip()}]
        items += [{"feedback": f"{each.problem} {each.suggestion}".strip()} for each in said]
        return self._connection.unified(given, "refine", task, items)

    def _shown(self, run: Run[Revision | Unified], given: Given) -> list[Any]:
        text, over = run.text, run.answer is not None
        if isinstance(run.answer, Unified):
            output = run.answer.output
            written = output.notebook not in ("", calls.NO_UPDATE)
            text = output.notebook if written else output.immediate_response
        elif run.answer is not None:
            text = run.answer.output
        changes = markup.changes(given[self.output], text) if over else ""
        return [
            text,
            formulas.shown(text),
            gr.Accordion(visible=over),
            changes,
            gr.Button(visible=over),
        ]

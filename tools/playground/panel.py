"""What a miner does with a request: the machine's picture, the steps, the request itself."""

import json
import shlex
from typing import Any

import gradio as gr

from tools.playground import markup
from tools.playground.client import Body, Miner
from tools.playground.pictures import Machine, path_alone
from tools.playground.runs import Run


class RunPanel:
    """The part of a tab that shows a run; `wide` puts picture and steps side by side."""

    def __init__(self, machine: Machine, tab: str, *, wide: bool = False) -> None:
        self._id = f"{tab}-picture"
        with gr.Row() if wide else gr.Column():
            with gr.Column(scale=2):
                self.picture = gr.Markdown(
                    machine.drawn(), elem_id=self._id, elem_classes="pg-picture"
                )
            with gr.Column(scale=3):
                self.steps = gr.HTML(elem_id=f"{tab}-steps")
                with gr.Accordion("The request as curl", open=False):
                    curl = gr.Code(
                        language="shell",
                        interactive=False,
                        show_line_numbers=False,
                        wrap_lines=True,
                    )
        self.outputs = [self.picture, self.steps, curl]

    def shown(self, machine: Machine, run: Run, miner: Miner) -> list[Any]:
        """New values of `outputs`."""
        unknown = run.ended is not None and not machine.edges
        return [
            path_alone(run).drawn() if unknown else gr.skip(),
            machine.path(run, self._id) + markup.steps(run),
            gr.skip() if run.steps else _as_curl(miner.url, run.component, run.body),
        ]


def error_box(tab: str) -> gr.HTML:
    """Where a tab shows an error."""
    return gr.HTML(elem_id=f"{tab}-error")


def _as_curl(url: str, component: str, body: Body) -> str:
    address = shlex.quote(f"{url}/{component}")
    data = shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))
    return (
        f"curl -N -X POST {address} \\\n"
        '  -H "Content-Type: application/json" -H "Accept: text/event-stream" \\\n'
        f'  -H "X-API-Key: $MINER_API_KEY" \\\n  -d {data}'
    )

"""The side panel: how the last run came to its answer."""

import json
import re
import shlex
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr

from tools.playground import markup
from tools.playground.runs import END, START, Run

EMPTY = '<p class="pg-hint">Run something: its steps, their times and the request stand here.</p>'
COLOURS = '{"primaryColor": "#ccfbf1", "primaryBorderColor": "#0f766e", "lineColor": "#0f766e"}'
STYLE = f'{{"theme": "base", "themeVariables": {COLOURS}}}'
_NAME = re.compile(r"\w+")


class Panel:
    """Steps with their times, the path drawn, the request as curl; folds away to the right."""

    def __init__(self) -> None:
        with gr.Sidebar(position="right", open=False, width=290, elem_id="panel") as self.bar:
            gr.Markdown("### How it was answered")
            steps = gr.HTML(EMPTY, elem_id="steps")
            path = gr.Markdown(elem_id="path")
            with gr.Accordion("The request as curl", open=False):
                curl = gr.Code(
                    language="shell", interactive=False, show_line_numbers=False, wrap_lines=True
                )
        self.outputs = [steps, path, curl]
        self._latest: WeakValueDictionary[str, Run[Any]] = WeakValueDictionary()

    def shown(self, run: Run[Any], url: str, session: str) -> list[Any]:
        """New values of `outputs`: of the runs of a page, those of the one begun last.

        The picture waits for the end, so that it does not flicker.
        """
        if not run.steps and run.ended is None:
            self._latest[session] = run
        if self._latest.get(session) is not run:
            return [gr.skip()] * len(self.outputs)
        path = gr.skip() if run.ended is None and run.steps else _drawn(run)
        return [markup.steps(run), path, gr.skip() if run.steps else _as_curl(url, run)]


def _drawn(run: Run[Any]) -> str:
    """The path of a run as Mermaid."""
    edges = [
        f"{source} --> {target}"
        for source, target in run.taken
        if _NAME.fullmatch(source) and _NAME.fullmatch(target)
    ]
    if not edges:
        return ""
    ends = [f'{end}(["{end.strip("_")}"])' for end in (START, END)]
    lines = [f"%%{{init: {STYLE}}}%%", "graph TD", ends[0], *edges]
    if run.answer is not None:
        lines.append(ends[1])
    return "\n".join(["```mermaid", *lines, "```"])


def _as_curl(url: str, run: Run[Any]) -> str:
    address = shlex.quote(f"{url.strip().rstrip('/')}{run.call.path}")
    data = shlex.quote(json.dumps(run.call.body, ensure_ascii=False, indent=2))
    return (
        f"curl -N -X POST {address} \\\n"
        '  -H "Content-Type: application/json" -H "Accept: text/event-stream" \\\n'
        f'  -H "X-API-Key: $MINER_API_KEY" \\\n  -d {data}'
    )

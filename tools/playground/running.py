"""Running a machine from a tab: the buttons, what is shown meanwhile, and how it is stopped."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Generic
from weakref import WeakValueDictionary

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from tools.client import Call
from tools.client.calls import Answer
from tools.playground import formulas, markup
from tools.playground.connection import Connection
from tools.playground.events import QUIET, Given
from tools.playground.panel import Panel
from tools.playground.runs import Run, follow


class Runs:
    """The runs of one tab. `outputs` are what every look at a run changes."""

    def __init__(self, connection: Connection, panel: Panel, tab: str) -> None:
        self._connection, self._panel = connection, panel
        self._stops: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self.error = gr.HTML(elem_id=f"{tab}-error", elem_classes="pg-told")
        self.outputs: list[Block] = [self.error, *panel.outputs, connection.status]

    async def follow(
        self, given: Given, call: Call[Answer], request: gr.Request
    ) -> AsyncGenerator[tuple[Run[Answer], list[Any]], None]:
        """The run each time there is more to see, and new values of `outputs`."""
        session = str(request.session_hash)
        stop = self._stops[session] = asyncio.Event()
        connect = self._connection.connecting(given)
        async for run in follow(connect, call, stop):
            panel = self._panel.shown(run, given[self._connection.url], session)
            status = self._connection.after(run.error, given)
            yield run, [markup.error(run.error), *panel, status]

    async def stopped(self, request: gr.Request) -> None:
        """End the run of this page, if one is going on."""
        if stop := self._stops.get(str(request.session_hash)):
            stop.set()


class Form(Generic[Answer]):
    """A button that runs a machine and tells how far it is, one that stops it, and the answer."""

    def __init__(
        self, connection: Connection, panel: Panel, tab: str, label: str, hint: str = ""
    ) -> None:
        self._connection, self._label = connection, label
        with gr.Row(elem_classes="pg-run"):
            self._run = gr.Button(label, variant="primary", elem_id=f"{tab}-run")
            self._stop = gr.Button("Stop", interactive=False, min_width=80, scale=0)
        self._runs = Runs(connection, panel, tab)
        self._answer = gr.Markdown(
            hint,
            latex_delimiters=formulas.DELIMITERS,
            buttons=["copy"],
            elem_id=f"{tab}-answer",
            elem_classes="pg-answer",
        )

    def wire(
        self,
        inputs: set[Block],
        call: Callable[[Given], Call[Answer]],
        shown: Callable[[Run[Answer], Given], tuple[str, list[Any]]],
        outputs: Sequence[Block],
    ) -> Dependency:
        """Send `call(given)` on a click, and show the text and the `outputs` of its run."""

        async def run(given: Given, request: gr.Request) -> AsyncGenerator[list[Any], None]:
            async for state, told in self._runs.follow(given, call(given), request):
                text, values = shown(state, given)
                yield [formulas.shown(text), *values, *self._buttons(state), *told]

        self._stop.click(self._runs.stopped, queue=False, api_visibility="private")
        return self._run.click(
            run,
            self._connection.fields | inputs,
            [self._answer, *outputs, self._run, self._stop, *self._runs.outputs],
            **QUIET,
        )

    def _buttons(self, run: Run[Answer]) -> list[gr.Button]:
        going = run.ended is None
        label = f"{self._label}: {markup.progress(run)}" if going else self._label
        return [gr.Button(label, interactive=not going), gr.Button(interactive=going)]

"""`complete` as a chat: tokens as they come, the history that the miner remembers."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote
from weakref import WeakValueDictionary

import gradio as gr

from tools.playground import bodies, markup
from tools.playground.client import Body, PlaygroundError
from tools.playground.connection import Connection, Given
from tools.playground.panel import RunPanel, error_box
from tools.playground.runs import Run, follow

TASK = "Answer the user"
EXAMPLES = [
    "Explain in simple terms what machine learning is.",
    "A train leaves at 9:40 and arrives at 13:05. How many minutes does it travel?",
    "Write a Python function that tells whether a number is prime.",
]

Messages = list[dict[str, Any]]


class CompleteTab:
    """The chat. `task`, `question` and `answer` are those of its last exchange."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._machine = connection.machine("complete")
        self._stops: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self.last = gr.State(("", "", ""))
        with gr.Row():
            with gr.Column(scale=3):
                self._build_chat()
            with gr.Column(scale=2):
                self._panel = RunPanel(self._machine, "complete")
        self._wire()

    def _build_chat(self) -> None:
        self._chat = gr.Chatbot(
            label="Conversation",
            height=380,
            buttons=["copy"],
            allow_tags=False,
            feedback_options=None,
            placeholder="Ask something, or click an example below.",
            elem_id="complete-chat",
        )
        self._error = error_box("complete")
        with gr.Row(elem_classes="pg-ask"):
            self._message = gr.Textbox(label="Message", lines=1, max_lines=6, scale=6)
            self._ask = gr.Button("Send", variant="primary", scale=1, min_width=80)
            self._stop = gr.Button("Stop", interactive=False, scale=1, min_width=80)
        gr.Examples([[text] for text in EXAMPLES], [self._message], cache_examples=False)
        with gr.Row():
            self.criticise = gr.Button("Criticise the last answer →", size="sm")
            self._load = gr.Button("Load what the miner remembers", size="sm")
            self._forget = gr.Button("Forget this conversation", size="sm")
        self._build_options()

    def _build_options(self) -> None:
        with gr.Accordion("Form, task and document", open=False):
            self._form = gr.Radio(
                bodies.FORMS,
                value=bodies.FLAT,
                label="Form",
                info="Flat asks for an answer alone, unified for a document where one is due.",
            )
            self._task = gr.Textbox(TASK, label="Task")
            with gr.Row():
                self._history = gr.Checkbox(True, label="Use the conversation (unified)")
                self._playbook = gr.Checkbox(True, label="Use the playbook (unified)")
            self._document = gr.Textbox(
                label="Document (unified)",
                info="What the answers write or edit: handed on as an earlier output, and yours "
                "to change.",
                lines=6,
                max_lines=20,
                buttons=["copy"],
                elem_id="complete-document",
            )

    def _wire(self) -> None:
        asked = {self._form, self._task, self._message, self._document, self._history}
        shown = [self._chat, self._message, self._document, self._error, self.last, self._stop]
        gr.on(
            [self._message.submit, self._ask.click],
            self._send,
            self._connection.fields | asked | {self._playbook, self._chat},
            [*shown, *self._panel.outputs],
            show_progress="hidden",
            api_visibility="private",
        )
        self._stop.click(self._stopped, api_visibility="private")
        remembered = [self._chat, self._error]
        for button, handler in ((self._load, self._remembered), (self._forget, self._forgotten)):
            button.click(handler, self._connection.fields, remembered, api_visibility="private")

    async def _send(self, given: Given, request: gr.Request) -> AsyncGenerator[list[Any], None]:
        miner, message = self._connection.miner(given), given[self._message]
        before = [*given[self._chat], {"role": "user", "content": message}]
        stop = self._stops[str(request.session_hash)] = asyncio.Event()
        async for run in follow(miner, "complete", self._body(given), stop):
            unanswered = run.error and not run.text
            yield [
                given[self._chat] if unanswered else [*before, *_reply(run)],
                message if run.error else "",
                _document(run) or gr.skip(),
                markup.error(run.error),
                self._exchange(given, run) if run.answer else gr.skip(),
                gr.Button(interactive=run.ended is None),
                *self._panel.shown(self._machine, run, miner),
            ]

    async def _stopped(self, request: gr.Request) -> None:
        if stop := self._stops.get(str(request.session_hash)):
            stop.set()

    def _exchange(self, given: Given, run: Run) -> tuple[str, str, str]:
        return given[self._task], given[self._message], bodies.answer_of(run.answer or {})

    def _body(self, given: Given) -> Body:
        cid, task = given[self._connection.cid], given[self._task]
        message, document = given[self._message], given[self._document]
        if given[self._form] == bodies.FLAT:
            return {"cid": cid, "task": task, "input": message}
        earlier = [bodies.previous_output("complete", task, "", document)] if document else []
        return bodies.unified(
            cid,
            task,
            [{"user_query": message}],
            previous_outputs=earlier,
            use_history=given[self._history],
            use_playbook=given[self._playbook],
        )

    async def _remembered(self, given: Given) -> tuple[Any, str]:
        try:
            told = await self._connection.miner(given).ask("GET", self._path(given))
        except PlaygroundError as error:
            return gr.skip(), markup.error(error)
        messages = told.get("messages", [])
        return [{"role": each["role"], "content": each["content"]} for each in messages], ""

    async def _forgotten(self, given: Given) -> tuple[Any, str]:
        try:
            await self._connection.miner(given).ask("DELETE", self._path(given))
        except PlaygroundError as error:
            return gr.skip(), markup.error(error)
        return [], ""

    def _path(self, given: Given) -> str:
        return f"/conversations/{quote(given[self._connection.cid], safe='')}"


def _document(run: Run) -> str:
    return bodies.document_of(run.answer) if run.answer else ""


def _reply(run: Run) -> Messages:
    text = bodies.answer_of(run.answer) if run.answer else run.text
    if not text:
        return []
    return [{"role": "assistant", "content": text}]

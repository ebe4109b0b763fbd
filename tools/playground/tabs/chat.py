"""`complete` as a chat: tokens as they come, kept by the browser and remembered by the miner."""

import json
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import gradio as gr

from tools.client import Call, calls
from tools.client.answers import Completion, Unified
from tools.playground import formulas, markup, talks
from tools.playground.connection import UNIFIED, Connection
from tools.playground.conversations import Conversations
from tools.playground.events import QUIET, Given, Trigger
from tools.playground.panel import Panel
from tools.playground.running import Runs
from tools.playground.runs import Run
from tools.playground.talks import ASSISTANT, TASK, USER, Turn

EXAMPLES = [
    "Explain in simple terms what machine learning is.",
    "A train leaves at 9:40 and arrives at 13:05. How many minutes does it travel?",
    "Write a Python function that tells whether a number is prime.",
]
WELCOME = "### What would you like to know?\nAsk below, or begin with one of these."
STOPPED = "\n\n*(stopped)*"


class ChatTab:
    """The chat. `last` is the task, the question and the answer of its last exchange."""

    def __init__(self, connection: Connection, panel: Panel, conversations: Conversations) -> None:
        self._connection, self._conversations = connection, conversations
        self._talks = conversations.talks
        self.last = [gr.Textbox(visible="hidden") for _ in range(3)]
        self._outgoing = gr.Textbox(visible="hidden")
        self._asked = [connection.cid, self._talks]
        with gr.Column(elem_id="chat-column"):
            self._build_chat()
            with gr.Column(elem_id="composer"):
                self._build_after()
                self._runs = Runs(connection, panel, "chat")
                self._build_composer()
        self._next = [self._again, self.criticise, *self.last]
        self._wire()
        self._wire_conversations()

    def _build_chat(self) -> None:
        self._chat = gr.Chatbot(
            show_label=False,
            container=False,
            layout="panel",
            buttons=["copy"],
            editable="user",
            allow_tags=False,
            feedback_options=None,
            latex_delimiters=formulas.DELIMITERS,
            placeholder=WELCOME,
            examples=[{"text": text} for text in EXAMPLES],
            elem_id="chat",
        )

    def _build_after(self) -> None:
        with gr.Row(elem_classes="pg-after"):
            self._progress = gr.HTML(elem_id="chat-progress", elem_classes="pg-told")
            self._again = gr.Button("Try again", size="sm", visible=False, scale=0, min_width=110)
            self.criticise = gr.Button(
                "Criticise the answer →", size="sm", visible=False, scale=0, min_width=180
            )

    def _build_composer(self) -> None:
        with gr.Accordion("Task and document", open=False, visible=False) as self._unified:
            self._task = gr.Textbox(TASK, label="Task")
            self._document = gr.Textbox(
                label="Document",
                info="What the answers write: handed on with each message, and yours to change.",
                lines=5,
                max_lines=12,
                buttons=["copy"],
            )
        self.message = gr.Textbox(
            placeholder="Message (Enter sends, Shift+Enter begins a line)",
            show_label=False,
            container=False,
            lines=1,
            max_lines=8,
            submit_btn=True,
            autofocus=True,
            elem_id="message",
        )

    def _wire(self) -> None:
        self._connection.form.change(
            lambda form: gr.Accordion(visible=form == UNIFIED),
            self._connection.form,
            self._unified,
            **QUIET,
        )
        box, locked = [self.message, self._outgoing], self._conversations.locked
        shown = [self._chat, self._progress, self._talks, self._document, self.message]
        free = [self.message, self._document, *locked, *self._next]
        self.message.submit(None, box, box, js="pg.take", **QUIET)
        self._chat.example_select(self._example, None, self._outgoing, queue=False, **QUIET)
        self._chat.edit(self._edited, None, self._outgoing, queue=False, **QUIET)
        for again in (self._chat.retry, self._again.click):
            again(self._retried, self._asked, self._outgoing, queue=False, **QUIET)
        self.message.stop(self._runs.stopped, queue=False, **QUIET)
        self._outgoing.change(
            self._send,
            self._connection.fields | {self._outgoing, self._talks, self._task, self._document},
            [*shown, self._again, self.criticise, *locked, *self._runs.outputs],
            trigger_mode="once",
            js="pg.sending",
            **QUIET,
        ).then(self._freed, self._asked, free, js="pg.freed", **QUIET)

    def _example(self, chosen: gr.SelectData) -> str:
        return _outgoing(chosen.value["text"], None)

    def _edited(self, edit: gr.EditData) -> str:
        return _outgoing(str(edit.value), _index(edit.index))

    def _retried(self, cid: str, kept: talks.Talks) -> object:
        turns = talks.turns_of(kept, cid)
        asked = [at for at, (role, _) in enumerate(turns) if role == USER]
        return _outgoing(turns[asked[-1]][1], asked[-1]) if asked else gr.skip()

    async def _send(self, given: Given, request: gr.Request) -> AsyncGenerator[list[Any], None]:
        sent = json.loads(given[self._outgoing])
        cid = given[self._connection.cid]
        before = talks.turns_of(given[self._talks], cid)[: sent["keep"]]
        turns = [*before, (USER, sent["text"])]
        async for run, told in self._runs.follow(given, self._call(given, sent["text"]), request):
            said = [*turns, *_reply(run)]
            over = run.ended is not None
            keeping = over or not run.steps
            yield [
                talks.messages(said),
                markup.note(markup.progress(run)),
                talks.kept(given[self._talks], cid, said) if keeping else gr.skip(),
                _document(run),
                gr.Textbox(submit_btn=False, stop_btn=True) if not over else gr.skip(),
                gr.Button(visible=False),
                gr.Button(visible=False),
                *self._conversations.lock(open_=False),
                *told,
            ]

    def _freed(self, cid: str, kept: talks.Talks) -> list[Any]:
        """Whatever became of the run: all that waited for its end can be used again."""
        turns = talks.turns_of(kept, cid)
        box, document = gr.Textbox(submit_btn=True, stop_btn=False), gr.Textbox(interactive=True)
        return [box, document, *self._conversations.lock(open_=True), *_next(turns)]

    def _call(self, given: Given, text: str) -> Call[Any]:
        if self._connection.is_flat(given):
            return calls.complete(given[self._connection.cid], TASK, text)
        task, document = given[self._task], given[self._document]
        earlier = [calls.previous_output("complete", task, "", document)] if document else []
        return self._connection.unified(given, "complete", task, [text], earlier)

    def _wire_conversations(self) -> None:
        side, fields = self._conversations, self._connection.fields
        cid = self._connection.cid
        picked = side.list.input(lambda name: name, side.list, cid, **QUIET)
        new = side.new.click(side.name_of_new, fields | {side.names}, cid, **QUIET)
        forgotten = side.forgetting(
            side.erase, fields | {self._talks}, [self._talks, side.error], **QUIET
        )
        followed = (picked, new, forgotten, *self._connection.connected)
        events: list[Trigger] = [cid.submit, cid.blur, *(each.then for each in followed)]
        for event in events:
            self.open_on(event)

    def open_on(self, event: Trigger) -> None:
        """Show the conversation of the fields at this event."""
        given = self._connection.fields | {self._talks}
        opened = [self._chat, self._talks, self._progress, self._runs.error]
        event(self._open, given, [*opened, *self._conversations.listed, *self._next], **QUIET)

    async def _open(self, given: Given) -> list[Any]:
        cid = given[self._connection.cid]
        turns, listed = await self._conversations.opened(given)
        kept = talks.kept(given[self._talks], cid, turns)
        return [talks.messages(turns), kept, "", "", *listed, *_next(turns)]


def _next(turns: list[Turn]) -> list[Any]:
    """What can be done after these turns: ask again, or criticise the last exchange."""
    question, answer = talks.last_exchange(turns)
    unanswered = bool(turns) and turns[-1][0] == USER
    answered = bool(answer) and not unanswered
    buttons = [gr.Button(visible=unanswered), gr.Button(visible=answered)]
    return [*buttons, TASK, question, answer.removesuffix(STOPPED)]


def _outgoing(text: str, keep: int | None) -> str:
    """A message on its way, unlike any before: all turns stay before it, or `keep` of them."""
    return json.dumps({"text": text, "keep": keep, "count": uuid4().hex})


def _index(index: int | tuple[int, int]) -> int:
    return int(index[0] if isinstance(index, tuple | list) else index)


def _reply(run: Run[Any]) -> list[Turn]:
    text = _said(run.answer) if run.answer else run.text
    if text and (run.stopped or run.error):
        text += STOPPED
    return [(ASSISTANT, text)] if text else []


def _said(answer: Completion | Unified) -> str:
    return answer.output.immediate_response if isinstance(answer, Unified) else answer.response


def _document(run: Run[Any]) -> gr.Textbox:
    """The document stays closed to typing while an answer may replace it."""
    if isinstance(run.answer, Unified) and run.answer.output.document:
        return gr.Textbox(run.answer.output.document, interactive=False)
    return gr.Textbox(interactive=False)

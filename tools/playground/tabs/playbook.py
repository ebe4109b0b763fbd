"""`human_feedback`, and below it the playbook that it writes, to be edited by hand."""

import json
from typing import Any

import gradio as gr

from tools.client import AsyncClient, Call, ClientError, calls
from tools.client.answers import AppliedAction, Entry, Learnt, Unified
from tools.playground import entries, markup
from tools.playground.connection import Connection
from tools.playground.entries import HEADERS, Loaded
from tools.playground.events import QUIET, Given, Trigger, agreed, offer
from tools.playground.panel import Panel
from tools.playground.running import Form
from tools.playground.runs import Run
from tools.playground.tables import Rows, table

EXAMPLES = ["Please always answer in French.", "I changed my mind: answer in English."]
LEARN = "Learn what the user prefers"
WIDTHS, READ_ONLY = ["12%", "60%", "28%"], [0]
EMPTY = (
    "Nothing is known of this user yet: say above how answers should be and press *Learn*, or "
    "add a row."
)
HOW = "Change a cell, empty a preference to remove it, or add a row; then save."
OPEN = gr.update(interactive=True)
DISCARD = "Discard the unsaved changes of the playbook?"


class PlaybookTab:
    """What a user says, what was learnt from it, and all that is known of the user."""

    def __init__(self, connection: Connection, panel: Panel) -> None:
        self._connection = connection
        self._loaded = gr.State(Loaded())
        self._said = gr.Textbox(
            label="What the user says of the answers",
            placeholder="How should answers be from now on?",
            lines=2,
            max_lines=8,
        )
        with gr.Row(elem_classes="pg-examples"):
            for text in EXAMPLES:
                offer(text, [text], [self._said], "playbook")
        self._form = Form[Learnt | Unified](connection, panel, "learn", "Learn")
        self._build_playbook()
        self._wire()

    def _build_playbook(self) -> None:
        self._title = gr.Markdown(elem_id="playbook-title")
        self._table = table("playbook", HEADERS, WIDTHS, read_only=READ_ONLY)
        self._told = gr.HTML(elem_id="playbook-told", elem_classes="pg-told")
        with gr.Row():
            self._save = gr.Button("Save the changes", size="sm", variant="primary")
            # A row that is added to a table not yet read would be lost when it is.
            self._add = gr.Button("Add a row", size="sm", interactive=False)
            self._discard = gr.Button("Discard the changes", size="sm")
        self._playbook = [self._table, self._loaded, self._title, self._told, self._add]

    def _wire(self) -> None:
        given = self._connection.fields | {self._table, self._loaded}
        learnt = self._form.wire({self._said}, self._call, self._shown, [self._table])
        self.load_on(learnt.then)
        self._table.input(
            self._unsaved, [self._table, self._loaded], self._told, queue=False, **QUIET
        )
        self._add.click(
            self._added, [self._table, self._loaded], [self._table, self._told], **QUIET
        )
        self._save.click(self._store, given, self._playbook, **QUIET)
        discarded = agreed(self._discard, DISCARD, ".pg-unsaved")
        discarded(self._read, given, self._playbook, **QUIET)

    def load_on(self, event: Trigger) -> None:
        """Load the playbook at this event, around what is not saved yet."""
        given = self._connection.fields | {self._table, self._loaded}
        event(self._load, given, self._playbook, **QUIET)

    def _call(self, given: Given) -> Call[Any]:
        if self._connection.is_flat(given):
            return calls.human_feedback(given[self._connection.cid], given[self._said])
        items = [{"feedback_text": given[self._said]}]
        return self._connection.unified(given, "human_feedback", LEARN, items)

    def _shown(self, run: Run[Learnt | Unified], _: Given) -> tuple[str, list[Any]]:
        text = _told(run.answer) if run.answer is not None else ""
        # What stands in the table is not typed into while the playbook is written.
        return text, [gr.Dataframe(interactive=False)]

    async def _load(self, given: Given) -> list[Any]:
        loaded: Loaded = given[self._loaded]
        changes = loaded.changes(given[self._table])
        url, cid = given[self._connection.url], given[self._connection.cid]
        if changes and (loaded.url, loaded.cid) != (url, cid):
            told = (
                f"Unsaved changes of {loaded.cid}: save or discard them, then open this tab again."
            )
            return _as_it_is(markup.note(told, "pg-note pg-unsaved"))
        shown, read, *others = await self._read(given, changes, _count(len(changes)))
        # What is typed while it is read would be replaced.
        return [_table() if read == loaded else shown, read, *others]

    async def _read(
        self, given: Given, changes: tuple[entries.Change, ...] = (), told: str = ""
    ) -> list[Any]:
        """The user's playbook as the miner has it, with these changes still to be saved."""
        url, cid = given[self._connection.url], given[self._connection.cid]
        try:
            async with self._connection.connecting(given)() as client:
                loaded = Loaded(url, cid, await _all(client, cid))
        except ClientError as error:
            return _as_it_is(told + markup.error(error))
        title = f"**Playbook of {cid}.** {HOW}" if loaded.entries else EMPTY
        return [_table(loaded.rows(changes)), loaded, title, told, OPEN]

    async def _store(self, given: Given) -> list[Any]:
        """Send each change on its own: after an error the table keeps those not yet made."""
        loaded: Loaded = given[self._loaded]
        changes = loaded.changes(given[self._table])
        if changes and loaded.url != given[self._connection.url]:
            told = f"These changes are for the miner at {loaded.url}: write its address on top."
            return _as_it_is(markup.note(told, "pg-note pg-unsaved"))
        problem: ClientError | None = None
        done = 0
        try:
            async with self._connection.connecting(given)() as client:
                for change in changes:
                    await client.send(change.call(loaded.cid))
                    done += 1
        except ClientError as error:
            problem = error
        left = changes[done:]
        told = markup.note(f"{_plural(done)} saved") + markup.error(problem) + _count(len(left))
        kept = {**given, self._connection.cid: loaded.cid or given[self._connection.cid]}
        return await self._read(kept, left, told)

    def _added(self, rows: Rows, loaded: Loaded) -> tuple[Rows, str]:
        return [*rows, [""] * len(HEADERS)], self._unsaved(rows, loaded)

    def _unsaved(self, rows: Rows, loaded: Loaded) -> str:
        return _count(len(loaded.changes(rows)))


async def _all(client: AsyncClient, cid: str) -> list[Entry]:
    """All entries of the user, oldest first, fetched page by page."""
    found: list[Entry] = []
    while True:
        page = await client.send(calls.playbook(cid, offset=len(found)))
        found += page.entries
        if not page.entries or len(found) >= page.total:
            return found


def _table(rows: Rows | None = None) -> gr.Dataframe:
    """The table open to typing again, with other rows if any are given."""
    return gr.Dataframe(interactive=True) if rows is None else gr.Dataframe(rows, interactive=True)


def _as_it_is(told: str) -> list[Any]:
    """The playbook as it shows, with a word about it."""
    return [_table(), gr.skip(), gr.skip(), told, OPEN]


def _told(answer: Learnt | Unified) -> str:
    """What was learnt, and what became of each entry."""
    if isinstance(answer, Learnt):
        message, actions = answer.message, answer.actions_applied
    else:
        listed = json.loads(answer.output.document or "[]")
        message = answer.output.immediate_response
        actions = [AppliedAction.model_validate(each) for each in listed]
    lines = [f"- {each.action}: {each.content or ''} ({each.message})" for each in actions]
    return "\n".join([message, "", *lines])


def _count(changes: int) -> str:
    return markup.note(f"{_plural(changes)} not saved", "pg-note pg-unsaved") if changes else ""


def _plural(count: int) -> str:
    return f"{count} {'change' if count == 1 else 'changes'}"

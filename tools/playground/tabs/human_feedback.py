"""`human_feedback`, and beside it the playbook that it writes, to be edited by hand."""

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import gradio as gr

from tools.playground import bodies, markup
from tools.playground.client import Body, Miner, PlaygroundError
from tools.playground.connection import Connection, Given
from tools.playground.panel import RunPanel, error_box
from tools.playground.runs import follow

EXAMPLES = [
    "Please always answer in French.",
    "Keep answers under three sentences, and put code in code blocks.",
    "I changed my mind: answer in English.",
]
HEADERS = ["#", "Preference", "Category", "Rests on", "Version"]
NUMBER, CONTENT, CATEGORY = 0, 1, 2
READ_ONLY = [0, 3, 4]

Rows = list[list[Any]]
Entries = dict[str, Body]
"""A playbook as it was read: each entry by its number in the table."""


class HumanFeedbackTab:
    """What a user says, what was learnt from it, and all that is known of the user."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._machine = connection.machine("human_feedback")
        self._loaded = gr.State({})
        with gr.Row():
            with gr.Column(scale=2):
                self._build_feedback()
            with gr.Column(scale=3):
                self._build_playbook()
        self._panel = RunPanel(self._machine, "human_feedback", wide=True)
        self._wire()

    def _build_feedback(self) -> None:
        self._form = gr.Radio(bodies.FORMS, value=bodies.FLAT, label="Form")
        self._said = gr.Textbox(label="What the user says of the answers", lines=2, max_lines=8)
        gr.Examples([[text] for text in EXAMPLES], [self._said], cache_examples=False)
        self._run = gr.Button("Learn", variant="primary")
        self._error = error_box("human_feedback")
        self._learnt = gr.Markdown(elem_id="human_feedback-message", container=True, visible=False)

    def _build_playbook(self) -> None:
        self._table = gr.Dataframe(
            headers=HEADERS,
            column_count=len(HEADERS),
            row_count=1,
            type="array",
            interactive=True,
            static_columns=READ_ONLY,
            column_widths=["10%", "36%", "17%", "21%", "16%"],
            wrap=True,
            label="The user's playbook",
            elem_id="playbook",
        )
        self._told = gr.HTML(elem_id="playbook-told")
        with gr.Row():
            self._save = gr.Button("Save the changes", size="sm", variant="primary")
            self._add = gr.Button("Add a row", size="sm")
            self._reload = gr.Button("Load the playbook", size="sm")
        gr.Markdown(
            "Change a preference or its category in the table, add a row or empty one, then save.",
            elem_classes="pg-hint",
        )
        self._actions = gr.Dataframe(
            headers=["Action", "Preference", "What became of it"],
            type="array",
            interactive=False,
            wrap=True,
            column_widths=["15%", "45%", "40%"],
            label="Changes to the playbook",
            elem_id="human_feedback-actions",
            visible=False,
        )

    def _wire(self) -> None:
        fields = self._connection.fields
        playbook = [self._table, self._loaded, self._told]
        self._run.click(
            self._learn,
            fields | {self._form, self._said},
            [self._learnt, self._actions, self._error, *self._panel.outputs],
            show_progress="hidden",
            api_visibility="private",
        ).then(self._load, fields, playbook, show_progress="hidden", api_visibility="private")
        self._reload.click(self._load, fields, playbook, api_visibility="private")
        self._add.click(
            lambda rows: [*rows, [""] * len(HEADERS)],
            self._table,
            self._table,
            show_progress="hidden",
            api_visibility="private",
        )
        self._save.click(
            self._store,
            fields | {self._table, self._loaded},
            playbook,
            api_visibility="private",
        )

    def load_on(self, tab: gr.Tab) -> None:
        """Load the playbook whenever this tab is opened."""
        tab.select(
            self._load,
            self._connection.fields,
            [self._table, self._loaded, self._told],
            show_progress="hidden",
            api_visibility="private",
        )

    async def _learn(self, given: Given) -> AsyncGenerator[list[Any], None]:
        miner = self._connection.miner(given)
        body = bodies.human_feedback(
            given[self._form], given[self._connection.cid], given[self._said]
        )
        async for run in follow(miner, "human_feedback", body):
            answer = run.answer or {}
            message = answer.get("message") or bodies.answer_of(answer)
            actions = _actions(answer)
            yield [
                gr.Markdown(message, visible=bool(message)),
                gr.Dataframe(actions, visible=bool(actions)),
                markup.error(run.error),
                *self._panel.shown(self._machine, run, miner),
            ]

    async def _load(self, given: Given) -> tuple[Any, Any, str]:
        try:
            entries = await _entries(self._connection.miner(given), given[self._connection.cid])
        except PlaygroundError as error:
            return gr.skip(), gr.skip(), markup.error(error)
        return _rows(entries), entries, ""

    async def _store(self, given: Given) -> tuple[Any, Any, str]:
        """Send each change on its own: after an error the table keeps those not yet made."""
        miner, cid = self._connection.miner(given), given[self._connection.cid]
        changes = _changes(given[self._table], given[self._loaded])
        error: PlaygroundError | None = None
        done = 0
        try:
            for change in changes:
                await miner.ask(change.method, f"{_path(cid)}{change.entry}", change.body)
                done += 1
        except PlaygroundError as refused:
            error = refused
        told = markup.note(_saved(done)) + markup.error(error)
        try:
            entries = await _entries(miner, cid)
        except PlaygroundError as unread:
            return gr.skip(), gr.skip(), told + ("" if error else markup.error(unread))
        return _rows(entries, changes[done:]), entries, told


@dataclass(frozen=True, slots=True)
class _Change:
    """One request on a playbook; `entry` is the path below it, empty for a new entry."""

    method: str
    entry: str
    body: Body | None = None


def _saved(count: int) -> str:
    return f"{count} {'change' if count == 1 else 'changes'} saved"


async def _entries(miner: Miner, cid: str) -> Entries:
    """All entries of the user, oldest first, fetched page by page."""
    found: list[Body] = []
    while True:
        page = await miner.ask("GET", f"{_path(cid)}?offset={len(found)}")
        found += page["entries"]
        if not page["entries"] or len(found) >= page.get("total", 0):
            return {str(number): entry for number, entry in enumerate(found, 1)}


def _rows(entries: Entries, pending: Sequence[_Change] = ()) -> Rows:
    """The table of these entries, with the changes that are not made yet."""
    waiting = {change.entry: change for change in pending if change.entry}
    shown = [
        [number, *_shown(entry, waiting.get(_entry(entry))), entry["evidence"], entry["version"]]
        for number, entry in entries.items()
    ]
    new = [change.body or {} for change in pending if not change.entry]
    return [*shown, *(["", body["content"], body.get("category", ""), "", ""] for body in new)]


def _shown(entry: Body, change: _Change | None) -> list[str]:
    """Content and category of a row; without content where the entry is to be deleted."""
    if change is not None and change.body is None:
        return ["", entry["category"]]
    changed = entry | ((change and change.body) or {})
    return [changed["content"], changed["category"]]


def _changes(rows: Rows, loaded: Entries) -> list[_Change]:
    """The requests that make the playbook what the table shows."""
    filled = [row for row in rows if _text(row[CONTENT])]
    kept = {_text(row[NUMBER]): row for row in filled}
    gone = [
        _Change("DELETE", _entry(entry)) for number, entry in loaded.items() if number not in kept
    ]
    edited = [
        _Change("PATCH", _entry(entry), _edited(kept[number], entry))
        for number, entry in loaded.items()
        if number in kept and _differs(kept[number], entry)
    ]
    new = [_Change("POST", "", _added(row)) for row in filled if _text(row[NUMBER]) not in loaded]
    return [*gone, *edited, *new]


def _entry(entry: Body) -> str:
    return f"/{entry['node_id']}"


def _differs(row: list[Any], entry: Body) -> bool:
    shown = (_text(row[CONTENT]), _text(row[CATEGORY]))
    return shown != (_text(entry["content"]), _text(entry["category"]))


def _edited(row: list[Any], entry: Body) -> Body:
    """With the version that was read, so that a change of others in between is not undone."""
    return {**_added(row), "expected_version": entry["version"]}


def _added(row: list[Any]) -> Body:
    content, category = _text(row[CONTENT]), _text(row[CATEGORY])
    return {"content": content, "category": category} if category else {"content": content}


def _text(cell: object) -> str:
    return str(cell or "").strip()


def _actions(answer: Body) -> Rows:
    applied = answer.get("actions_applied")
    if applied is None:
        document = bodies.document_of(answer)
        applied = json.loads(document) if document else []
    return [[each["action"], each.get("content") or "", each["message"]] for each in applied]


def _path(cid: str) -> str:
    return f"/playbook/{quote(cid, safe='')}"

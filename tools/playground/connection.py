"""Which miner the page speaks to, with which key, as which user: one line that unfolds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from tools.client import AsyncClient, ClientError, Refused, calls, is_loopback, same_miner
from tools.client.answers import Capabilities, Health, Unified
from tools.playground import markup
from tools.playground.events import QUIET, Given, Trigger, when

FLAT, UNIFIED = "Flat", "Unified"
SECONDS_BETWEEN_LOOKS = 10
GOOD, BAD, UNKNOWN = "pg-good", "pg-bad", "pg-unknown"
NOT_CHECKED = "Not checked yet: press Connect"
WRONG_KEY = "The key is wrong or missing: write this miner's MINER_API_KEY into the field Key"
OPEN_KEY = "the key travels unencrypted: this address is not https"
STORAGE = "playbook-miner"  # of this browser alone; the secret only lets a later start read it
DEFAULT_USER = "playground"


@dataclass(frozen=True, slots=True)
class Lent:
    """The miner of the settings. Its key stays in this process and never enters the page."""

    url: str = ""
    key: str = field(default="", repr=False)

    def client(self, url: str, key: str) -> AsyncClient:
        """The miner of the fields: the lent key goes to its own miner alone. Raises `Unusable`."""
        lent = self.key if not key.strip() and same_miner(url, self.url) else ""
        return AsyncClient(url.strip().rstrip("/"), key.strip() or lent)


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of the miner at an address that takes a key."""

    url: str = ""
    key: str = ""
    told: str = NOT_CHECKED
    mood: str = UNKNOWN


class Connection:
    """The fields, what became of the last try to connect, and what tabs need to run machines."""

    def __init__(self, lent: Lent, url: str) -> None:
        self._lent, self._url = lent, url
        self.kept = gr.BrowserState({}, storage_key=f"{STORAGE}-fields", secret=STORAGE)
        with gr.Accordion(NOT_CHECKED, open=False, elem_id="connection") as self._line:
            with gr.Row(elem_classes="pg-fields"):
                self._build_fields()
            with gr.Accordion("Advanced: the form of the API", open=False):
                self._build_form()
        self.default = gr.Textbox(url, visible="hidden")
        self.components = gr.State([])
        self.status = gr.State(Status())
        self._looked = [self.status, self.components]
        self.fields: set[Block] = {self.url, self.key, self.cid, self.form}
        self.fields |= {self.use_history, self.use_playbook}
        self._wire()

    def _build_fields(self) -> None:
        self.url = gr.Textbox(
            self._url, label="Miner", placeholder="http://localhost:8001", scale=3, min_width=200
        )
        self.key = gr.Textbox(
            "",
            label="Key",
            type="password",
            placeholder="empty: the key of .env" if self._lent.key else "its MINER_API_KEY",
            scale=2,
            min_width=180,
            html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
        )
        self.cid = gr.Textbox(DEFAULT_USER, label="User (cid)", scale=2, min_width=140)
        self._connect = gr.Button("Connect", variant="primary", scale=0, min_width=110)

    def _build_form(self) -> None:
        self.form = gr.Radio(
            [FLAT, UNIFIED],
            value=FLAT,
            label="Form",
            info="Flat: texts in, an answer out. Unified: also a document, where one is due.",
        )
        with gr.Row():
            self.use_history = gr.Checkbox(True, label="Use the conversation (unified)")
            self.use_playbook = gr.Checkbox(True, label="Use the playbook (unified)")

    def _wire(self) -> None:
        told = [self.url, self.key, self.cid, self.status]
        gr.on(
            [self.url.change, self.key.change, self.cid.change, self.status.change],
            _line,
            told,
            self._line,
            queue=False,
            trigger_mode="always_last",
            **QUIET,
        )
        self.connected = [
            self.connect_on(event)
            for event in (self._connect.click, self.url.submit, self.key.submit)
        ]
        self.look_on(gr.Timer(SECONDS_BETWEEN_LOOKS).tick)

    def connect_on(self, event: Trigger) -> Dependency:
        """Ask the miner at this event, and fold the line if it answers, else unfold it."""
        return event(self._connect_to, self.fields, [*self._looked, self._line], **QUIET)

    def look_on(self, event: Trigger) -> None:
        """See at this event how a miner is that was asked before, unless the key was wrong."""
        when(event, "pg.due()")(
            self._look_again, self.fields | {self.status}, self._looked, **QUIET
        )

    def restored(self, kept: dict[str, str]) -> list[str]:
        """Address, key and user as this browser has kept them, for `url`, `key` and `cid`.

        An address that the command was started with since then takes the kept one's place.
        """
        same = kept.get("default") == self._url
        url, key = (kept.get("url"), kept.get("key")) if same else (self._url, "")
        return [url or self._url, key or "", kept.get("cid") or DEFAULT_USER]

    def connecting(self, given: Given) -> Callable[[], AsyncClient]:
        """What opens a client of the miner that the fields name; it raises `Unusable`."""
        return lambda: self._lent.client(given[self.url], given[self.key])

    def is_flat(self, given: Given) -> bool:
        return bool(given[self.form] == FLAT)

    def unified(
        self,
        given: Given,
        component: str,
        task: str,
        items: Sequence[str | calls.Item],
        previous_outputs: Sequence[calls.Body] = (),
    ) -> calls.Call[Unified]:
        """A call of the unified form, for the user of the fields."""
        return calls.unified(
            component,
            given[self.cid],
            task,
            items,
            previous_outputs=previous_outputs,
            use_history=given[self.use_history],
            use_playbook=given[self.use_playbook],
        )

    def after(self, error: ClientError | None, given: Given) -> object:
        """The new `status` after a run: one that failed may tell of the connection."""
        of_miner = isinstance(error, Refused) and not markup.is_wrong_key(error)
        return gr.skip() if error is None or of_miner else self._failed(error, given)

    async def _connect_to(self, given: Given) -> list[Any]:
        status, components = await self._look(given)
        return [status, components, gr.Accordion(open=status.mood != GOOD)]

    async def _look(self, given: Given) -> list[Any]:
        try:
            async with self.connecting(given)() as client:
                health = await client.send(calls.health())
                can = await client.send(calls.capabilities())
                await client.send(calls.conversations(limit=1))  # only this needs the key
        except ClientError as error:
            return [self._failed(error, given), gr.skip()]
        told = _told(given[self.url], given[self.key], health, can)
        return [Status(given[self.url], given[self.key], told, GOOD), can.components]

    async def _look_again(self, given: Given) -> list[Any]:
        status: Status = given[self.status]
        asked = (status.url, status.key) == (given[self.url], given[self.key])
        if not asked or status.told == WRONG_KEY:
            return [gr.skip()] * len(self._looked)
        return await self._look(given)

    def _failed(self, error: ClientError, given: Given) -> Status:
        detail = f": {error.detail}" if isinstance(error, Refused) else ""
        told = WRONG_KEY if markup.is_wrong_key(error) else f"Not connected: {error}{detail}"
        return Status(given[self.url], given[self.key], told, BAD)


def _line(url: str, key: str, cid: str, status: Status) -> gr.Accordion:
    """The line as it must be; it unfolds where the key in it is wrong."""
    if (status.url, status.key) != (url, key):
        return gr.Accordion(NOT_CHECKED, elem_classes=UNKNOWN)
    if status.told == WRONG_KEY:
        return gr.Accordion(WRONG_KEY, open=True, elem_classes=BAD)
    user = f" · as {cid or 'nobody'}" if status.mood == GOOD else ""
    return gr.Accordion(status.told + user, elem_classes=status.mood)


def _told(url: str, key: str, health: Health, can: Capabilities) -> str:
    told = [can.miner_name or url, can.model]
    if health.llm_available is False:
        told.insert(0, "The model does not answer")
    if key and url.strip().startswith("http:") and not is_loopback(url):
        told.append(OPEN_KEY)
    return " · ".join(told)

"""Which miner the page speaks to, with which key, as which user: one line that unfolds."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from tools.client import AsyncClient, ClientError, Unreachable, calls, is_loopback
from tools.client.answers import Capabilities, Health, Unified
from tools.playground import markup
from tools.playground.lent import Lent

FLAT, UNIFIED = "Flat", "Unified"
SECONDS_BETWEEN_CHECKS = 10
GOOD, BAD, UNKNOWN = "pg-good", "pg-bad", "pg-unknown"
NOT_CHECKED = "Not checked yet: press Connect"
OPEN_KEY = "the key travels unencrypted: this address is not https"
STORAGE = "playbook-miner"  # of this browser alone; the secret only lets a later start read it
DEFAULT_USER = "playground"

Trigger = Callable[..., Dependency]
"""What a component offers for an event, such as `button.click`."""
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""How events run of which nothing is to be seen but what they change."""
Given = dict[Block, Any]
"""What stands in the fields of the page that a handler asked for."""


class Connection:
    """The fields, what became of the last try to connect, and what tabs need to run machines."""

    def __init__(self, lent: Lent, url: str) -> None:
        self._lent, self._url = lent, url
        self.kept = gr.BrowserState({}, storage_key=f"{STORAGE}-fields", secret=STORAGE)
        with gr.Accordion(NOT_CHECKED, open=False, elem_id="connection") as self._line:
            with gr.Row(elem_classes="pg-fields"):
                self._build_fields()
            self._error = gr.HTML(elem_id="connection-error", elem_classes="pg-told")
            with gr.Accordion("Advanced: the form of the API", open=False):
                self._build_form()
        self.default = gr.Textbox(url, visible="hidden")
        self.components = gr.State([])
        self._miner = gr.State("")  # what it is called, if it answered
        self.line = [self._line, self._miner]
        self._asked = gr.State([])  # the address and the key that the line tells of
        self._due = gr.Number(0, visible="hidden")
        self.fields: set[Block] = {self.url, self.key, self.cid, self.form}
        self.fields |= {self.use_history, self.use_playbook}
        self._wire()

    def _build_fields(self) -> None:
        self.url = gr.Textbox(
            self._url, label="Miner", placeholder="http://localhost:8001", scale=3, min_width=200
        )
        self.key = gr.Textbox(
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
        asked_as = [self.url, self.key, self._asked]
        gr.on(
            [self.url.change, self.key.change],
            lambda url, key, asked: [gr.skip()] * 2 if [url, key] == asked else [_unknown(), ""],
            asked_as,
            self.line,
            queue=False,
            **QUIET,
        )
        # Of the user of now: a check may have begun under another name.
        gr.on(
            [self.cid.change, self._miner.change],
            lambda miner, cid: gr.Accordion(_as(miner, cid)) if miner else gr.skip(),
            [self._miner, self.cid],
            self._line,
            queue=False,
            trigger_mode="always_last",
            **QUIET,
        )
        self.checked = gr.on(
            [self._connect.click, self.url.submit, self.key.submit],
            self._check,
            self.fields,
            self.check_outputs,
            show_progress="minimal",
            api_visibility="private",
        ).then
        timer = gr.Timer(SECONDS_BETWEEN_CHECKS)
        timer.tick(None, self._due, self._due, js="pg.due", api_visibility="private")
        self._due.change(
            self._check_again, self.fields | {self._asked}, self.check_outputs, **QUIET
        )

    @property
    def check_outputs(self) -> list[Block]:
        return [self._line, self._error, self.components, self._miner, self._asked]

    def restored(self, kept: dict[str, str]) -> list[str]:
        """Address, key and user as this browser has kept them, for `url`, `key` and `cid`.

        An address that the command was started with since then takes the kept one's place.
        """
        same = kept.get("default") == self._url
        url, key = (kept.get("url"), kept.get("key")) if same else (self._url, "")
        return [url or self._url, key or "", kept.get("cid") or DEFAULT_USER]

    async def check_at_start(self, given: Given) -> list[Any]:
        """Ask a miner of this machine; others are asked only when told to."""
        if is_loopback(given[self.url]):
            return await self._check(given)
        return [gr.Accordion(NOT_CHECKED, open=True, elem_classes=UNKNOWN), "", [], "", []]

    def connecting(self, given: Given) -> Callable[[], AsyncClient]:
        """What opens a client of the miner that the fields name; it raises `Unusable`."""
        return lambda: self._lent.client(given[self.url], given[self.key])

    def url_of(self, given: Given) -> str:
        return str(given[self.url])

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

    def after(self, error: ClientError | None) -> list[Any]:
        """New values of `line` after a run: one that failed may tell of the connection."""
        if markup.is_wrong_key(error) or isinstance(error, Unreachable):
            return [_failed(error), ""]
        return [gr.skip()] * len(self.line)

    async def _check(self, given: Given) -> list[Any]:
        asked = [given[self.url], given[self.key]]
        try:
            async with self.connecting(given)() as client:
                health = await client.send(calls.health())
                can = await client.send(calls.capabilities())
                await client.send(calls.conversations(limit=1))  # only this needs the key
        except ClientError as error:
            told = _failed(error)
            line = gr.Accordion(told.label, open=True, elem_classes=told.elem_classes)
            return [line, markup.error(error), gr.skip(), "", asked]
        miner = _told(given[self.url], given[self.key], health, can)
        return [gr.Accordion(open=False, elem_classes=GOOD), "", can.components, miner, asked]

    async def _check_again(self, given: Given) -> list[Any]:
        """The same without unfolding or folding anything, where that miner was asked before."""
        if given[self._asked] != [given[self.url], given[self.key]]:
            return [gr.skip()] * len(self.check_outputs)
        line, *others = await self._check(given)
        label = {"label": line.label} if line.label else {}
        return [gr.Accordion(elem_classes=line.elem_classes, **label), *others]


def _told(url: str, key: str, health: Health, can: Capabilities) -> str:
    told = [can.miner_name or url, can.model]
    if health.llm_available is False:
        told.insert(0, "The model does not answer")
    if key and url.strip().startswith("http:") and not is_loopback(url):
        told.append(OPEN_KEY)
    return " · ".join(told)


def _as(miner: str, cid: str) -> str:
    return f"{miner} · as {cid or 'nobody'}"


def _unknown() -> gr.Accordion:
    return gr.Accordion(NOT_CHECKED, elem_classes=UNKNOWN)


def _failed(error: ClientError | None) -> gr.Accordion:
    label = "The key is wrong" if markup.is_wrong_key(error) else f"Not connected: {error}"
    return gr.Accordion(label, elem_classes=BAD)

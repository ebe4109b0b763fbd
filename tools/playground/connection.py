"""Which miner the page speaks to, with which key, as which user: the fields on top."""

from typing import Any

import gradio as gr
from gradio.blocks import Block

from tools.playground import markup
from tools.playground.client import Miner, PlaygroundError, is_loopback
from tools.playground.lent import Lent
from tools.playground.pictures import Machine

LEAVE_FIELD = "() => document.activeElement.blur()"  # what is typed is complete
OPEN_KEY = "the key travels unencrypted: this address is not https"

Given = dict[Block, Any]
"""What stands in the fields of the page that a handler asked for."""


class Connection:
    """The fields, and what tabs need to run machines."""

    def __init__(self, lent: Lent, url: str, machines: dict[str, Machine]) -> None:
        self._lent = lent
        self._machines = machines
        with gr.Row(elem_classes="pg-connection"):
            self.url = gr.Textbox(
                url, label="Miner", placeholder="http://localhost:8001", scale=3, min_width=220
            )
            self.key = gr.Textbox(
                label="Key",
                type="password",
                placeholder=_key_hint(lent),
                scale=2,
                min_width=200,
                html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
            )
            self.cid = gr.Textbox("playground", label="User (cid)", scale=2, min_width=160)
            check = gr.Button("Check", scale=0, min_width=90)
        self.status = gr.HTML(elem_id="pg-status")
        self.fields: set[Block] = {self.url, self.key, self.cid}
        for asked in (check.click, self.url.submit, self.key.submit):
            asked(self._check, self.fields, self.status, api_visibility="private")
        for typed in (self.url.submit, self.key.submit):
            typed(None, js=LEAVE_FIELD, api_visibility="private")

    def machine(self, component: str) -> Machine:
        return self._machines.get(component, Machine())

    def miner(self, given: Given) -> Miner:
        """The miner that the fields name."""
        return self._lent.miner(given[self.url], given[self.key])

    async def check_at_start(self, given: Given) -> str:
        """Whether a miner of this machine answers; others are asked only when told to."""
        return await self._check(given) if is_loopback(given[self.url]) else ""

    async def _check(self, given: Given) -> str:
        try:
            miner = self.miner(given)
            health = await miner.ask("GET", "/health")
            can = await miner.ask("GET", "/capabilities")
        except PlaygroundError as error:
            return markup.error(error)
        told = [can.get("miner_name"), health.get("status"), can.get("llm_provider")]
        warning = [OPEN_KEY] if _exposed(miner) else []
        return markup.note(" · ".join(map(str, [*told, can.get("model"), *warning])))


def _exposed(miner: Miner) -> bool:
    return bool(miner.key) and miner.url.startswith("http:") and not is_loopback(miner.url)


def _key_hint(lent: Lent) -> str:
    return "empty: the key of .env" if lent.key else "MINER_API_KEY of the miner"

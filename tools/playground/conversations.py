"""The conversations on the left: those that the miner remembers and those of this browser."""

import re
from typing import Any

import gradio as gr

from tools.client import ClientError, Refused, calls
from tools.playground import markup, talks
from tools.playground.connection import STORAGE, Connection
from tools.playground.events import Given, agreed
from tools.playground.talks import Turn

MOST_LISTED = 50
EXPLAINED = "Each has a user and a playbook of its own, all under the same name (`cid`)."
FORGET = "Erase this conversation here and on the miner? Its playbook stays."
NEW = re.compile(r"-\d+$")
UNKNOWN = 404


class Conversations:
    """The list, and what can be done with the conversation that shows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.talks = gr.BrowserState([], storage_key=f"{STORAGE}-talks", secret=STORAGE)
        with gr.Sidebar(
            position="left", open=False, width=270, elem_id="conversations"
        ) as self.bar:
            gr.Markdown("### Conversations")
            self.new = gr.Button("New conversation", size="sm", variant="primary")
            self.list = gr.Radio([], show_label=False, container=False, elem_id="talks")
            self.names = gr.State([])
            self.error = gr.HTML(elem_id="conversations-error", elem_classes="pg-told")
            with gr.Row():
                self.export = gr.Button("Export", size="sm", min_width=80)
                self.forget = gr.Button("Forget", size="sm", min_width=80)
            gr.Markdown(EXPLAINED, elem_classes="pg-hint")
        self.listed = [self.list, self.names, self.error]
        self.locked = [connection.cid, self.new, self.list, self.forget]
        self.forgetting = agreed(self.forget, FORGET)
        self.export.click(
            None, [self.talks, connection.cid], js="pg.save", api_visibility="private"
        )

    def lock(self, *, open_: bool) -> list[Any]:
        """New values of `locked`: while an answer is on its way, no other conversation opens."""
        return [type(block)(interactive=open_) for block in self.locked]

    async def opened(self, given: Given) -> tuple[list[Turn], list[Any]]:
        """The turns of the user's conversation, and new values of `listed`."""
        cid, kept = given[self._connection.cid], given[self.talks]
        here, there = talks.turns_of(kept, cid), []
        names: list[str] = []
        problem: ClientError | None = None
        try:
            async with self._connection.connecting(given)() as client:
                listed = await client.send(calls.conversations(limit=MOST_LISTED))
                names = [each.cid for each in listed.conversations]
                there = talks.remembered((await client.send(calls.conversation(cid))).messages)
        except ClientError as error:
            # Of a wrong key, or a miner that is not there, the line on top tells.
            if isinstance(error, Refused) and not markup.is_wrong_key(error):
                problem = None if _is_unknown(error) else error
        names += [name for name, _ in kept]
        shown = list(dict.fromkeys([*([] if cid in names else [cid]), *names]))
        listing = [gr.Radio(shown, value=cid), shown, markup.error(problem)]
        return talks.joined(here, there), listing

    async def erase(self, given: Given) -> list[Any]:
        """Erase the user's conversation here and on the miner, which need not know it."""
        cid = given[self._connection.cid]
        try:
            async with self._connection.connecting(given)() as client:
                await client.send(calls.forget_conversation(cid))
        except ClientError as error:
            if not _is_unknown(error):
                return [gr.skip(), markup.error(error)]
        return [talks.kept(given[self.talks], cid, []), ""]

    def name_of_new(self, given: Given) -> str:
        """A name like the present one that is not taken in the list."""
        base = NEW.sub("", given[self._connection.cid]) or "user"
        taken = {given[self._connection.cid], *given[self.names]}
        number = 2
        while f"{base}-{number}" in taken:
            number += 1
        return f"{base}-{number}"


def _is_unknown(error: ClientError) -> bool:
    return isinstance(error, Refused) and error.status == UNKNOWN

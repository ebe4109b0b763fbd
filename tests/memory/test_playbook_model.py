"""Any sequence of changes and restarts leaves what a plain Python model says, for every user."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from changing import supersede
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from memory import Conversations, Playbook, PlaybookFull, UnknownEntry
from memory.embeddings import Vectors
from support import make_settings

LIMIT = 3
MESSAGES = 4

USERS = st.sampled_from(["a", "A", "a:0", "a-0", "a-1", "é", "e\u0301", "a\x00", "", "a%", "a_"])
TEXTS = st.text(min_size=1, max_size=20).filter(lambda text: text == text.strip())
WHICH = st.integers(0, LIMIT - 1)


class Lengths:
    """As good as any embeddings for who only keeps and counts."""

    name = "lengths"

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


@dataclass
class Remembered:
    """An entry of the model."""

    node_id: str
    versions: list[str] = field(default_factory=list)


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.settings = make_settings(
            self.folder, max_playbook_nodes=LIMIT, max_conversation_messages=MESSAGES
        )
        self.runner = asyncio.Runner()
        self.entries: dict[str, list[Remembered]] = {}
        self.said: dict[str, list[tuple[str, str]]] = {}

    def teardown(self) -> None:
        self.run(self.stores.aclose)
        self.runner.close()
        shutil.rmtree(self.folder)

    def run(self, verb: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401
        async def call() -> object:
            return await verb(*arguments)

        return self.runner.run(call())

    @initialize()
    def open(self) -> None:
        self.run(self._open)

    @rule()
    def restart(self) -> None:
        self.run(self.stores.aclose)
        self.run(self._open)

    async def _open(self) -> None:
        self.stores = AsyncExitStack()
        opening = Playbook.open(self.settings, embeddings=Lengths())
        self.playbook = await self.stores.enter_async_context(opening)
        conversations = Conversations.open(self.settings)
        self.conversations = await self.stores.enter_async_context(conversations)

    @rule(cid=USERS, content=TEXTS)
    def add(self, cid: str, content: str) -> None:
        present = self.entries.setdefault(cid, [])
        if len(present) == LIMIT:
            with pytest.raises(PlaybookFull):
                self.run(self.playbook.add, cid, content, "topic")
        else:
            entry = self.run(self.playbook.add, cid, content, "topic")
            present.append(Remembered(entry.node_id, [content]))

    @precondition(lambda self: any(self.entries.values()))
    @rule(cid=USERS, which=WHICH, content=TEXTS)
    def supersede(self, cid: str, which: int, content: str) -> None:
        if which < len(self.entries.get(cid, [])):
            entry = self.entries[cid][which]
            changed = self.run(supersede, self.playbook, cid, entry.node_id, content)
            entry.versions.append(content)
            assert changed.version == len(entry.versions)

    @precondition(lambda self: any(self.entries.values()))
    @rule(cid=USERS, which=WHICH)
    def forget(self, cid: str, which: int) -> None:
        if which < len(self.entries.get(cid, [])):
            entry = self.entries[cid].pop(which)
            self.run(self.playbook.forget, cid, entry.node_id)

    @precondition(lambda self: any(self.entries.values()))
    @rule(owner=USERS, stranger=USERS, content=TEXTS)
    def touch_what_is_not_yours(self, owner: str, stranger: str, content: str) -> None:
        if owner != stranger and self.entries.get(owner):
            node_id = self.entries[owner][0].node_id
            for verb, extra in (
                (partial(supersede, self.playbook), [content]),
                (self.playbook.forget, []),
                (self.playbook.history, []),
            ):
                with pytest.raises(UnknownEntry):
                    self.run(verb, stranger, node_id, *extra)

    @rule(cid=USERS)
    def restore_after_erasure(self, cid: str) -> None:
        exported = self.run(self.playbook.export, cid)
        assert self.run(self.playbook.erase, cid) == len(self.entries.get(cid, []))
        assert self.run(self.playbook.all, cid) == []
        self.run(self.playbook.restore, cid, exported)

    @rule(cid=USERS)
    def erase(self, cid: str) -> None:
        assert self.run(self.playbook.erase, cid) == len(self.entries.pop(cid, []))
        assert self.run(self.conversations.erase, cid) == len(self.said.pop(cid, []))

    @rule(
        cid=USERS,
        messages=st.lists(
            st.tuples(st.sampled_from(["user", "assistant"]), st.text(max_size=20)), max_size=6
        ),
    )
    def append(self, cid: str, messages: list[tuple[str, str]]) -> None:
        self.run(self.conversations.append, cid, *messages)
        if kept := [*self.said.pop(cid, []), *messages][-MESSAGES:]:
            self.said[cid] = kept

    @invariant()
    def every_user_has_exactly_their_own(self) -> None:
        for cid, expected in self.entries.items():
            found = self.run(self.playbook.all, cid)
            assert [entry.node_id for entry in found] == [entry.node_id for entry in expected]
            for entry in expected:
                history = self.run(self.playbook.history, cid, entry.node_id)
                assert [version.content for version in history] == entry.versions
        for cid, expected in self.said.items():
            messages = self.run(self.conversations.messages, cid)
            assert [(message.role, message.content) for message in messages] == expected

    @invariant()
    def the_totals_are_right(self) -> None:
        assert self.run(self.playbook.count) == sum(map(len, self.entries.values()))
        listed, total = self.run(lambda: self.conversations.list(limit=100, offset=0))
        assert total == len(self.said)
        assert {item.cid: item.messages for item in listed} == {
            cid: len(said) for cid, said in self.said.items()
        }


def test_the_memory_is_what_a_plain_model_says() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""What a process owns: the model client, the playbook and the conversations."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from memory import Conversations, Playbook
from nodes.background import BackgroundTasks
from nodes.comparer import Comparer
from nodes.llm.info import BackendInfo, ModelInfo
from nodes.llm.model import Model
from nodes.llm.tokens import TokenCounter
from nodes.websearch import WebSearch, open_search
from settings import Settings

__all__ = ["BackendInfo", "Miner", "ModelInfo"]


@dataclass(frozen=True, slots=True)
class Miner:
    """The resources that every node works with; what differs per request is in the state."""

    settings: Settings
    model: Model
    playbook: Playbook
    conversations: Conversations
    tokens: TokenCounter
    search: WebSearch | None
    background: BackgroundTasks = field(default_factory=BackgroundTasks)
    comparer: Comparer = field(default_factory=Comparer)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator[Self]:
        """Open everything the settings name, and close it at the end.

        Raises `memory.MemoryStoreError` when a store cannot be opened, and `SearchUnavailable`
        when the package of the configured search is missing. A model backend that is
        down is no error here: its calls fail until it is up.
        """
        tokens = await asyncio.to_thread(TokenCounter)
        async with (
            open_search(settings) as search,
            Playbook.open(settings) as playbook,
            Conversations.open(settings) as conversations,
            Model.open(settings, tokens) as model,
            # Comes last, to end before the stores close.
            BackgroundTasks.open() as background,
            Comparer.open() as comparer,
        ):
            yield cls(
                settings, model, playbook, conversations, tokens, search, background, comparer
            )

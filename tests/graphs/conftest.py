"""Machines on real stores, in front of a scripted backend; a blocked loop is an error."""

from collections.abc import AsyncIterator
from pathlib import Path

import hypothesis
import pytest

from machine_backend import _running, backend, blockbuster, embeddings, tokens
from machine_room import WINDOW, Room, settings_for
from memory import Conversations, Playbook, StaticEmbeddings
from nodes.comparer import Comparer
from nodes.llm.model import Model
from nodes.llm.tokens import TokenCounter
from nodes.miner import Miner
from scripted import Scripted

__all__ = ["_running", "backend", "blockbuster", "embeddings", "tokens"]

# No timings: a busy machine is no fault of a reader.
hypothesis.settings.register_profile("machines", deadline=None)
hypothesis.settings.load_profile("machines")


@pytest.fixture(params=["vllm"])
async def room(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    backend: Scripted,
    tokens: TokenCounter,
    embeddings: StaticEmbeddings,
) -> AsyncIterator[Room]:
    """A miner in front of `backend`; parametrize it indirectly to change its settings.

    Its stores and its client are its own; what is dear to load and never changes is shared.
    """
    asked = request.param if isinstance(request.param, dict) else {"provider": request.param}
    settings = settings_for(tmp_path, backend, **asked)
    backend.max_model_len = WINDOW
    async with (
        Playbook.open(settings, embeddings=embeddings) as playbook,
        Conversations.open(settings) as conversations,
        Model.open(settings, tokens) as model,
        Comparer.open() as comparer,
    ):
        miner = Miner(settings, model, playbook, conversations, tokens, None, comparer=comparer)
        yield Room(miner, backend)

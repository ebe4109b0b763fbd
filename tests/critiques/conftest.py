"""A machine on real stores, in front of a scripted backend."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from machine_backend import _running, backend, blockbuster, embeddings, tokens
from machine_room import WINDOW, Room, machine_room, settings_for
from scripted import Scripted

__all__ = ["_running", "backend", "blockbuster", "embeddings", "tokens"]


@pytest.fixture
async def room(tmp_path: Path, backend: Scripted) -> AsyncIterator[Room]:
    backend.max_model_len = WINDOW
    async with machine_room(settings_for(tmp_path, backend), backend) as room:
        yield room

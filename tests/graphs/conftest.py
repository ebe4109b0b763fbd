"""Machines on real stores, in front of a scripted backend; a blocked loop is an error."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from backend_fixture import backend
from machine_room import Room, machine_room, settings_for
from scripted import Scripted

__all__ = ["backend"]


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[None]:
    """A blocking call on the event loop is an error in every test of the machines."""
    with blockbuster_ctx() as watch:
        for function in ("os.path.abspath", "os.stat"):  # settings are made before there is a loop
            watch.functions[function].can_block_in("/settings.py", "_absolute")
        yield


@pytest.fixture(params=["vllm"])
async def room(
    request: pytest.FixtureRequest, tmp_path: Path, backend: Scripted
) -> AsyncIterator[Room]:
    """A miner in front of `backend`; a marker-free way to change its settings is `indirect`."""
    asked = request.param if isinstance(request.param, dict) else {"provider": request.param}
    backend.max_model_len = 32_768
    async with machine_room(settings_for(tmp_path, backend, **asked), backend) as opened:
        yield opened

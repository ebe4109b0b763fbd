"""Playbooks on each kind of store, and a watch over the event loop."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from memory import Playbook
from settings import Settings
from support import make_settings


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """A blocking call on the event loop is an error in every test of the memory."""
    with blockbuster_ctx() as watch:
        # Settings are made before there is a loop, except in tests.
        for function in ("os.path.abspath", "os.stat"):
            watch.functions[function].can_block_in("/settings.py", "_absolute")
            # asyncpg looks for certificates in the home directory whenever it connects.
            watch.functions[function].can_block_in(
                "asyncpg/connect_utils.py", "_parse_connect_dsn_and_args"
            )
        yield watch


@pytest.fixture(params=["embedded", "server"])
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of a playbook, on each kind of store."""
    if request.param == "embedded":
        return make_settings(tmp_path)
    return make_settings(tmp_path, chroma_url=request.getfixturevalue("chroma_server"))


@pytest.fixture
async def playbook(store_settings: Settings) -> AsyncIterator[Playbook]:
    async with Playbook.open(store_settings) as opened:
        yield opened


@pytest.fixture
def cid() -> str:
    """A user nobody has heard of: the session's tests share a Chroma server."""
    return f"user-{uuid4()}"

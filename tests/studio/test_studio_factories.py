"""The factories of `graphs.studio`, in this process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from studio_server import scripted, variables_for

from graphs.registry import COMPONENTS
from graphs.studio import Studio
from memory import StoreLocked, sole_owner


@pytest.fixture
async def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Studio]:
    with scripted() as backend:
        for name, value in {**variables_for(backend), "DATA_DIR": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        opened = Studio()
        yield opened
        await opened.close()


async def test_factories_called_at_once_open_one_miner(studio: Studio, tmp_path: Path) -> None:
    with blockbuster_ctx():
        machines = await asyncio.gather(*(studio.machine(name) for name in COMPONENTS))
        again = await studio.machine("complete")

    assert [machine.name for machine in machines] == list(COMPONENTS)
    assert again is machines[0]
    with pytest.raises(StoreLocked), sole_owner(tmp_path):
        pass


async def test_closing_gives_the_folder_free(studio: Studio, tmp_path: Path) -> None:
    await studio.machine("complete")

    await studio.close()

    with sole_owner(tmp_path):
        pass

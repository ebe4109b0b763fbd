"""What is said at a start of files that were lost, emptied or damaged, or that others can read."""

import asyncio
import shutil
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from memory import Conversations, Playbook, StoreUnavailable
from settings import Settings

RESTORE = "python -m tools.backup --restore"


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that name the way back, since the last look; where they stand depends on whether
    an earlier test has configured logging."""
    return [line for line in "".join(capsys.readouterr()).splitlines() if RESTORE in line]


async def remember(settings: Settings) -> None:
    async with Playbook.open(settings) as playbook, Conversations.open(settings) as conversations:
        await playbook.add("a", "Be brief", "style")
        await conversations.append("a", ("user", "Hello"))


async def start(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(Playbook.open(settings))
        await stack.enter_async_context(Conversations.open(settings))


def test_an_emptied_store_does_not_start_silently(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(start(settings))
    asyncio.run(remember(settings))
    asyncio.run(start(settings))
    assert not told(capsys)
    shutil.rmtree(settings.data_dir / "playbook")
    (settings.data_dir / "conversations.db").unlink()
    asyncio.run(start(settings))
    lines = told(capsys)
    assert len(lines) == 2
    assert "playbook is empty" in lines[0]
    assert "conversations is empty" in lines[1]
    assert all("UTC" in line for line in lines)
    asyncio.run(start(settings))
    assert not told(capsys)


async def test_what_was_erased_is_not_missed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await remember(settings)
    async with Playbook.open(settings) as playbook, Conversations.open(settings) as conversations:
        await playbook.erase("a")
        await conversations.erase("a")
        assert await playbook.count() == await conversations.count() == 0
    await start(settings)
    assert not told(capsys)


@pytest.mark.parametrize("file", ["conversations.db", "playbook/chroma.sqlite3"])
def test_a_damaged_file_is_one_line(settings: Settings, file: str) -> None:
    asyncio.run(remember(settings))
    (settings.data_dir / file).write_bytes(b"x" * 10_000)
    with pytest.raises(StoreUnavailable) as caught:
        asyncio.run(start(settings))
    [line] = str(caught.value).splitlines()
    assert all(part in line for part in (file, "last written", "UTC", RESTORE))


def test_files_that_others_could_read_are_made_private(settings: Settings) -> None:
    asyncio.run(remember(settings))
    folder = settings.data_dir
    paths = [path for path in (folder, *folder.rglob("*")) if path.suffix != ".json"]
    for path in paths:
        path.chmod(0o755 if path.is_dir() else 0o644)
    asyncio.run(start(settings))
    assert _open_to_others(paths) == []


def _open_to_others(paths: list[Path]) -> list[Path]:
    return [path for path in paths if path.exists() and path.stat().st_mode & 0o077]

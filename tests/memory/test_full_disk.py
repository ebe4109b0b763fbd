"""A full disk refuses writes before they reach embedded Chroma, which would not come back."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory import Playbook, StoreUnavailable
from memory.disk_guard import TO_DELETE, TO_WRITE
from settings import Settings
from support import make_settings

SIZE = 3 * TO_WRITE


class Disk:
    """A file system of its own, and a file that fills it."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    async def leave(self, room: int) -> None:
        """Leave so many bytes free."""
        await asyncio.to_thread(self._leave, room)

    def _leave(self, room: int) -> None:
        self._ballast.unlink(missing_ok=True)
        found = os.statvfs(self._ballast.parent)
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, found.f_bavail * found.f_frsize - room)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only who may mount a small disk can fill one")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def on_disk(disk: Disk, tmp_path: Path) -> Settings:
    return make_settings(tmp_path / "disk" / "data")


async def test_nothing_is_written_until_there_is_room(on_disk: Settings, disk: Disk) -> None:
    async with Playbook.open(on_disk) as playbook:
        first = await playbook.add("a", "Be brief", "style")
        await disk.leave(TO_WRITE // 2)
        with pytest.raises(StoreUnavailable, match="DATA_DIR is full"):
            await playbook.add("a", "Be polite", "tone")
        assert await playbook.all("a") == [first]
        await disk.leave(TO_WRITE * 3 // 2)
        second = await playbook.add("a", "Be polite", "tone")
        assert await playbook.all("a") == [first, second]


async def test_a_user_is_forgotten_while_any_room_is_left(on_disk: Settings, disk: Disk) -> None:
    async with Playbook.open(on_disk) as playbook:
        entry = await playbook.add("a", "Be brief", "style")
        await disk.leave(TO_DELETE // 2)
        with pytest.raises(StoreUnavailable, match="DATA_DIR is full"):
            await playbook.erase("a")
        assert await playbook.all("a") == [entry]
        await disk.leave(TO_WRITE // 2)
        assert await playbook.erase("a") == 1


async def test_a_playbook_on_a_full_disk_opens_and_is_read(on_disk: Settings, disk: Disk) -> None:
    async with Playbook.open(on_disk) as playbook:
        entry = await playbook.add("a", "Be brief", "style")
    await disk.leave(TO_WRITE // 2)
    async with Playbook.open(on_disk) as playbook:
        assert await playbook.all("a") == [entry]
        with pytest.raises(StoreUnavailable, match="DATA_DIR is full"):
            await playbook.add("a", "Be polite", "tone")

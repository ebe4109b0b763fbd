"""A guard over the disk, without whose free space embedded Chroma is not to be asked to write.

A few writes to a full disk fail as they should; then one blocks inside Chroma, holding the
interpreter's lock, and with it the whole process, for good.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from chromadb.errors import ChromaError

from memory.errors import StoreUnavailable

MEBIBYTE: Final = 2**20
TO_WRITE: Final = 64 * MEBIBYTE
"""Many times what a write takes, index and journal included."""
TO_DELETE: Final = 16 * MEBIBYTE
"""Whoever wants to be forgotten still can be when little room is left."""
TWICE: Final = 2


class DiskGuard:
    """Lets calls that write pass while the disk of `folder` has room. To be used in threads.

    After a failed write with little room left, there has to be twice as much for the next one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._failed = False

    def call(self, least: int, method: Callable[..., Any], /, **arguments: object) -> Any:  # noqa: ANN401
        """What `method` gives. Raises `StoreUnavailable` instead of calling it with fewer than
        `least` bytes free."""
        free = self._free()
        if free >= TWICE * TO_WRITE:
            self._failed = False
        needed = TWICE * least if self._failed else least
        if free < needed:
            raise StoreUnavailable(
                "the disk of DATA_DIR is full, or nearly: the playbook is not changed until "
                f"{needed // MEBIBYTE} MiB are free"
            )
        try:
            return method(**arguments)
        except (ChromaError, OSError):
            # Not every full disk tells of itself: a quota, or another program, was quicker.
            self._failed = self._free() < TWICE * TO_WRITE
            raise

    def _free(self) -> int:
        return shutil.disk_usage(self._folder).free

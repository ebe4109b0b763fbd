"""Telling at a start that a store which held something is empty: lost, or emptied."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


class Census:
    """Whether a store holds anything: a file of DATA_DIR, apart from the store, is there or not."""

    def __init__(self, data_dir: Path, store: str) -> None:
        self._mark = data_dir / f".{store}.filled"
        self._store = store
        self._empty: bool | None = None

    async def note(self, *, empty: bool) -> None:
        """Remember what was seen; at a start, warn where the store had something the last time."""
        if self._empty is not empty:
            # Where nothing can be written there are other complaints.
            with suppress(OSError):
                await asyncio.to_thread(self._note, empty)

    def _note(self, empty: bool) -> None:
        if empty and self._empty is None and self._mark.exists():
            last_seen = datetime.fromtimestamp(self._mark.stat().st_mtime, UTC)
            log.warning(
                f"the store of the {self._store} is empty and was not before: if it was lost, "
                "put the backup back with python -m tools.backup --restore FILE",
                last_seen=f"{last_seen:%Y-%m-%d %H:%M} UTC",
            )
        if empty:
            self._mark.unlink(missing_ok=True)
        else:
            self._mark.touch(mode=0o600)
        self._empty = empty

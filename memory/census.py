"""Telling at a start that a store which held something is empty: lost, or emptied."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


class Census:
    """Whether a store holds anything, as last seen; kept in DATA_DIR, apart from the store."""

    def __init__(self, data_dir: Path, store: str) -> None:
        self._file = data_dir / f".{store}.seen.json"
        self._store = store
        self._empty: bool | None = None

    async def compare(self, *, empty: bool) -> None:
        """At a start: warn where the store held something, and holds nothing now."""
        await asyncio.to_thread(self._compare, empty)

    async def note(self, *, empty: bool) -> None:
        """Remember what was seen."""
        if self._empty is not empty:
            await asyncio.to_thread(self._write, empty)

    def _compare(self, empty: bool) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            seen = json.loads(self._file.read_text(encoding="utf-8"))
            if empty and not seen["empty"]:
                log.warning(
                    f"the store of the {self._store} is empty and was not before: if it was lost, "
                    "put the backup back with python -m tools.backup --restore FILE",
                    last_seen=seen["at"],
                )
        self._write(empty)

    def _write(self, empty: bool) -> None:
        # Where nothing can be written there are other complaints.
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            seen = {"empty": empty, "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"}
            self._file.write_text(json.dumps(seen), encoding="utf-8")
            self._empty = empty

"""One owner for a DATA_DIR: two processes on one embedded Chroma lose each other's vectors."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from memory.errors import StoreLocked, StoreUnavailable

OURS: Final = (
    "conversations.db*",
    ".*.lock",
    ".*.filled",
    ".lock",
    "playbook",
    "playbook/**/*",
    "turns/*",
)


@contextmanager
def sole_owner(data_dir: Path) -> Iterator[None]:
    """Own `data_dir`, created if need be, until the block ends or the process does.

    Blocks for file access only, never for the other owner. Raises `StoreLocked` if there is one
    (in this process too), `StoreUnavailable` if the folder cannot be written.
    """
    lock = FileLock(data_dir / ".lock", timeout=0, thread_local=False, fallback_to_soft=False)
    try:
        private_folder(data_dir)
        lock.acquire()
    except Timeout:
        raise StoreLocked(
            f"{data_dir} is in use by another process: run one process per DATA_DIR, "
            "or let them share a Chroma server (CHROMA_URL)"
        ) from None
    except OSError as error:
        raise _unwritable(data_dir, error) from error
    try:
        yield
    finally:
        lock.release()


def private_folder(folder: Path) -> None:
    """Create `folder`, if it is not there, for its owner alone: it holds what users said. So for
    the miner's files in one that is there.

    Raises `StoreUnavailable`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    for path in (folder, *(path for pattern in OURS for path in folder.glob(pattern))):
        # Those of another owner are not ours to change.
        with suppress(PermissionError, FileNotFoundError):
            path.chmod(0o700 if path.is_dir() else 0o600)


def damaged(file: Path, error: Exception) -> StoreUnavailable:
    """What to say of a store's file that cannot be opened."""
    written = "is not there"
    if file.is_file():
        written = f"was last written {datetime.fromtimestamp(file.stat().st_mtime, UTC):%F %R} UTC"
    return StoreUnavailable(
        f"{file} (DATA_DIR) cannot be used ({type(error).__name__}); it {written}: move it away, "
        "start the miner, and put the backup back with python -m tools.backup --restore FILE"
    )


def _unwritable(folder: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"cannot use {folder} (DATA_DIR): {error.strerror}")

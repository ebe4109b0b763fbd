"""One owner for a DATA_DIR: two processes on one embedded Chroma lose each other's vectors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from memory.errors import StoreLocked, StoreUnavailable


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
    """Create `folder`, if it is not there, for its owner alone: it holds what users said.

    Raises `StoreUnavailable`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"cannot use {folder} (DATA_DIR): {error.strerror}")

"""Keep everything that a running miner remembers in one file, and put it back.

`python -m tools.backup miner.backup` writes the file (gzip, a JSON object a line) while the miner
goes on; `python -m tools.backup --restore miner.backup` gives it to a miner, which may have other
stores and embeddings. What is remembered there already stays, but for entries of the backup, which
go back to their state in it. The key is read as the evaluation reads it, from the environment or
from `.env`.
"""

import argparse
import gzip
import json
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from settings import ENV_FILE
from tools.client import is_loopback
from tools.miner_key import KeyUnknown, read_key

TIMEOUT = httpx.Timeout(120, connect=5)
BATCH_BYTES = 1_000_000
BATCH_LINES = 100
MOST_TRIES = 10
LONGEST_PAUSE = 60.0  # seconds
TRANSIENT = frozenset({429, 503})
TOLD = ("playbooks", "conversations")


class BackupFailed(Exception):
    """The backup was not made, or not put back. The message is one line."""


def main() -> int:
    """The command; returns the exit code."""
    options = _options()
    try:
        key = read_key(options.key_file, ENV_FILE)
        with httpx.Client(
            base_url=options.url,
            headers={"X-API-Key": key},
            timeout=TIMEOUT,
            trust_env=not is_loopback(options.url),
        ) as miner:
            print(restore(miner, options.file) if options.restore else back_up(miner, options.file))
    except (BackupFailed, KeyUnknown) as error:
        print(f"backup: {error}", file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        print(f"backup: {options.url}: {type(error).__name__}", file=sys.stderr)
        return 1
    return 0


def back_up(miner: httpx.Client, file: Path) -> str:
    """Write a backup, which replaces `file` once it is whole; returns what is in it.

    Raises `BackupFailed`, `httpx.HTTPError`.
    """
    part = file.with_name(f"{file.name}.part")
    _make_private(part)
    with miner.stream("GET", "/backup") as answer, gzip.open(part, "wb") as written:
        if not answer.is_success:
            raise BackupFailed(f"the miner answers {answer.status_code} to GET /backup")
        for chunk in answer.iter_bytes():
            written.write(chunk)
    end = _checked(part)
    part.replace(file)
    return f"{file}: {_counts(end)}"


def restore(miner: httpx.Client, file: Path) -> str:
    """Give a whole backup to a miner; returns what was put back.

    Raises `BackupFailed`, `httpx.HTTPError`.
    """
    _checked(file)
    done = dict.fromkeys((*TOLD, "kept"), 0)
    for batch in _batches(file):
        for name, count in _sent(miner, batch).items():
            done[name] += count
    kept = f"; {done['kept']} conversations there are newer and stay" if done["kept"] else ""
    return f"put back {_counts(done)}{kept}"


def _sent(miner: httpx.Client, batch: list[bytes]) -> dict[str, int]:
    for _ in range(MOST_TRIES):
        answer = miner.post("/restore", content=b"".join(batch))
        if answer.is_success:
            told: dict[str, int] = answer.json()
            return told
        if answer.status_code not in TRANSIENT:
            break
        time.sleep(_pause(answer.headers.get("Retry-After", "")))
    raise BackupFailed(f"the miner answers {answer.status_code}: {answer.text[:500]}")


def _pause(seconds: str) -> float:
    return min(float(seconds), LONGEST_PAUSE) if seconds.isdecimal() else 1.0


def _batches(file: Path) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for line in _lines(file):
        if batch and (len(batch) >= BATCH_LINES or sum(map(len, batch)) + len(line) > BATCH_BYTES):
            yield batch
            batch = []
        if not line.startswith(b'{"end":'):
            batch.append(line)
    if batch:
        yield batch


def _checked(file: Path) -> dict[str, int]:
    """What the last line counts. Raises `BackupFailed` unless all of that came before it."""
    found, end = dict.fromkeys(TOLD, 0), None
    for number, line in enumerate(_lines(file), 1):
        row = _object(line, f"{file}, line {number}")
        end = row.get("end")
        found["playbooks"] += "playbook" in row
        found["conversations"] += "conversation" in row
    if end != found:
        raise BackupFailed(f"{file} is not a whole backup")
    return found


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise BackupFailed(f"{where} is damaged")
    return row


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with gzip.open(file) as lines:
            yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise BackupFailed(f"cannot read {file}: {error}") from None


def _make_private(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
    except OSError as error:
        raise BackupFailed(f"cannot write {file}: {error.strerror}") from None


def _counts(counts: dict[str, int]) -> str:
    return f"{counts['playbooks']} playbooks and {counts['conversations']} conversations"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.backup", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--restore", action="store_true", help="put the file back")
    parser.add_argument("--url", default="http://127.0.0.1:8001", help="address of the miner")
    parser.add_argument("--key-file", type=Path, help="file with the miner's key")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

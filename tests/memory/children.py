"""Starts `child.py`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


@contextmanager
def child(doing: str, folder: Path, *url: str) -> Iterator[subprocess.Popen[str]]:
    """A child process with pipes for stdin, stdout and stderr; killed at the end of the block."""
    paths = os.pathsep.join(map(str, (TESTS.parent, TESTS)))
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("child.py"), doing, folder, *url],
        env=os.environ | {"PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that a child says; fails with its errors if it says no more."""
    assert process.stdout
    assert process.stderr
    if said := process.stdout.readline():
        return said.strip()
    raise AssertionError(f"the child ended: {process.stderr.read()}")

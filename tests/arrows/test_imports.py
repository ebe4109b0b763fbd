"""What an import does: which room may import which is said by the contracts in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

from settings import ROOT

# Heavy optional packages, imported where they are needed and by nobody's start.
OPTIONAL = ("gradio", "bittensor", "bittensor_core", "ddgs", "vllm")

WATCHED = """
import sys
opened = []
def watch(event, arguments):
    if event in ("socket.connect", "sqlite3.connect", "subprocess.Popen"):
        opened.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        opened.append(f"{event} {arguments[0]}")
    if event == "open" and str(arguments[0]).endswith("/.env"):
        opened.append(f"{event} {arguments[0]}")
sys.dont_write_bytecode = True
sys.addaudithook(watch)
import importlib, threading
importlib.import_module(sys.argv[1])
assert not opened, opened
names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
assert not names, names
heavy = sorted(set(sys.argv[2].split(",")) & set(sys.modules))
assert not heavy, heavy
"""


@pytest.mark.parametrize("module", ["settings", "server.app"])
def test_an_import_builds_nothing(module: str, tmp_path: Path) -> None:
    """Importing opens no socket, database or `.env`, writes no file, starts no thread."""
    result = subprocess.run(
        [sys.executable, "-c", WATCHED, module, ",".join(OPTIONAL)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert list(tmp_path.iterdir()) == []

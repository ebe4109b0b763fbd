"""The arrows of the house: which package may import which, where, and what an import may do."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("settings", "memory", "nodes", "graphs", "server", "tools")
MAY_IMPORT = {
    "settings": set(),
    "memory": {"settings"},
    "nodes": {"settings", "memory"},
    "graphs": {"settings", "memory", "nodes"},
    "server": {"settings", "memory", "nodes", "graphs"},
    "tools": {"settings"},
}
# Heavy optional packages, imported where they are needed and by nobody's start.
OPTIONAL = {"gradio", "bittensor", "bittensor_core", "langchain_community", "ddgs", "vllm"}
BUILT_ON_THEM = {"tools.playground"}  # imports gradio at its top, so its launcher imports it late


def files_of(room: str) -> list[Path]:
    single = ROOT / f"{room}.py"
    return [single] if single.exists() else sorted((ROOT / room).rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The absolute module names a tree imports, each with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import in line {node.lineno}"
            yield str(node.module), node.lineno


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def files(*rooms: str) -> pytest.MarkDecorator:
    found = [(room, path) for room in rooms for path in files_of(room)]
    names = [str(path.relative_to(ROOT)) for _, path in found]
    return pytest.mark.parametrize(("room", "path"), found, ids=names)


def test_every_room_is_there() -> None:
    assert all(files_of(room) for room in ROOMS)


@files(*ROOMS)
def test_imports_run_one_way(room: str, path: Path) -> None:
    against = [
        f"line {line}: {name}"
        for name, line in imported(parsed(path))
        if name.partition(".")[0] in {*ROOMS, "run"} - MAY_IMPORT[room] - {room}
    ]
    assert not against


@files(*ROOMS)
def test_nothing_is_imported_within_a_function_but_heavy_options(room: str, path: Path) -> None:
    functions = [
        node
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    hidden = {
        f"line {line}: {name}"
        for function in functions
        for name, line in imported(function)
        if name.partition(".")[0] not in OPTIONAL and name not in BUILT_ON_THEM
    }
    assert not hidden


@files(*(room for room in ROOMS if room != "tools"))
def test_the_server_s_own_rooms_import_no_heavy_option_at_their_top(room: str, path: Path) -> None:
    tops = [
        name
        for node in parsed(path).body
        for name, _ in imported(node)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not {name.partition(".")[0] for name in tops} & OPTIONAL


@files(*ROOMS)
def test_no_tool_of_the_tests_is_imported(room: str, path: Path) -> None:
    tests = {file.stem for file in (ROOT / "tests").glob("*.py")} | {"pytest", "hypothesis"}
    assert not {name.partition(".")[0] for name, _ in imported(parsed(path))} & tests


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

"""The command: its options, and what keeps it from starting."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from pages import PAGES, commands
from settings import ROOT

NAME = "docs/playground.md"
PAGE = PAGES[NAME].read_text(encoding="utf-8")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "gradio_test_ui.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | environment,
    )


def test_the_page_may_not_be_shared() -> None:
    refused = run("--share")
    assert refused.returncode == 2
    assert "--share" in refused.stderr
    assert "share" not in run("--help").stdout


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run("--port", str(port))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"cannot start: cannot listen on 127.0.0.1:{port}")
    assert "--port" in refused.stderr


@pytest.mark.parametrize("package", ["gradio", "httpx_sse", "pandas"])
def test_a_missing_package_is_named_with_the_way_to_install_it(
    package: str, tmp_path: Path
) -> None:
    missing = f"raise ModuleNotFoundError('it is not installed', name={package!r})"
    (tmp_path / f"{package}.py").write_text(missing)
    refused = run("--port", "0", PYTHONPATH=str(tmp_path))
    assert refused.returncode == 2
    [command] = re.findall(r"^pip install .*$", PAGE, re.M)
    assert refused.stderr == f"cannot start: the playground needs Gradio: {command}\n"


def test_the_table_gives_every_option_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `(--[a-z]+)` \| `?([^|`]*)", PAGE, re.M))
    shown = run("--help").stdout
    assert set(rows) == set(re.findall(r"^  (--[a-z]+)", shown, re.M))
    for option in ("--host", "--port"):
        assert re.search(rf"{option} \w+ .*\({rows[option]}\)", shown)


def test_the_pictures_of_the_page_are_there() -> None:
    names = re.findall(r"!\[[^]]+\]\((images/[^)]+)\)", PAGE)
    assert len(names) == 6
    for name in names:
        assert (ROOT / "docs" / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("browsing")
@pytest.mark.parametrize("page", ["README.md", NAME])
def test_the_command_of_the_documentation_serves_the_page(
    page: str, miner: str, tmp_path: Path
) -> None:
    from browser import playground  # noqa: PLC0415 - it needs what a bare machine lacks

    [command] = [line for line in commands(page) if "gradio_test_ui.py" in line]
    assert command == "python gradio_test_ui.py"
    with playground(tmp_path, miner) as running:
        shown = httpx.get(running.address, trust_env=False)
    assert miner in shown.text


@pytest.mark.usefixtures("browsing")
def test_the_key_is_not_lent_beyond_this_machine(miner: str, tmp_path: Path) -> None:
    from browser import playground  # noqa: PLC0415 - it needs what a bare machine lacks

    with playground(
        tmp_path, miner, "--host", "0.0.0.0", "--miner", "http://miner:1"
    ) as open_to_all:
        assert "the key of .env is not lent" in open_to_all.logged
        page = httpx.get(open_to_all.address, trust_env=False).text
    assert "http://miner:1" in page
    assert "its MINER_API_KEY" in page
    assert "empty: the key of .env" not in page

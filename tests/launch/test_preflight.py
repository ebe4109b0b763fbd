"""What a start lacks is told before anything is imported."""

import subprocess
import sys

import pytest

from settings import ROOT
from tools.preflight import fault


def test_nothing_is_missing_here() -> None:
    assert fault(sys.version_info[:2]) is None


@pytest.mark.parametrize("version", [(3, 9), (3, 10), (3, 14)])
def test_another_python_is_named_with_what_to_do(version: tuple[int, int]) -> None:
    told = fault(version)
    assert told
    assert told.startswith(f"this is Python {version[0]}.{version[1]}, and the miner needs 3.11")
    assert "-m venv" in told


def test_missing_packages_are_told_in_one_line() -> None:
    command = [sys.executable, "-S", str(ROOT / "run.py")]  # -S: without installed packages
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("cannot start: ")
    assert ended.stderr.endswith("not installed: pip install -r requirements.txt\n")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("how", [["."], ["-e", "."]], ids=["installed", "editable"])
def test_pip_says_that_it_is_run_from_its_folder(how: list[str]) -> None:
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--dry-run", *how]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "application that runs from its folder" in ended.stdout + ended.stderr

"""What the documentation tells to type is typed here, or named with the place that types it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from launch.launched import environment
from running_miner import KEY, miner_settings, serving
from scripted import Scripted
from server.reference import reference
from settings import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
# What is run elsewhere: `.ci/run` installs and starts, the tools' own tests drive their programs.
RUN_ELSEWHERE = re.compile(
    r"pip install|python3? -m venv|python run\.py|encrypt\.py|quick_vllm\.py|gradio_test_ui\.py"
    r"|tools\.evaluate|langgraph dev|btcli|nvidia-smi|jupyter"
)


def blocks(language: str) -> list[tuple[str, str]]:
    """Every block of a language, with the page it stands on."""
    return [
        (page.name, block)
        for page in PAGES
        for block in re.findall(
            rf"^```{language}\n(.*?)^```",
            page.read_text(encoding="utf-8"),
            re.DOTALL | re.MULTILINE,
        )
    ]


def curls() -> list[tuple[str, str]]:
    return [(page, block) for page, block in blocks("sh") if "localhost:8001" in block]


@pytest.mark.parametrize(("page", "block"), curls())
def test_a_call_of_the_documentation_is_answered(
    tmp_path: Path, backend: Scripted, page: str, block: str
) -> None:
    backend.default("an answer from the script")
    (tmp_path / ".env").write_text(f"MINER_API_KEY={KEY}\n")
    with serving(miner_settings(tmp_path / "data", backend)) as address:
        told = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.replace("http://localhost:8001", address)],
            cwd=tmp_path,
            env={**os.environ, "MINER_API_KEY": KEY},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert '"error"' not in told.stdout
    assert told.stdout.strip()


def test_every_other_command_is_run_somewhere() -> None:
    unknown = [
        (page, block)
        for page, block in blocks("sh")
        if "localhost:8001" not in block and not RUN_ELSEWHERE.search(block)
    ]
    assert not unknown


def test_the_script_for_engineers_runs(tmp_path: Path, backend: Scripted) -> None:
    [script] = [block for page, block in blocks("python") if page == "engineers.md"]
    backend.default("Answer: 42")
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(
            LLM_PROVIDER="vllm",
            VLLM_API_BASE=backend.base_url,
            MINER_API_KEY=KEY,
            DATA_DIR=str(tmp_path),
        ),
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert "Answer: 42" in told.stdout
    assert "recall" in told.stdout


def test_the_api_reference_is_that_of_the_code() -> None:
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == reference()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    files = [target for target in targets if "://" not in target]
    missing = [target for target in files if not (page.parent / target).exists()]
    assert not missing

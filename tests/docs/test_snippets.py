"""What the README tells to type is typed here; links and the reference are those of the code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from launch.launched import environment
from pages import PAGES, block, blocks
from running_miner import KEY, miner_settings, serving
from scripted import Scripted
from server.reference import reference
from settings import ROOT


def curls() -> list[str]:
    return [block.text for block in blocks("README.md") if "curl" in block.text]


@pytest.mark.parametrize("call", curls())
def test_a_call_of_the_documentation_is_answered(
    tmp_path: Path, backend: Scripted, call: str
) -> None:
    backend.default("an answer from the script")
    (tmp_path / ".env").write_text(f"MINER_API_KEY={KEY}\n")
    with serving(miner_settings(tmp_path / "data", backend)) as address:
        told = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", call.replace("http://localhost:8001", address)],
            cwd=tmp_path,
            env={**os.environ, "MINER_API_KEY": KEY},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert '"error"' not in told.stdout
    assert told.stdout.strip()


def test_the_script_for_engineers_runs(tmp_path: Path, backend: Scripted) -> None:
    script = block("docs/engineers.md", "asyncio.run(main())")
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


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    files = [target for target in targets if "://" not in target]
    missing = [target for target in files if not (page.parent / target).exists()]
    assert not missing

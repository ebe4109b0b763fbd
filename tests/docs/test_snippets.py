"""What the README tells to type is typed here; links and the reference are those of the code."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from pages import PAGES, blocks
from running_miner import KEY, miner_settings, serving
from scripted import Scripted


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


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    files = [target for target in targets if "://" not in target]
    missing = [target for target in files if not (page.parent / target).exists()]
    assert not missing

"""Pages that show what the code is: their pictures and their table are generated."""

import re
from pathlib import Path

from graphs.pictures import section
from graphs.registry import Machines
from nodes.miner import Miner
from settings import ROOT
from support import make_settings
from tools.reference import table


def between(marker: str) -> str:
    text = (ROOT / "docs" / f"{marker}.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {marker} -->\n(.*?)<!-- /{marker} -->", text, re.DOTALL)
    assert found, f"docs/{marker}.md has no section between the markers {marker}"
    return found.group(1).strip()


async def test_the_pictures_are_those_of_the_machines(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, local_api_base="http://127.0.0.1:1/v1")
    async with Miner.open(settings) as miner:
        assert between("machines") == section(Machines(miner)).strip()


def test_the_settings_table_is_that_of_the_settings() -> None:
    assert between("settings") == table().strip()

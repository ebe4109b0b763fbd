"""What `docs/api.md` tells to type is typed here, and its transcript is what a run writes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages import block, blocks
from running_miner import KEY, client_of, miner_settings, serving
from scripted import Scripted
from settings import ROOT

PAGE = "docs/api.md"
HOME = "http://localhost:8001"


@pytest.fixture
def miner(tmp_path: Path, backend: Scripted) -> Iterator[str]:
    backend.when("dealt with?", "OPEN: none")
    backend.when("strict and fair reviewer", "PROBLEM: It is wrong.\nSUGGESTION: Multiply again.")
    backend.default("6 times 7 is 42.")
    (tmp_path / ".env").write_text(f"MINER_API_KEY={KEY}\n")
    with serving(miner_settings(tmp_path / "data", backend)) as address:
        yield address


def typed(folder: Path, *command: str) -> str:
    variables = {"MINER_API_KEY": KEY, "PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


SHELL = [each.text for each in blocks(PAGE) if each.language == "sh"]
PROGRAMS = [each.text for each in blocks(PAGE) if each.language == "python"]


@pytest.mark.parametrize("commands", SHELL)
def test_the_commands_are_answered(tmp_path: Path, miner: str, commands: str) -> None:
    printed = typed(tmp_path, "bash", "-euo", "pipefail", "-c", commands.replace(HOME, miner))
    asked = len(re.findall(r"^(?:call [a-z]|ask [\"h-]|curl )", commands, re.MULTILINE))
    assert len([line for line in printed.splitlines() if line.startswith("{")]) == asked
    assert '"error"' not in printed


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_programs_print_the_answer(tmp_path: Path, miner: str, program: str) -> None:
    printed = typed(tmp_path, sys.executable, "-c", program.replace(HOME, miner))
    assert "6 times 7 is 42." in printed


async def test_the_transcript_is_that_of_a_run(miner: str) -> None:
    async with client_of(miner) as client:
        answered = await client.post(
            "/complete",
            json={"cid": "ann", "task": "What is 6 times 7?", "input": ""},
            headers={"Accept": "text/event-stream"},
        )

    def told(text: str) -> list[tuple[str, object]]:
        found = re.findall(r"^event: (\w+)\ndata: (.*)$", text, re.MULTILINE)
        return [(name, json.loads(data)) for name, data in found if name != "token"]

    shown = block(PAGE, "event: node", "text")
    assert told(answered.text) == told(shown)
    texts = (re.findall(r'"text": "(.*)"}', text) for text in (answered.text, shown))
    assert ["".join(each) for each in texts] == ["6 times 7 is 42."] * 2


async def test_the_error_is_the_one_shown(miner: str) -> None:
    async with client_of(miner) as client:
        answered = await client.post("/complete", json={"task": "", "input": ""})

    shown = json.loads(block(PAGE, "invalid_request", "json"))
    assert {**answered.json(), "request_id": "…"} == shown

"""What `docs/studio.md` tells to type does what it says."""

import asyncio
import json
import sys

import pytest
from studio_server import StudioServer

from graphs.registry import COMPONENTS
from pages import PAGES, block

pytestmark = pytest.mark.timeout(300)  # a start takes seconds, more on a busy machine

NAME = "docs/studio.md"
PAGE = PAGES[NAME].read_text(encoding="utf-8")


async def test_the_input_it_shows_runs(studio: StudioServer) -> None:
    question = json.loads(block(NAME, "task", "json"))

    ended = await studio.run("complete", **question)

    assert ended["answer"]
    assert ended["prompt"][-1]["content"].startswith(question["task"])


async def test_the_program_it_shows_prints_every_step(studio: StudioServer) -> None:
    program = block(NAME, "asyncio.run").replace("http://127.0.0.1:2024", studio.address)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )

    printed, _ = await child.communicate()

    assert child.returncode == 0
    assert [f"updates {{'{step}'" in printed.decode() for step in ("recall", "draft")] == [True] * 2


def test_it_names_every_machine() -> None:
    assert all(f"`{machine}`" in PAGE for machine in COMPONENTS)

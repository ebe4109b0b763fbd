"""Every command and option of docs/vllm.md is one that quick_vllm.py takes."""

import re
import shlex

import pytest
from launching import Machine

from pages import PAGES, block, commands
from support import free_port

NAME = "docs/vllm.md"
PAGE = PAGES[NAME].read_text(encoding="utf-8")
COMMANDS = commands(NAME)
LAUNCHES = [shlex.split(command) for command in COMMANDS if " quick_vllm.py" in command]


def test_nothing_on_the_page_goes_untested() -> None:
    known = ("python3 -m venv vllm-env", "vllm-env/bin/pip install", "export VLLM_API_KEY=")
    rest = [c for c in COMMANDS if not c.startswith(known) and " quick_vllm.py" not in c]
    assert rest == []
    assert len(LAUNCHES) == 4


@pytest.mark.parametrize("words", LAUNCHES, ids=shlex.join)
def test_the_command_works(machine: Machine, words: list[str]) -> None:
    arguments = words[2:]
    if "--dry-run" in arguments:
        done = machine.run(*arguments)
        assert done.returncode == 0
        assert done.stdout.startswith("vllm serve hugging-quants/")
        return
    with machine.running(*arguments, "--port", str(free_port()), VLLM_API_KEY="a-key") as launched:
        launched.wait_for("LLM_PROVIDER=vllm")


def test_the_page_shows_the_lines_that_are_printed(bare: Machine) -> None:
    shown = block(NAME, "LLM_PROVIDER")
    assert shown == bare.run("--dry-run").stdout.partition("\n")[2]


def test_the_way_to_install_is_the_one_the_program_names(bare: Machine) -> None:
    bare.give_gpu()
    named = bare.run().stdout
    assert [line.strip() for line in named.splitlines()[1:]] == COMMANDS[:3]


def test_the_table_gives_every_option_and_its_default(bare: Machine) -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)` \| (?:`?([^|`]*)`? )?\|", PAGE, re.M)
    described, _, _ = bare.run("--help").stdout.partition("What follows a --")
    text = re.sub(r"\s+", " ", described)
    assert {option for option, _ in rows} == set(re.findall(r"(--[a-z-]+)[ \]]", text)) - {"--help"}
    for option, default in rows:
        if default and option != "--model":
            explained = text.rpartition(f" {option} ")[2]
            assert explained.partition("(default: ")[2].startswith(f"{default})")

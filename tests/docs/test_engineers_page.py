"""What `docs/engineers.md` shows is done here, in copies of the repository.

Where a diff no longer applies, make the change by hand and take what `git diff -U1` prints.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from launch.launched import Launched, environment, launched
from memory import Playbook
from orchestrator import NO_UPDATE, Json, body
from pages import PAGES, Block, blocks
from running_miner import KEY
from scripted import Scripted
from settings import ROOT
from studio.studio_server import studio_server
from support import make_settings, require

NAME = "docs/engineers.md"
PAGE = PAGES[NAME].read_text(encoding="utf-8")
HOUSE = "The house"
EXAMPLES = (
    "Add a node",
    "Add a node that asks the model",
    "Add a machine",
    "Add a provider",
    "Add an embedding",
)
FIRST_LINES = 10
CLIENT = "Call a miner from Python"
GENERATED = "Write the generated pages anew"
PYTEST = ("pytest", "-p", "no:cacheprovider")

MODEL = "llama3.1:8b"
LONG = " ".join(["word"] * 151)
EXPLAINED = "It is named for foxes."
EARLIER = {"output": {"immediate_response": "See https://example.org/fox.", "notebook": NO_UPDATE}}


@dataclass(frozen=True, slots=True)
class Shown:
    """A block of the page, the section it stands in, and the test file named last before it."""

    section: str
    language: str
    text: str
    file: str


def _shown(found: Block) -> Shown:
    before = PAGE[: PAGE.index(found.text)]
    section = re.findall(r"^## (.+)$", before, re.MULTILINE)[-1]
    named = re.findall(r"`(tests/[\w/]+\.py)`", before)
    return Shown(section, found.language, found.text, named[-1] if named else "")


BLOCKS = [_shown(found) for found in blocks(NAME)]


def block(section: str, language: str) -> Shown:
    """The section's only block in this language."""
    [found] = [each for each in BLOCKS if (each.section, each.language) == (section, language)]
    return found


def run(
    folder: Path, *command: str, given: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A command as typed in `folder`, with the programs of this environment; it has to succeed."""
    clean = {name: value for name, value in environment().items() if not name.startswith("GIT_")}
    programs = os.pathsep.join([str(Path(sys.executable).parent), clean.get("PATH", "")])
    # git must not take a repository around the temporary folder for the one meant.
    own = {"PATH": programs, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    told = subprocess.run(
        command,
        cwd=folder,
        env=clean | own | variables,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, f"{command}\n{told.stdout}\n{told.stderr}"
    return told


def clone(folder: Path) -> Path:
    """The repository's files as they are now, without its history and what git ignores."""
    require((ROOT / ".git").exists(), "the tests do not run in a git repository")
    listed = run(ROOT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in listed.stdout.split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def follow(folder: Path, example: str) -> str:
    """Apply the example's diff and write its test; returns the test's name."""
    run(folder, "git", "apply", "-", given=block(example, "diff").text)
    test = block(example, "python")
    (folder / test.file).write_text(test.text, encoding="utf-8")
    return test.file


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with all examples, one after the other."""
    folder = clone(tmp_path_factory.mktemp("engineer") / "clone")
    for example in EXAMPLES:
        follow(folder, example)
    return folder


def test_every_block_is_run_by_a_test_of_this_module() -> None:
    examples = [(example, language) for example in EXAMPLES for language in ("diff", "python")]
    house = [(HOUSE, language) for language in ("mermaid", "", "python")]
    run_here = [*house, *examples, (CLIENT, "python"), (GENERATED, "sh")]
    assert [(each.section, each.language) for each in BLOCKS] == run_here
    assert PAGE.count("```") == 2 * len(BLOCKS)


def test_what_the_house_names_is_there() -> None:
    names = [line.split()[0] for line in block(HOUSE, "").text.splitlines()]
    assert names
    assert all((ROOT / name).exists() for name in names)


def test_the_picture_shows_the_rooms_of_the_house() -> None:
    drawn = re.sub(r"--? .+? -->|-.->", "-->", block(HOUSE, "mermaid").text)
    parts = [part.strip() for line in drawn.splitlines()[1:] for part in line.split("-->")]
    rooms = {part for part in parts if "(" not in part}
    named = {line.split()[0].rstrip("/") for line in block(HOUSE, "").text.splitlines()}
    assert rooms == named - {"tests"} | {"run.py"}


def test_the_files_it_speaks_of_are_there() -> None:
    made = set(re.findall(r"^\+\+\+ b/(.+)$", PAGE, re.MULTILINE)) | {each.file for each in BLOCKS}
    prose = re.sub(r"^```.*?^```$", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|txt|in|toml|json))`", prose)
    missing = [name for name in named if name not in made and not (ROOT / name).exists()]
    assert len(named) > len(EXAMPLES)
    assert [name for name in missing if not (ROOT / "tests" / name).exists()] == []


def test_the_script_runs(tmp_path: Path, backend: Scripted) -> None:
    backend.default("Answer: 42")
    told = run(
        ROOT,
        sys.executable,
        "-c",
        block(HOUSE, "python").text,
        LLM_PROVIDER="vllm",
        VLLM_API_BASE=backend.base_url,
        MINER_API_KEY=KEY,
        DATA_DIR=str(tmp_path),
    )
    assert "Answer: 42" in told.stdout
    assert "recall" in told.stdout


def test_each_example_applies_by_itself(tmp_path: Path) -> None:
    folder = clone(tmp_path)
    for example in EXAMPLES:
        run(folder, "git", "apply", "--check", "-", given=block(example, "diff").text)


def test_the_first_example_is_a_node_in_ten_lines() -> None:
    added = re.findall(r"^\+(?!\+\+ )", block(EXAMPLES[0], "diff").text, re.MULTILINE)
    assert 0 < len(added) <= FIRST_LINES


def test_the_tests_of_the_examples_pass(changed: Path) -> None:
    run(changed, *PYTEST, *(block(example, "python").file for example in EXAMPLES))


@pytest.mark.timeout(600)  # mypy takes minutes on a busy machine that it has seen nothing of
def test_together_they_keep_the_rules_of_lint_types_and_imports(changed: Path) -> None:
    # What mypy knows of the installed packages holds for the copy, too.
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", changed / ".mypy_cache")
    touched = re.findall(r"^\+\+\+ b/(.+\.py)$", PAGE, re.MULTILINE)
    files = sorted({*touched, *(block(example, "python").file for example in EXAMPLES)})
    checks = [
        ["ruff", "check", *files],
        ["ruff", "format", "--check", *files],
        ["lint-imports"],
        [*PYTEST, "tests/arrows"],
        ["mypy"],
    ]
    with ThreadPoolExecutor() as pool:
        assert len(list(pool.map(lambda check: run(changed, *check), checks))) == len(checks)


def test_the_generated_pages_tell_of_the_examples(changed: Path) -> None:
    told = run(changed, "bash", "-euo", "pipefail", "-c", block(GENERATED, "sh").text)
    assert "recall --> add_rule" in told.stdout
    assert "summarise -.-> shorten" in told.stdout
    assert "find -.-> explain" in told.stdout
    assert "| `OLLAMA_API_BASE` | `http://localhost:11434/v1` |" in told.stdout
    assert "OLLAMA_API_BASE=" in (changed / ".env.example").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Served:
    """A miner with all examples, started by `run.py`."""

    process: Launched
    backend: Scripted

    def post(self, path: str, sent: Json, **headers: str) -> httpx.Response:
        address = f"{self.process.address}{path}"
        return httpx.post(address, json=sent, headers=headers, timeout=60, trust_env=False)

    def get(self, path: str) -> Json:
        address = f"{self.process.address}{path}"
        answered = httpx.get(address, headers={"X-API-Key": KEY}, timeout=60, trust_env=False)
        found: Json = answered.raise_for_status().json()
        return found


@pytest.fixture(scope="module")
def served(changed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("data")
    asyncio.run(_learn(data))
    with Scripted(models=(MODEL, "another")) as backend:
        backend.when("Your summary is too long", "Sales rose.")
        backend.when("You summarise", LONG)
        backend.when("web addresses in them", EXPLAINED)
        variables = {
            "LLM_PROVIDER": "ollama",
            "OLLAMA_API_BASE": backend.base_url,
            "EMBEDDINGS": "trigrams",
            "DATA_DIR": str(data),
            "MINER_API_KEY": KEY,
        }
        with launched(changed, **variables) as process:
            yield Served(process, backend)
        assert not backend.unexpected


async def _learn(data: Path) -> None:
    """Fill the playbook with the embeddings of before."""
    async with Playbook.open(make_settings(data)) as playbook:
        await playbook.add("ann", "Answer in French", "language")


def test_the_machine_answers_to_those_with_the_key(served: Served) -> None:
    sent = body("ann", "Collect the links", ["Which are there?"], [EARLIER])
    answered = served.post("/links", sent, **{"X-API-Key": KEY}).json()
    said = answered["output"]["immediate_response"]
    assert said == f"https://example.org/fox\n\n{EXPLAINED}"
    assert answered["component"] == "links"
    assert served.post("/links", sent).status_code == 401


def test_the_machine_is_told_of(served: Served) -> None:
    document = served.get("/openapi.json")
    told = document["paths"]["/links"]["post"]
    answer = told["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert answer.rpartition("/")[2] in document["components"]["schemas"]
    assert told["security"]
    assert "links" in served.get("/capabilities")["components"]


def test_the_node_runs_and_its_tokens_are_a_revision(served: Served) -> None:
    sent = body("ann", "Sum it up", ["What matters?"], [EARLIER])
    stream = served.post("/summary", sent, **{"X-API-Key": KEY, "Accept": "text/event-stream"})
    lines = [line.removeprefix("data: ") for line in stream.text.splitlines()]
    told = [json.loads(line) for line in lines if line.startswith("{")]
    ways = {(each["node"], each["kind"]) for each in told if "kind" in each}
    assert ways == {("summarise", "draft"), ("shorten", "revision")}
    assert told[-1]["output"]["immediate_response"] == "Sales rose."


def test_the_provider_is_the_one_asked(served: Served) -> None:
    told = served.get("/capabilities")
    assert (told["llm_provider"], told["model"]) == ("ollama", MODEL)
    assert told["max_context_length"] == 4096
    assert served.backend.model_requests
    assert {asked.body["model"] for asked in served.backend.canaries} == {MODEL}


def test_the_playbook_was_embedded_anew_and_is_whole(served: Served) -> None:
    assert "re-embedding the playbook: 100%" in served.process.output
    [entry] = served.get("/playbook/ann")["entries"]
    assert entry["content"] == "Answer in French"


@pytest.mark.timeout(300)  # a start takes seconds, more on a busy machine
async def test_studio_lists_the_machine_and_runs_it(changed: Path, tmp_path: Path) -> None:
    with Scripted(models=(MODEL,)) as backend:
        backend.default(EXPLAINED)
        variables = {
            "LLM_PROVIDER": "ollama",
            "OLLAMA_API_BASE": backend.base_url,
            "DATA_DIR": str(tmp_path),
            "MINER_API_KEY": KEY,
        }
        with studio_server(changed, **variables) as studio:
            listed = await studio.assistants()
            ended = await studio.run(
                "links", previous_outputs=[{"immediate_response": "See https://example.org/fox."}]
            )
    assert listed["links"]["description"] == "Find the web addresses in the earlier outputs."
    assert ended["links"] == ["https://example.org/fox"]
    assert EXPLAINED in ended["answer"]

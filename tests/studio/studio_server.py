"""`langgraph dev` as a graph engineer runs it: in a clone of its own, ended by its process id."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from scripted import Scripted, Slow
from settings import ENV_FILE_VARIABLE, ROOT, Settings
from support import free_port, require

SECONDS = 90.0
SOURCES = ("langgraph.json", "settings.py", "memory", "nodes", "graphs")
PROGRAM = Path(sys.executable).parent / "langgraph"
FINAL = "6 times 7 is 42.\nAnswer: 42"


def scripted() -> Scripted:
    """A backend that has an answer for every step of every machine."""
    backend = Scripted()
    backend.max_model_len = 32_768
    # What arrives at once is shown at once: only with pauses are the tokens streamed apart.
    return backend.default(Slow(FINAL, seconds_per_token=0.02))


def clone(folder: Path) -> Path:
    """What `langgraph dev` needs of this repository, copied into `folder`."""
    folder.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    return folder


class StudioServer:
    """A running `langgraph dev`, with its log and a client."""

    def __init__(self, folder: Path, **variables: str) -> None:
        require(PROGRAM.exists(), "langgraph-cli[inmem] is not installed")
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._log = folder.parent / f"{folder.name}.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "dev", "--no-browser", "--port", str(port)],
                cwd=folder,
                env=_environment(variables),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def client(self) -> LangGraphClient:
        return get_client(url=self.address, api_key=None)

    def wait_until_up(self) -> None:
        eventually(lambda: self.process.poll() is not None or self._answers())
        assert self.process.poll() is None, self.output

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()

    async def assistants(self) -> dict[str, dict[str, Any]]:
        """What Studio lists, by the name of the machine."""
        async with self.client() as client:
            found = await client.assistants.search(limit=20)
        return {assistant["graph_id"]: dict(assistant) for assistant in found}

    async def assistant(self, machine: str) -> str:
        """The id by which the client knows a machine."""
        return str((await self.assistants())[machine]["assistant_id"])

    async def run(self, machine: str, **fields: object) -> dict[str, Any]:
        """The state in which one run ends."""
        async with self.client() as client:
            ended = await client.runs.wait(None, machine, input=fields)
        assert isinstance(ended, dict)
        return ended

    async def error_of(self, machine: str, **fields: object) -> str:
        """The message with which one run fails."""
        async with self.client() as client:
            async for part in client.runs.stream(None, machine, input=fields):
                if part.event == "error":
                    return str(part.data["message"])
        raise AssertionError(f"{machine} ran without an error")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/ok", trust_env=False).is_success
        except httpx.TransportError:
            return False


@contextmanager
def studio_server(folder: Path, **variables: str) -> Iterator[StudioServer]:
    """A `langgraph dev` that answers."""
    server = StudioServer(folder, **variables)
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()


def variables_for(backend: Scripted) -> dict[str, str]:
    """The settings of a miner in front of `backend`, as variables of the environment."""
    return {
        "LLM_PROVIDER": "vllm",
        "VLLM_API_BASE": backend.base_url,
        "MINER_API_KEY": "a-key-that-nobody-needs",
    }


def eventually(true: Callable[[], object]) -> None:
    """Wait until `true()`, and fail if it never is."""
    give_up = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < give_up, "it never came true"
        time.sleep(0.1)


def _environment(variables: dict[str, str]) -> dict[str, str]:
    """Nothing of the miner's or LangSmith's settings but `variables`."""
    names = {name.upper() for name in Settings.model_fields} | {ENV_FILE_VARIABLE}
    prefixes = ("LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_", "COV")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() not in names and not name.startswith(prefixes)
    }
    quiet = {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "LANGGRAPH_NO_VERSION_CHECK": "1"}
    return kept | quiet | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1"} | variables

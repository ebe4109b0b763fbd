"""A miner of our own for each strategy: `run.py` as a child, with nothing remembered."""

import asyncio
import os
import secrets
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx
from dotenv import dotenv_values

from settings import ROOT, Settings
from tools.addresses import free_port
from tools.evaluate.asking import MinerError
from tools.evaluate.running import Interrupted, finished_before
from tools.model_file import ModelUnavailable, ensure_model, model_path

STRATEGIES = ("auto", "draft", "check", "vote")
START_SECONDS = 180.0
STOP_SECONDS = 40.0
POLL_SECONDS = 0.2
LOG = "run.log"
REMEMBERING = frozenset({"CHROMA_URL", "DATABASE_URL", "REDIS_URL"})
"""Settings that would give the child the stores of the operator's own miner."""


@dataclass(frozen=True, slots=True)
class Launched:
    """Where the child answers, and its key."""

    address: str
    key: str


@asynccontextmanager
async def launched(strategy: str, env_file: Path, stop: asyncio.Event) -> AsyncIterator[Launched]:
    """`run.py` with this strategy, and else with the operator's settings.

    It has a random key, a port of the loopback interface, and a temporary `DATA_DIR`, with the
    embedded model's file linked into it. It is stopped at the end. Raises `MinerError`, and
    `Interrupted` if `stop` is set before it answers.
    """
    with TemporaryDirectory(prefix="evaluate-") as name:
        folder = Path(name)
        one = Launched(f"http://127.0.0.1:{free_port()}", secrets.token_urlsafe(32))
        settings = operators_settings(env_file)
        await asyncio.to_thread(_link_model, settings, folder)
        child = await _start(folder, _environment(settings, strategy, one, folder))
        try:
            if not await finished_before(stop, _ready(strategy, child, one.address, folder)):
                raise Interrupted
            yield one
        finally:
            await _stop(child)


def operators_settings(env_file: Path) -> dict[str, str]:
    """The settings of `env_file` and of the environment, which wins, without the stores."""
    here = {name.upper(): value for name, value in os.environ.items() if value}
    written = {name.upper(): value for name, value in dotenv_values(env_file).items() if value}
    names = {name.upper() for name in Settings.model_fields} - REMEMBERING
    chosen = {name: value for name, value in (written | here).items() if name in names}
    provider = "openai" if "OPENAI_API_KEY" in chosen else "local"
    return {"LLM_PROVIDER": provider} | chosen


def _environment(
    settings: Mapping[str, str], strategy: str, one: Launched, folder: Path
) -> dict[str, str]:
    names = {name.upper() for name in Settings.model_fields}
    outside = {name: value for name, value in os.environ.items() if name.upper() not in names}
    own = {
        "COMPLETE_STRATEGY": strategy,
        "MINER_API_KEY": one.key,
        "HOST": "127.0.0.1",
        "API_PORT": str(urlsplit(one.address).port),
        "WORKERS": "1",
        "LOCAL_API_BASE": f"http://127.0.0.1:{free_port()}/v1",
        "DATA_DIR": str(folder / "data"),
        "LOG_LEVEL": "warning",
    }
    return {**outside, **settings, **own}


def _link_model(settings: Mapping[str, str], folder: Path) -> None:
    providers = {settings.get(name, "") for name in ("LLM_PROVIDER", "LLM_FALLBACK_PROVIDER")}
    if "local" not in {provider.lower() for provider in providers}:
        return
    data_dir = Path(settings.get("DATA_DIR", "data")).expanduser()
    try:
        file = ensure_model((ROOT / data_dir).resolve())
    except ModelUnavailable as error:
        raise MinerError(str(error)) from None
    link = model_path(folder / "data")
    link.parent.mkdir(parents=True, mode=0o700)
    link.symlink_to(file)


async def _start(folder: Path, environment: Mapping[str, str]) -> Process:
    # An empty file, since the settings are in the environment, and `run.py` is to write none.
    (folder / "empty.env").touch()
    with (folder / LOG).open("wb") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "run.py"),
            "--env-file",
            str(folder / "empty.env"),
            cwd=ROOT,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def _ready(strategy: str, child: Process, address: str, folder: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    async with httpx.AsyncClient(base_url=address, timeout=5, trust_env=False) as client:
        while not await _answers(client):
            if child.returncode is not None:
                raise MinerError(
                    f"the miner for {strategy} ended with code {child.returncode} "
                    f"before it answered: {_last_line(folder / LOG)}"
                )
            if time.monotonic() > give_up:
                raise MinerError(
                    f"the miner for {strategy} did not answer within {START_SECONDS:g} s: "
                    f"{_last_line(folder / LOG)}"
                )
            await asyncio.sleep(POLL_SECONDS)


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health")).is_success
    except httpx.RequestError:
        return False


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


async def _stop(child: Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()

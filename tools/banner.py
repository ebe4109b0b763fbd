"""What the operator reads once the miner answers."""

import re
import shlex
import threading
import time
from pathlib import Path

import httpx

from settings import Settings
from tools.addresses import reachable

POLL_SECONDS = 0.1
BODY = (
    '{"cid": "test-123", "task": "What is machine learning?", "input": "Explain in simple terms"}'
)


def announce_when_ready(settings: Settings, key_file: Path | None) -> None:
    """Print the banner, from a thread of its own, as soon as the miner answers.

    `key_file` is the file that holds MINER_API_KEY, or `None` if the environment does.
    """
    threading.Thread(target=_announce, args=(settings, key_file), daemon=True).start()


def banner(settings: Settings, provider: str, model: str, key_file: Path | None) -> str:
    """The text: where the miner answers, with which model, where the key is, a first call."""
    address = f"http://{reachable(settings.host)}:{settings.api_port}"
    docs = f", documentation at {address}/docs" if settings.docs_enabled else ""
    return (
        f"\nPlaybook Miner answers at {address}{docs}\n"
        f"Model: {model} ({provider})\n"
        f"Key:   MINER_API_KEY in {key_file or 'the environment'}\n"
        f"Try:   {curl(address, key_file)}\n"
    )


def curl(address: str, key_file: Path | None) -> str:
    """A first call to paste; it looks the key up, the first one where there are several."""
    return (
        f'curl -X POST {address}/complete -H "Content-Type: application/json" '
        f'-H "X-API-Key: {_looked_up(key_file)}" -d {shlex.quote(BODY)}'
    )


def _looked_up(key_file: Path | None) -> str:
    if key_file is None:
        return "${MINER_API_KEY%%,*}"
    inside = key_file.is_relative_to(Path.cwd())
    name = shlex.quote(str(key_file.relative_to(Path.cwd()) if inside else key_file))
    if _written_plainly(key_file):
        return f"$(grep ^MINER_API_KEY= {name} | cut -d= -f2- | cut -d, -f1)"
    # Files may quote values, and allow for `export` and spaces.
    find = r"s/^\(export \)\{0,1\} *MINER_API_KEY *= *//p"
    return f"""$(sed -n '{find}' {name} | tail -n 1 | tr -d "\\"' " | cut -d, -f1)"""


def _written_plainly(key_file: Path) -> bool:
    """Whether the first start wrote the key, or somebody in the same way."""
    lines = key_file.read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if line.startswith("MINER_API_KEY=")]
    return len(found) == 1 and re.fullmatch(r"[^\s\"']+", found[0]) is not None


def _announce(settings: Settings, key_file: Path | None) -> None:
    url = f"http://{reachable(settings.host)}:{settings.api_port}/health"
    headers = {"X-API-Key": settings.api_keys[0]}
    with httpx.Client(headers=headers, timeout=5, trust_env=False) as client:
        while (told := _health(client, url)) is None:
            time.sleep(POLL_SECONDS)
    print(banner(settings, told["llm_provider"], told["model"], key_file), flush=True)


def _health(client: httpx.Client, url: str) -> dict[str, str] | None:
    try:
        response = client.get(url)
        return response.json() if response.is_success else None
    except (httpx.HTTPError, ValueError):
        return None

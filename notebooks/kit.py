"""What the notebooks share: a miner of their own, that leaves the clone's alone.

Importing it makes the packages of the clone importable from whatever folder Jupyter runs in.
"""

import atexit
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from IPython.display import Markdown  # noqa: E402

from server import logs  # noqa: E402
from settings import ENV_FILE, Settings  # noqa: E402
from tools import own_miner  # noqa: E402
from tools.children import embedded_model  # noqa: E402
from tools.client import Client  # noqa: E402

LONGEST_CELL = 300

_open = ExitStack()


def own_settings(**overrides: object) -> Settings:
    """The settings of `.env`, for a miner of this notebook's own.

    It gets a temporary DATA_DIR, a key and free ports, and none of the stores it might share with
    another miner. `overrides` go by the names of `.env`. All of it is set in this kernel's
    environment, where the programs that the notebook starts find it. Without a provider in `.env`
    it is the embedded model. Raises `SettingsError`, `ModelUnavailable`.
    """
    close()
    given = {name: str(value) for name, value in overrides.items()}
    own = _open.enter_context(own_miner.own_settings(ENV_FILE, **given))
    _open.enter_context(patch.dict(os.environ, own))
    settings = Settings.load(None)
    logs.configure(settings)  # libraries would tell of every request
    return settings


def start_model(settings: Settings) -> None:
    """Start the embedded model, if it is the one chosen; it ends with the kernel.

    Raises `AddressTaken`, `ChildFailed`.
    """
    if "local" in (settings.llm_provider, settings.llm_fallback_provider):
        _open.enter_context(embedded_model(settings))


def start_miner(settings: Settings) -> Client:
    """Start `run.py`, and the model with it; both end with the kernel. Gives a client with the key.

    Raises `ChildFailed`.
    """
    address = _open.enter_context(own_miner.own_miner("the miner", os.environ))
    client = Client(address, settings.api_keys[0], timeout=settings.deadline_seconds + 5)
    return _open.enter_context(client)


def close() -> None:
    """End what was started, and delete the temporary folder."""
    _open.close()


def table(rows: Iterable[Mapping[str, object]]) -> Markdown:
    """Rows with the same keys, as Jupyter shows a table."""
    listed = [{name: _cell(value) for name, value in row.items()} for row in rows]
    if not listed:
        return Markdown("*nothing*")
    names = list(listed[0])
    lines = [names, ["---"] * len(names), *(list(row.values()) for row in listed)]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))


def _cell(value: object) -> str:
    text = f"{value:.2f}" if isinstance(value, float) else " ".join(str(value).split())
    shown = text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]} …"
    return shown.replace("|", "\\|")


atexit.register(close)

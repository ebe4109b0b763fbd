"""What the notebooks share: a miner of their own, that leaves the clone's alone.

Importing it makes the packages of the clone importable from whatever folder Jupyter runs in.
"""

import atexit
import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from dotenv import dotenv_values  # noqa: E402
from IPython.display import Markdown  # noqa: E402

from server import logs  # noqa: E402
from settings import ENV_FILE, Settings  # noqa: E402
from tools.addresses import free_port  # noqa: E402
from tools.children import embedded_model  # noqa: E402
from tools.client import Client  # noqa: E402
from tools.model_file import ensure_model, model_path  # noqa: E402
from tools.supervisor import Supervisor  # noqa: E402

BEFORE = dict(os.environ)
SHARED_STORES = {"CHROMA_URL", "DATABASE_URL", "REDIS_URL"}
MINER = """\
import sys
import run
from tools.supervisor import end_with_supervisor
end_with_supervisor()
sys.exit(run.main())"""
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
    folder = Path(_open.enter_context(TemporaryDirectory(prefix="notebook-")))
    (folder / "empty.env").touch()
    found = _configured()
    own = {
        "DATA_DIR": str(folder / "data"),
        "MINER_API_KEY": secrets.token_urlsafe(16),
        "HOST": "127.0.0.1",
        "API_PORT": str(free_port()),
        "LOCAL_API_BASE": f"http://127.0.0.1:{free_port()}/v1",
        "WORKERS": "1",
        "LOG_LEVEL": "warning",
    }
    for name in SHARED_STORES:
        os.environ.pop(name, None)
    os.environ.update(found | own | {name: str(value) for name, value in overrides.items()})
    settings = Settings.load(None)
    logs.configure(settings)  # libraries would tell of every request
    if "local" in (settings.llm_provider, settings.llm_fallback_provider):
        _link_model(ROOT / Path(found.get("DATA_DIR", "data")).expanduser(), settings.data_dir)
    return settings


def empty_env_file(settings: Settings) -> Path:
    """For programs that take `--env-file`: everything is in the environment already."""
    return settings.data_dir.parent / "empty.env"


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
    address = f"http://127.0.0.1:{settings.api_port}"
    command = [sys.executable, "-c", MINER, "--env-file", str(empty_env_file(settings))]
    _open.enter_context(Supervisor("the miner", command, f"{address}/health"))
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


def _configured() -> dict[str, str]:
    """The miner's settings as the environment and `.env` have them."""
    names = {name.upper() for name in Settings.model_fields} - SHARED_STORES
    written = {name.upper(): value for name, value in dotenv_values(ENV_FILE).items() if value}
    here = {name.upper(): value for name, value in BEFORE.items() if value}
    found = {name: value for name, value in (written | here).items() if name in names}
    provider = "openai" if "OPENAI_API_KEY" in found else "local"
    return {"LLM_PROVIDER": provider} | found


def _link_model(clone: Path, own: Path) -> None:
    """Use the model's file of the clone, which is fetched if it is not there yet."""
    link = model_path(own)
    link.parent.mkdir(parents=True, mode=0o700)
    link.symlink_to(ensure_model(clone.resolve()))


atexit.register(close)

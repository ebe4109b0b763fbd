"""A miner beside the operator's own: the same settings, and nothing of what that one remembers."""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dotenv import dotenv_values

from settings import ROOT, Settings
from tools.addresses import free_port
from tools.model_file import ensure_model, model_path
from tools.supervisor import ChildFailed, Supervisor

START_SECONDS = 180.0
STORES = ("CHROMA_URL", "DATABASE_URL", "REDIS_URL")  # they would be those of the operator's miner
PROGRAM = """\
import sys
from tools.supervisor import end_with_supervisor
end_with_supervisor()
import run
sys.exit(run.main())"""


@contextmanager
def own_settings(env_file: Path, **overrides: str) -> Iterator[dict[str, str]]:
    """Variables for a miner of its own, as long as its folder of data is there.

    They are the settings of the environment and of `env_file`, with a fresh key, free ports of the
    loopback interface, a temporary `DATA_DIR` with the embedded model's file in it, no shared
    stores, and `overrides`. Without a provider it is the embedded model. Raises `ModelUnavailable`.
    """
    here = {name.upper(): value for name, value in os.environ.items() if value}
    written = {name.upper(): value for name, value in dotenv_values(env_file).items() if value}
    names = {name.upper() for name in Settings.model_fields}
    found = {name: value for name, value in (written | here).items() if name in names}
    with TemporaryDirectory(prefix="miner-") as folder:
        own = {
            "LLM_PROVIDER": "openai" if "OPENAI_API_KEY" in found else "local",
            **found,
            "MINER_API_KEY": secrets.token_urlsafe(32),
            "HOST": "127.0.0.1",
            "API_PORT": str(free_port()),
            "LOCAL_API_BASE": f"http://127.0.0.1:{free_port()}/v1",
            "WORKERS": "1",
            "DATA_DIR": str(Path(folder, "data")),
            "LOG_LEVEL": "warning",
            **dict.fromkeys(STORES, ""),  # an empty one counts as unset
            **overrides,
        }
        if "local" in {own["LLM_PROVIDER"].lower(), own.get("LLM_FALLBACK_PROVIDER", "").lower()}:
            _link_model(ROOT / Path(found.get("DATA_DIR", "data")).expanduser(), Path(folder))
        yield own


@contextmanager
def own_miner(name: str, own: Mapping[str, str]) -> Iterator[str]:
    """`run.py` with these variables, ended with the block or with this process; gives its address.

    Raises `ChildFailed`, with the last line that it said.
    """
    folder = Path(own["DATA_DIR"]).parent
    address = f"http://127.0.0.1:{own['API_PORT']}"
    empty, said = folder / "empty.env", folder / "run.log"
    empty.touch()  # the variables are all there is, and `run.py` is to write no file
    command = [sys.executable, "-c", PROGRAM, "--env-file", str(empty)]
    with said.open("wb") as log, ExitStack() as started:
        child = Supervisor(
            name,
            command,
            f"{address}/health",
            environment=own,
            start_seconds=START_SECONDS,
            stderr=log,
        )
        try:
            started.enter_context(child)
        except ChildFailed as error:
            raise ChildFailed(f"{error}: {_last_line(said)}") from None
        yield address


def _link_model(operators: Path, folder: Path) -> None:
    link = model_path(folder / "data")
    link.parent.mkdir(parents=True, mode=0o700)
    link.symlink_to(ensure_model(operators.resolve()))


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"

"""The first `.env`: what a miner needs and nobody has set yet."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from settings import SettingsError

HEADER = """\
# Written at the first start. Every other setting has a default: .env.example lists them all.
# Variables of the environment win over this file.
"""
COMMENTS = {
    "MINER_API_KEY": "The key that callers send as X-API-Key.",
    "LLM_PROVIDER": "openai (needs OPENAI_API_KEY), vllm, or local: the small embedded model.",
}
TOLD = {"MINER_API_KEY": "a fresh MINER_API_KEY"}


def is_set(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the environment holds a value that the settings would take for `name`."""
    return any(key.upper() == name and value for key, value in environment.items())


def create_first(path: Path) -> None:
    """Create `path`, if there is no such file, with what this environment leaves unset.

    Says so on standard output. Raises `SettingsError` if it cannot be written.
    """
    values = _unset(os.environ)
    if path.exists() or not values:
        return
    try:
        created = _create(path, values)
    except OSError as error:
        names = " and ".join(values)
        raise SettingsError(
            f"cannot write {path} ({error.strerror}): set {names} in the environment"
        ) from error
    if created:
        told = [TOLD.get(name, f"{name}={value}") for name, value in values.items()]
        print(f"There was no .env: wrote {path} with {' and '.join(told)}", flush=True)


def _unset(environment: Mapping[str, str]) -> dict[str, str]:
    """What a miner needs; not what the environment sets: it would win, and the file mislead."""
    provider = "openai" if is_set("OPENAI_API_KEY", environment) else "local"
    wanted = {"MINER_API_KEY": secrets.token_urlsafe(32), "LLM_PROVIDER": provider}
    return {name: value for name, value in wanted.items() if not is_set(name, environment)}


def _create(path: Path, values: Mapping[str, str]) -> bool:
    """Write a file that appears at once and whole; `False` if there is one already."""
    lines = [f"\n# {COMMENTS[name]}\n{name}={value}\n" for name, value in values.items()]
    with NamedTemporaryFile("w", dir=path.parent, prefix=".env-") as file:  # mode 0600
        file.write(HEADER + "".join(lines))
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, path)
        except FileExistsError:
            return False
    return True

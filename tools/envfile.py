"""What is in `.env`: the first one, and one that was written for the reference miner."""

import os
import secrets
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from dotenv import dotenv_values
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from settings import Settings, SettingsError

HEADER = """\
# Written at the first start. Every other setting has a default: .env.example lists them all.
# Variables of the environment win over this file.
"""
COMMENTS = {
    "MINER_API_KEY": "The key that callers send as X-API-Key.",
    "LLM_PROVIDER": "openai (needs OPENAI_API_KEY), vllm, or local: the small embedded model.",
}
OLD_NAMES = {
    "API_KEY": ("MINER_API_KEY", None),
    "PORT": ("API_PORT", None),
    "OPENAI_MODEL": ("MODEL_NAME", "openai"),
    "VLLM_MODEL": ("MODEL_NAME", "vllm"),
    "VLLM_BASE_URL": ("VLLM_API_BASE", None),
}
"""The reference's names: ours, and the one provider that it holds for."""
LIKENESS = 0.86
"""How like a setting's name one is that was probably meant for it (Jaro-Winkler, 0 to 1)."""
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


def adopt_old_names(path: Path, environment: MutableMapping[str, str]) -> None:
    """Take what `path` says under the reference's names into `environment`, where it is clear.

    Says on standard output, a line each, what became of them. What cannot be read is left to
    `Settings.load`, which says so.
    """
    values = _values(path)
    provider = environment.get("LLM_PROVIDER") or values.get("LLM_PROVIDER", "openai")
    for old, (ours, only_for) in OLD_NAMES.items():
        if old not in values:
            continue
        if ours in values or is_set(ours, environment):
            told = f"is not read: {ours} is set"
        elif only_for not in (None, provider.lower()):
            told = f"is not read: LLM_PROVIDER is {provider}; its name here is {ours}"
        else:
            environment[ours] = values[old]
            told = f"is taken for {ours}; rename it"
        print(f"{old} in {path} {told}", flush=True)


def tell_unknown_names(path: Path) -> None:
    """Say on standard output, a line each, which names in `path` were probably meant for ours."""
    ours = [name.upper() for name in Settings.model_fields]
    for name in _values(path).keys() - set(ours) - OLD_NAMES.keys():
        found = process.extractOne(
            name, ours, scorer=JaroWinkler.normalized_similarity, score_cutoff=LIKENESS
        )
        if found:
            print(f"{name} in {path} is not read: did you mean {found[0]}?", flush=True)


def _values(path: Path) -> dict[str, str]:
    """What `path` sets, by upper-case name; nothing where it cannot be read."""
    try:
        read = dotenv_values(path, encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    return {name.upper(): value for name, value in read.items() if value}


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

"""Where the key of the miner is found. It is shown nowhere."""

import os
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

NAME = "MINER_API_KEY"


class KeyUnknown(Exception):
    """No usable key. The message is one line, without any key."""


def read_key(key_file: Path | None, env_file: Path) -> str:
    """The key: from `key_file` if given, else from the environment, else from `env_file`.

    A key file holds the key alone, or is written like `.env`. Of several keys the first counts.
    Raises `KeyUnknown`.
    """
    if key_file is not None:
        return _first(_from_file(key_file), str(key_file))
    if os.environ.get(NAME):
        return _first(os.environ[NAME], f"{NAME} in the environment")
    found = dotenv_values(env_file).get(NAME) if env_file.is_file() else None
    if not found:
        raise KeyUnknown(
            f"no key for the miner: name a file with --key-file, or set {NAME} in the environment "
            f"or in {env_file}"
        )
    return _first(found, str(env_file))


def _from_file(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise KeyUnknown(f"cannot read {path} (--key-file): {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise KeyUnknown(f"{path} (--key-file) is not UTF-8 text") from None
    written = dotenv_values(stream=StringIO(text)).get(NAME) if NAME in text else text
    return written or ""


def _first(keys: str, source: str) -> str:
    key = keys.split(",", maxsplit=1)[0].strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise KeyUnknown(f"{source} does not hold a key (printable ASCII, without spaces)")
    return key

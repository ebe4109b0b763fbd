"""What a start needs before any package is imported: a Python that is supported, and the packages.

It needs the standard library alone, and an old Python must be able to read it.
"""

import re
import sys
from importlib import metadata
from pathlib import Path

OLDEST, TOO_NEW = (3, 11), (3, 14)
PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def fault(version: "tuple[int, int]") -> "str | None":
    """One line that says what is missing and what to do; `None` where nothing is."""
    if not OLDEST <= version < TOO_NEW:
        return (
            f"this is Python {version[0]}.{version[1]}, and the miner needs 3.11 to 3.13: "
            "make an environment with one of these, such as python3.11 -m venv venv"
        )
    missing = [name for name in _required() if not _installed(name)]
    if missing:
        more = f" and {len(missing) - 1} more packages are" if len(missing) > 1 else " is"
        return f"{missing[0]}{more} not installed: pip install -r requirements.txt"
    return None


def _required() -> "list[str]":
    """The packages that every machine needs, as `pyproject.toml` names them."""
    import tomllib  # noqa: PLC0415 - absent before Python 3.11

    with PROJECT.open("rb") as file:
        wanted = tomllib.load(file)["project"]["dependencies"]
    names = [re.match(r"[\w.-]+", text) for text in wanted if ";" not in text]
    return [name.group() for name in names if name]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


_found = fault(sys.version_info[:2])
if _found:
    raise SystemExit(f"cannot start: {_found}")

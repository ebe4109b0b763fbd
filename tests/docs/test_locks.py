"""The lock files as pip reads them, old and new."""

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from settings import ROOT

LOCKS = sorted(ROOT.glob("requirements*.txt"))
LINE = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[([a-z0-9,-]+)\])?==", re.MULTILINE)


def locked(lock: Path) -> dict[str, set[str]]:
    """The extras under which each package is locked; the empty one stands for none."""
    found: dict[str, set[str]] = {}
    for name, extras in LINE.findall(lock.read_text(encoding="utf-8")):
        found.setdefault(name, set()).update(extras.split(","))
    return found


def wanted(package: str, extras: set[str]) -> list[Requirement]:
    """What a package asks for under these extras, as far as it is installed here."""
    try:
        told = requires(package) or []
    except PackageNotFoundError:
        return []
    asked = [Requirement(text) for text in told]
    return [
        requirement
        for requirement in asked
        if requirement.marker is None
        or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_what_is_asked_for_with_extras_is_locked_with_and_without(lock: Path) -> None:
    """pip before 23.3 takes both for different packages, and refuses one without a line."""
    packages = locked(lock)
    asked = [
        (package, requirement)
        for package, extras in packages.items()
        for requirement in wanted(package, extras)
        if requirement.extras
    ]
    missing = [
        f"{package} asks for {requirement}"
        for package, requirement in asked
        if not requirement.extras | {""} <= packages.get(canonicalize_name(requirement.name), set())
    ]
    assert packages
    assert not missing


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_address_and_hashes_everything(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    entries = re.split(r"\n(?! )", text.strip())
    assert "://" not in text
    assert all("--hash=sha256:" in entry for entry in entries)

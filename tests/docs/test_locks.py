"""The lock files."""

import re
from pathlib import Path

import pytest

from settings import ROOT

LOCKS = sorted(ROOT.glob("requirements*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_address_and_hashes_everything(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    entries = re.split(r"\n(?! )", text.strip())
    assert "://" not in text
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_asks_for_no_extras(lock: Path) -> None:
    """pip before 23.3 takes `name[extra]` and `name` for two packages, and finds one unpinned."""
    assert not re.findall(r"^[\w.-]+\[", lock.read_text(encoding="utf-8"), re.MULTILINE)

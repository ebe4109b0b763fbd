"""Fixtures that tests of every package share; plain helpers are in `support`."""

from pathlib import Path

import pytest

from settings import Settings
from support import make_settings, require

__all__ = ["require"]

pytest_plugins = ["stores", "embedded", "backend_fixture"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)

"""Fixtures that tests of every package share; plain helpers are in `support`."""

import logging
import os
from pathlib import Path

import pytest

from server.logs import Seldom
from settings import ENV_FILE_VARIABLE, Settings
from support import make_settings, require

__all__ = ["require"]

# No test, and no process of one, reads what a run has left in this folder.
os.environ[ENV_FILE_VARIABLE] = os.devnull

pytest_plugins = ["stores", "embedded", "backend_fixture"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


@pytest.fixture(autouse=True)
def no_warning_was_told_by_an_earlier_test() -> None:
    for handler in logging.getLogger().handlers:
        for seldom in [each for each in handler.filters if isinstance(each, Seldom)]:
            handler.removeFilter(seldom)
            handler.addFilter(Seldom())

"""The model client in front of scripted backends; a blocked loop is an error."""

from collections.abc import Iterator

import pytest

from machine_backend import _running, backend, blockbuster, tokens
from scripted import Scripted

__all__ = ["_running", "backend", "blockbuster", "tokens"]


@pytest.fixture
def other() -> Iterator[Scripted]:
    """A second backend, for the fallback."""
    with Scripted(models=("other-model",)) as scripted:
        yield scripted
        assert not scripted.unexpected

"""The fixture `backend`, for conftest.py: `pytest_plugins = ["backend_fixture"]`."""

from collections.abc import Iterator

import pytest

from scripted import Scripted


@pytest.fixture
def backend() -> Iterator[Scripted]:
    """A scripted backend of one's own; a request its script did not foresee fails the test."""
    with Scripted() as scripted:
        yield scripted
        unexpected = [request.prompt for request in scripted.unexpected]
        assert not unexpected, f"the script had no answer for: {unexpected}"

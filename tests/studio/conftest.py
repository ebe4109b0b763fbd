"""One `langgraph dev` in front of one scripted backend, for the tests that change neither."""

from collections.abc import Iterator

import pytest
from studio_server import StudioServer, clone, scripted, studio_server, variables_for


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    folder = clone(tmp_path_factory.mktemp("studio") / "clone")
    with scripted() as backend, studio_server(folder, **variables_for(backend)) as server:
        yield server
        assert "Blocking call" not in server.output
        assert "Slow graph load" not in server.output

"""Fixtures of the evaluation: a real miner in front of a scripted model."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from evaluating import Evaluate

from running_miner import miner_settings, serving
from scripted import Scripted


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    with Scripted() as model:
        settings = miner_settings(tmp_path_factory.mktemp("data"), model)
        with serving(settings) as address:
            yield SimpleNamespace(model=model, address=address)


@pytest.fixture
def model(_shared: SimpleNamespace) -> Iterator[Scripted]:
    """The model behind the miner at `address`, with an empty script."""
    scripted: Scripted = _shared.model
    scripted.reset()
    yield scripted
    unexpected = [request.prompt for request in scripted.unexpected]
    assert not unexpected, f"the script had no answer for: {unexpected}"


@pytest.fixture
def address(_shared: SimpleNamespace, model: Scripted) -> str:
    """A miner with the strategy `draft`."""
    return str(_shared.address)


@pytest.fixture
def evaluate(tmp_path: Path) -> Evaluate:
    """The program."""
    return Evaluate(tmp_path)

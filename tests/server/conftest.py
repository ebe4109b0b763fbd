"""Fixtures: a miner that the tests of a module share, and its backend."""

from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest

from running_miner import blocking_is_an_error, client_of, miner_settings, serving
from scripted import Scripted


@pytest.fixture(scope="module", autouse=True)
def _watch_for_blocking() -> Iterator[None]:
    with blocking_is_an_error():
        yield


@pytest.fixture(scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    with Scripted() as backend:
        backend.max_model_len = 1_000_000
        data = tmp_path_factory.mktemp("data")
        settings = miner_settings(data, backend, rate_limit="100000/minute")
        with serving(settings) as address:
            yield SimpleNamespace(backend=backend, address=address)


@pytest.fixture
def shared_backend(_shared: SimpleNamespace) -> Iterator[Scripted]:
    """The backend of `address`, with an empty script."""
    backend: Scripted = _shared.backend
    backend.reset()
    yield backend
    unexpected = [request.prompt for request in backend.unexpected]
    assert not unexpected, f"the script had no answer for: {unexpected}"


@pytest.fixture
def address(_shared: SimpleNamespace, shared_backend: Scripted) -> str:
    """A miner that the tests of a module share; take a `cid` of one's own."""
    return str(_shared.address)


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(address) as client:
        yield client


@pytest.fixture
def cid() -> str:
    return f"user-{uuid4()}"

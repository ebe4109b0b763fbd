"""Fixtures of the tests that drive machines and the model client: one backend for all of them."""

import asyncio
from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx

from memory import StaticEmbeddings
from nodes.llm.tokens import TokenCounter
from scripted import Json, Scripted


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[None]:
    """A blocking call on the event loop is an error in every test."""
    with blockbuster_ctx() as watch:
        for function in ("os.path.abspath", "os.stat"):  # settings are made before there is a loop
            watch.functions[function].can_block_in("/settings.py", "_absolute")
        yield


@pytest.fixture(scope="package")
def _running() -> Iterator[Scripted]:
    with Scripted() as scripted:
        yield scripted


@pytest.fixture
def backend(_running: Scripted) -> Iterator[Scripted]:
    """A backend as new; a request its script did not foresee fails the test."""
    _running.reset()
    _running.canaries.clear()
    _running.models = ["scripted-model"]
    _running.max_model_len = _running.api_key = _running.models_reply = None
    _running.canary = Json({"colour": "heliotrope"})
    yield _running
    unexpected = [request.prompt for request in _running.unexpected]
    assert not unexpected, f"the script had no answer for: {unexpected}"


@pytest.fixture(scope="package")
def tokens() -> TokenCounter:
    return TokenCounter()


@pytest.fixture(scope="package")
def embeddings() -> StaticEmbeddings:
    return asyncio.run(StaticEmbeddings.load())

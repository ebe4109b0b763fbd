"""Texts as vectors, by the static model and by a real endpoint of our own."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from memory import Embeddings, Playbook, StaticEmbeddings, StoreUnavailable, open_embeddings
from settings import Settings

TEXTS = ["Cook pasta in salted water", "Spaghetti recipes", "The stock market fell", ""]


class Endpoint(ThreadingHTTPServer):
    """An OpenAI-compatible `/embeddings`, which answers with letters counted, in reverse order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.reply: bytes | None = None
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.keys.append(self.headers["Authorization"])
        rows = [
            {"object": "embedding", "index": at, "embedding": [3.0 * len(text), 4.0 * len(text)]}
            for at, text in enumerate(body["input"])
        ]
        reply = {"object": "list", "model": body["model"], "data": rows[::-1]}
        reply["usage"] = {"prompt_tokens": 1, "total_tokens": 1}
        told = self.server.reply
        content = json.dumps(reply).encode() if told is None else told
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@pytest.fixture
def remote(settings: Settings, endpoint: Endpoint) -> Settings:
    changes = {
        "embeddings": "openai",
        "embedding_model": "letters",
        "embedding_base_url": endpoint.url,
    }
    return settings.model_copy(update=changes)


async def check_shape(embeddings: Embeddings) -> None:
    vectors = await embeddings.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape[0] == len(TEXTS)
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors[:3], axis=1) == pytest.approx(1, abs=1e-5)
    assert len(await embeddings.embed([])) == 0


async def test_the_static_model_knows_what_is_alike(settings: Settings) -> None:
    async with open_embeddings(settings) as embeddings:
        assert isinstance(embeddings, StaticEmbeddings)
        await check_shape(embeddings)
        pasta, spaghetti, market, _ = await embeddings.embed(TEXTS)
        assert pasta @ spaghetti > pasta @ market + 0.2
        alone = await embeddings.embed([TEXTS[0]])
        assert alone[0] == pytest.approx(pasta)


async def test_any_text_has_a_static_vector() -> None:
    embeddings = await StaticEmbeddings.load()
    vectors = await embeddings.embed(["\ud800", "\x00", "x" * 300_000, "日本語", " "])
    assert vectors.shape == (5, 256)
    assert np.isfinite(vectors).all()


async def test_an_endpoint_is_asked_once_for_all(remote: Settings, endpoint: Endpoint) -> None:
    async with open_embeddings(remote) as embeddings:
        assert "letters" in embeddings.name
        vectors = await embeddings.embed(["a", "bb" * 3_000])
        assert vectors == pytest.approx(np.array([[0.6, 0.8], [0.6, 0.8]]))
        [request] = endpoint.requests
        assert request["model"] == "letters"
        assert [len(text) for text in request["input"]] == [1, 2_000]
        await check_shape(embeddings)


async def test_a_failing_endpoint_is_named_and_not_asked_again(
    remote: Settings, endpoint: Endpoint
) -> None:
    async with open_embeddings(remote) as embeddings:
        endpoint.status = 500
        with pytest.raises(StoreUnavailable, match="EMBEDDING_BASE_URL"):
            await embeddings.embed(["a"])
    assert len(endpoint.requests) == 1


WRONG_REPLIES = [
    b'{"error": {"message": "no such model"}}',
    b"<html>Bad gateway</html>",
    b"null",
    b"",
    b"{}",
    b'{"data": null}',
    b'{"data": []}',
    b'{"data": [{"index": 0, "embedding": null}]}',
    b'{"data": [{"index": 0, "embedding": []}]}',
    b'{"data": [{"index": 0, "embedding": [NaN, 1]}]}',
    b'{"data": [{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [1, 2]}]}',
]


@pytest.mark.parametrize("reply", WRONG_REPLIES)
async def test_an_answer_without_vectors_is_an_outage(
    remote: Settings, endpoint: Endpoint, reply: bytes
) -> None:
    async with Playbook.open(remote) as playbook:
        entry = await playbook.add("a", "Be brief", "style")
        endpoint.reply = reply
        with pytest.raises(StoreUnavailable, match="EMBEDDING_BASE_URL"):
            await playbook.add("a", "Be polite", "tone")
        assert await playbook.all("a") == [entry]
    with pytest.raises(StoreUnavailable, match="EMBEDDING_BASE_URL"):
        async with Playbook.open(remote):
            pass


async def test_vectors_of_another_dimension_are_an_outage_until_all_are_embedded_anew(
    remote: Settings, endpoint: Endpoint
) -> None:
    async with Playbook.open(remote) as playbook:
        entry = await playbook.add("a", "Be brief", "style")
        endpoint.reply = b'{"data": [{"index": 0, "embedding": [1, 2, 3]}]}'
        with pytest.raises(StoreUnavailable, match="dimensions"):
            await playbook.add("a", "Be polite", "tone")
    async with Playbook.open(remote) as playbook:
        assert await playbook.all("a") == [entry]
        await playbook.add("a", "Be polite", "tone")


async def test_a_key_goes_to_its_own_host_only(settings: Settings, endpoint: Endpoint) -> None:
    other = endpoint.url.replace("127.0.0.1", "localhost")
    secret, own = SecretStr("sk-openai"), SecretStr("embedding-key")
    cases: list[tuple[dict[str, object], str | None]] = [
        ({"embedding_base_url": endpoint.url}, None),
        ({"embedding_base_url": endpoint.url, "openai_base_url": other}, None),
        ({"embedding_base_url": endpoint.url, "openai_base_url": endpoint.url}, "sk-openai"),
        ({"openai_base_url": endpoint.url}, "sk-openai"),
        ({"embedding_base_url": endpoint.url, "embedding_api_key": own}, "embedding-key"),
        ({"openai_base_url": endpoint.url, "embedding_api_key": own}, "embedding-key"),
    ]
    for chosen, key in cases:
        changes = {"embeddings": "openai", "openai_api_key": secret} | chosen
        async with open_embeddings(settings.model_copy(update=changes)) as embeddings:
            await embeddings.embed(["a"])
        assert endpoint.keys[-1] == (f"Bearer {key}" if key else None)


async def test_a_playbook_uses_the_endpoint_and_moves_to_it(
    settings: Settings, remote: Settings, endpoint: Endpoint
) -> None:
    async with Playbook.open(settings) as playbook:
        entry = await playbook.add("a", "Be brief", "style")
    async with Playbook.open(remote) as playbook:
        assert await playbook.all("a") == [entry]
        endpoint.status = 503
        with pytest.raises(StoreUnavailable):
            await playbook.add("a", "Be polite", "tone")
        assert await playbook.all("a") == [entry]
        whole = await playbook.recall("a", "query", max_tokens=100, count_tokens=len)
        assert whole == [entry]
    async with Playbook.open(settings) as playbook:
        assert await playbook.all("a") == [entry]

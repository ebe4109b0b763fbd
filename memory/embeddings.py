"""Texts as vectors: a small static model that comes in its wheel, or an `/embeddings` endpoint."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final, Protocol, Self
from urllib.parse import urlsplit

import httpx
import numpy as np
import wordllama
from numpy.typing import NDArray
from pydantic import BaseModel, Field, FiniteFloat, ValidationError
from wordllama import WordLlama, WordLlamaInference

from memory.errors import StoreUnavailable
from settings import Settings

Vectors = NDArray[np.float32]

EMBEDDED_CHARACTERS: Final = 2_000
"""What of a text is looked at: any more would overrun the windows of common embedding models."""
ENDPOINT_SECONDS: Final = 10.0
TOGETHER: Final = 32
"""Texts of one request: common servers take no more."""
FEW_CHARACTERS: Final = 1_000
"""What is embedded in less time than a thread takes to be woken."""
OPENAI: Final = "https://api.openai.com/v1"


class Embeddings(Protocol):
    """A model that turns texts into vectors."""

    @property
    def name(self) -> str:
        """Names the model; vectors of different names are never compared."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One L2-normalized row per text: shape (len(texts), d).

        Raises `StoreUnavailable`.
        """


class StaticEmbeddings:
    """wordllama: 256 dimensions, no network, well under a millisecond a text."""

    name = "wordllama-l2-supercat-256"

    def __init__(self, model: WordLlamaInference) -> None:
        self._model = model

    @classmethod
    async def load(cls) -> Self:
        """Read the weights (16 MB, about 0.3 s) in a thread."""
        return cls(await asyncio.to_thread(_load_static))

    async def embed(self, texts: Sequence[str]) -> Vectors:
        shown = [_shown(text) for text in texts]
        if sum(map(len, shown)) < FEW_CHARACTERS:
            return self._embed(shown)
        return await asyncio.to_thread(self._embed, shown)

    def _embed(self, texts: list[str]) -> Vectors:
        # The model pads a batch to its longest text: batches of one keep memory small.
        return _normalized(self._model.embed(texts, batch_size=1))


class _Vector(BaseModel):
    index: int = 0
    embedding: Annotated[list[FiniteFloat], Field(min_length=1)]


class _Reply(BaseModel):
    data: list[_Vector]


class OpenAIEmbeddings:
    """Any endpoint that speaks OpenAI's `/embeddings`."""

    def __init__(self, client: httpx.AsyncClient, model: str) -> None:
        self._client = client
        self._model = model

    @property
    def name(self) -> str:
        return f"openai-{self._model}"

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        parts = [texts[at : at + TOGETHER] for at in range(0, len(texts), TOGETHER)]
        rows = [row for part in parts for row in await self._embed(part)]
        if len({len(row) for row in rows}) > 1:
            raise self._useless("vectors of different dimensions")
        return _normalized(np.array(rows, dtype=np.float32))

    async def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        asked = {"model": self._model, "input": [_shown(text) for text in texts]}
        try:
            reply = await self._client.post("embeddings", json=asked | {"encoding_format": "float"})
        except httpx.HTTPError as error:
            raise self._useless(type(error).__name__) from error
        if not reply.is_success:
            raise self._useless(f"status {reply.status_code}")
        rows = _read(reply.content)
        if rows is None:
            raise self._useless("something else than vectors")
        if len(rows) != len(texts):
            raise self._useless(f"{len(rows)} vectors for {len(texts)} texts")
        return rows

    def _useless(self, answer: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"the embedding endpoint gave no vectors of {self._model} but {answer}: "
            "check EMBEDDING_MODEL, EMBEDDING_BASE_URL and EMBEDDING_API_KEY"
        )


@asynccontextmanager
async def open_embeddings(settings: Settings) -> AsyncIterator[Embeddings]:
    """The embeddings that the settings choose, closed at the end of the block."""
    if settings.embeddings == "static":
        yield await StaticEmbeddings.load()
        return
    async with await asyncio.to_thread(_endpoint, settings) as client:
        yield OpenAIEmbeddings(client, settings.embedding_model)


def _load_static() -> WordLlamaInference:
    # It looks for its tokenizer in the cache folder, though the wheel carries it beside the code.
    return WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


def _endpoint(settings: Settings) -> httpx.AsyncClient:
    own = settings.openai_base_url or OPENAI
    url = settings.embedding_base_url or own
    key = settings.embedding_api_key
    if key is None and urlsplit(url).netloc == urlsplit(own).netloc:
        key = settings.openai_api_key
    return httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
        timeout=ENDPOINT_SECONDS,
    )


def _read(content: bytes) -> list[list[float]] | None:
    """The vectors of an endpoint's answer in the order of the texts, or `None` if it has none."""
    try:
        reply = _Reply.model_validate_json(content)
    except ValidationError:
        return None
    return [row.embedding for row in sorted(reply.data, key=lambda row: row.index)]


def _shown(text: str) -> str:
    # An endpoint refuses an empty text; half surrogate pairs cannot be sent at all.
    return text[:EMBEDDED_CHARACTERS].encode(errors="replace").decode() or " "


def _normalized(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)

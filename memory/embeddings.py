"""Texts as vectors: a small static model that comes in its wheel, or an `/embeddings` endpoint."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import wordllama
from numpy.typing import NDArray
from openai import AsyncOpenAI, OpenAIError
from wordllama import WordLlama, WordLlamaInference

from memory.errors import StoreUnavailable
from settings import Settings

Vectors = NDArray[np.float32]

EMBEDDED_CHARACTERS = 2_000
"""What of a text is looked at: any more would overrun the windows of common embedding models."""
ENDPOINT_SECONDS = 10.0


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
        return await asyncio.to_thread(self._embed, list(texts))

    def _embed(self, texts: list[str]) -> Vectors:
        # The model pads a batch to its longest text: batches of one keep memory small.
        return _normalized(self._model.embed([_shown(text) for text in texts], batch_size=1))


class OpenAIEmbeddings:
    """Any endpoint that speaks OpenAI's `/embeddings`."""

    def __init__(self, client: AsyncOpenAI, model: str) -> None:
        self._client = client
        self._model = model

    @property
    def name(self) -> str:
        return f"openai-{self._model}"

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, 0), dtype=np.float32)
        try:
            reply = await self._client.embeddings.create(
                model=self._model, input=[_shown(text) for text in texts], encoding_format="float"
            )
        except OpenAIError as error:
            raise StoreUnavailable(
                f"the embedding endpoint gave no vectors for {self._model} "
                f"({type(error).__name__}): check EMBEDDING_MODEL and EMBEDDING_BASE_URL"
            ) from error
        rows = sorted(reply.data, key=lambda row: row.index)
        if len(rows) != len(texts):
            raise StoreUnavailable("the embedding endpoint answered with too few vectors")
        return _normalized(np.array([row.embedding for row in rows], dtype=np.float32))


@asynccontextmanager
async def open_embeddings(settings: Settings) -> AsyncIterator[Embeddings]:
    """The embeddings that the settings choose, closed at the end of the block."""
    if settings.embeddings == "static":
        yield await StaticEmbeddings.load()
        return
    client = await asyncio.to_thread(_endpoint, settings)
    async with client:
        yield OpenAIEmbeddings(client, settings.embedding_model)


def _load_static() -> WordLlamaInference:
    # It looks for its tokenizer in the cache folder, though the wheel carries it beside the code.
    return WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


def _endpoint(settings: Settings) -> AsyncOpenAI:
    key = settings.openai_api_key
    return AsyncOpenAI(
        api_key=key.get_secret_value() if key else "EMPTY",
        base_url=settings.embedding_base_url or "https://api.openai.com/v1",
        max_retries=0,
        timeout=ENDPOINT_SECONDS,
    )


def _shown(text: str) -> str:
    # An endpoint refuses an empty text; half surrogate pairs cannot be sent at all.
    return text[:EMBEDDED_CHARACTERS].encode(errors="replace").decode() or " "


def _normalized(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)

"""The seam over Chroma: rows by id, embedded (in threads) or on a server, vendor errors translated.

Chroma keeps and finds rows; it never embeds (it would download a model) and never ranks.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import chromadb
import httpx
import numpy as np
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError

from memory.disk_guard import TO_DELETE, TO_WRITE, DiskGuard
from memory.embeddings import Vectors
from memory.errors import StoreUnavailable
from memory.ownership import damaged, private_folder, sole_owner
from memory.packing import Packing, unpacked
from settings import Settings

SERVER_SECONDS: Final = 5.0
"""What one call to a Chroma server may take."""
THREADS: Final = 4
CONFIGURATION: Final = {"hnsw": {"batch_size": 50, "sync_threshold": 100}}
"""Chroma's log keeps every written text until its index takes it in: after 100 writes, not the
usual 1000, so that what was erased does not stay there for long."""

Label = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its id, two texts of whoever wrote it (`past` seldom read), and its vector.

    A row that was read carries its vector only if that was asked for; a row to write needs it.
    """

    id: str
    text: str
    past: str = "[]"
    vector: Vectors | None = None


_Call = Callable[..., Awaitable[Any]]
"""Runs a method of Chroma's client with its arguments; a second argument, in bytes, is what a disk
of ours must have free for it. Raises `StoreUnavailable`."""


class Collection:
    """A set of rows with a label of its own."""

    def __init__(self, vendor: Any, call: _Call) -> None:  # noqa: ANN401
        self._vendor = vendor
        self._call = call

    @property
    def name(self) -> str:
        return str(self._vendor.name)

    @property
    def label(self) -> Label:
        return dict(self._vendor.metadata or {})

    async def relabel(self, label: Label) -> None:
        await self._call(self._vendor.modify, TO_WRITE, metadata=label)

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> dict[str, Row]:
        """The rows among `ids` that exist, by id."""
        if not ids:
            return {}
        include = ["metadatas", "embeddings"] if vectors else ["metadatas"]
        found = await self._call(self._vendor.get, ids=list(ids), include=include)
        return {row.id: row for row in _rows(found)}

    async def ids(self) -> list[str]:
        """The ids of all rows."""
        found = await self._call(self._vendor.get, include=[])
        return list(found["ids"])

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Write all the rows or none."""
        if rows:
            await self._call(
                self._vendor.upsert,
                TO_WRITE,
                ids=[row.id for row in rows],
                embeddings=[row.vector for row in rows],
                metadatas=[{"text": row.text, "past": row.past} for row in rows],
            )

    async def delete(self, ids: Sequence[str]) -> None:
        if ids:
            await self._call(self._vendor.delete, TO_DELETE, ids=list(ids))

    async def count(self) -> int:
        return int(await self._call(self._vendor.count))


class Store:
    """Chroma's collections. `shared`: other processes may write to them as well."""

    def __init__(self, client: Any, call: _Call, *, shared: bool) -> None:  # noqa: ANN401
        self._client = client
        self._call = call
        self.shared = shared

    async def collections(self, prefix: str) -> dict[str, Collection]:
        """The collections whose name starts with `prefix`, by name."""
        found = await self._call(self._client.list_collections)
        return {
            vendor.name: self._opened(vendor) for vendor in found if vendor.name.startswith(prefix)
        }

    async def collection(self, name: str, label: Label) -> Collection:
        """The collection of that name, created with `label` if there is none."""
        vendor = await self._call(
            self._client.get_or_create_collection,
            name=name,
            metadata=label,
            configuration=CONFIGURATION,
            embedding_function=None,
        )
        return self._opened(vendor)

    async def drop(self, name: str) -> None:
        await self._call(self._client.delete_collection, name=name)

    def _opened(self, vendor: Any) -> Collection:  # noqa: ANN401
        return Collection(vendor if self.shared else Packing(vendor), self._call)


def open_store(settings: Settings) -> AbstractAsyncContextManager[Store]:
    """The server at CHROMA_URL, or Chroma embedded in DATA_DIR, which is then owned.

    Raises `StoreLocked`, `StoreUnavailable`.
    """
    return _on_server(settings.chroma_url) if settings.chroma_url else _embedded(settings.data_dir)


def playbook_folder(data_dir: Path) -> Path:
    """Where Chroma keeps its files, embedded or as a server of this DATA_DIR."""
    return data_dir / "playbook"


@asynccontextmanager
async def _embedded(data_dir: Path) -> AsyncIterator[Store]:
    owned = sole_owner(data_dir)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="playbook")
    call = partial(_in_thread, pool, DiskGuard(data_dir))
    async with AsyncExitStack() as stack:
        await asyncio.to_thread(owned.__enter__)
        stack.push_async_callback(asyncio.to_thread, owned.__exit__, None, None, None)
        client = await call(_open_files, path=playbook_folder(data_dir))
        stack.push_async_callback(asyncio.to_thread, client.close)
        # Comes first: writes whose callers have gone end before the files close under them.
        stack.push_async_callback(asyncio.to_thread, pool.shutdown)
        yield Store(client, call, shared=False)


def _open_files(path: Path) -> Any:  # noqa: ANN401
    private_folder(path)
    try:
        return chromadb.PersistentClient(path, ChromaSettings(anonymized_telemetry=False))
    except ChromaError as error:
        raise damaged(path / "chroma.sqlite3", error) from error
    except AttributeError as error:
        # What a client that could not start leaves behind in this process trips up the next one.
        raise StoreUnavailable(
            "the playbook's files in DATA_DIR could not be opened before: restart to try again"
        ) from error


async def _in_thread(
    pool: ThreadPoolExecutor,
    disk: DiskGuard,
    method: Callable[..., Any],
    room: int = 0,
    **arguments: object,
) -> Any:  # noqa: ANN401
    loop = asyncio.get_running_loop()
    try:
        guarded = partial(disk.call, room, method) if room else method
        return await loop.run_in_executor(pool, partial(guarded, **arguments))
    except (ChromaError, OSError) as error:
        raise StoreUnavailable(
            f"the playbook's files in DATA_DIR fail us ({type(error).__name__})"
        ) from error


@asynccontextmanager
async def _on_server(url: str) -> AsyncIterator[Store]:
    call = partial(_remotely, _address(url))
    client = await call(_connect, url=url, settings=await asyncio.to_thread(_server_settings, url))
    try:
        yield Store(client, call, shared=True)
    finally:
        # The client has no way of its own to close its connections; what it wraps has.
        await client._server.__aexit__(None, None, None)


def _server_settings(url: str) -> ChromaSettings:
    # Unless told, the client neither verifies certificates nor keeps its telemetry to itself.
    return ChromaSettings(
        anonymized_telemetry=False,
        chroma_server_ssl_verify=True,
        chroma_server_host=url,
        chroma_server_http_port=_port(url),
    )


async def _connect(url: str, settings: ChromaSettings) -> Any:  # noqa: ANN401
    try:
        return await chromadb.AsyncHttpClient(
            host=url, port=_port(url), ssl=url.startswith("https://"), settings=settings
        )
    except (KeyError, TypeError, ValueError) as error:
        # Its ways to say that nobody is there, or somebody who is not a Chroma server.
        raise StoreUnavailable(
            f"there is no Chroma server at {_address(url)} (CHROMA_URL)"
        ) from error


async def _remotely(
    address: str, method: Callable[..., Any], room: int = 0, **arguments: object
) -> Any:  # noqa: ANN401
    del room  # is the server's business
    try:
        async with asyncio.timeout(SERVER_SECONDS):
            return await method(**arguments)
    except (ChromaError, httpx.HTTPError, TimeoutError) as error:
        raise _silent(address, error) from error
    except Exception as error:
        # The client raises bare Exceptions for what it cannot read, such as a proxy's 502.
        if type(error) is not Exception:
            raise
        raise _silent(address, error) from error


def _silent(address: str, error: Exception) -> StoreUnavailable:
    if isinstance(error, NotFoundError):
        return StoreUnavailable(
            "another process changed the embeddings of the playbook: restart this one with the "
            "same EMBEDDINGS and EMBEDDING_MODEL"
        )
    return StoreUnavailable(
        f"the Chroma server at {address} (CHROMA_URL) fails us ({type(error).__name__})"
    )


def _address(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{_port(url)}"


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _rows(found: Mapping[str, Any]) -> list[Row]:
    ids, metadatas = found["ids"], found["metadatas"]
    vectors = found["embeddings"] if found["embeddings"] is not None else [None] * len(ids)
    return [
        Row(
            id_,
            unpacked(str(metadata["text"])),
            unpacked(str(metadata.get("past", "[]"))),
            _vector(vector),
        )
        for id_, metadata, vector in zip(ids, metadatas, vectors, strict=True)
    ]


def _vector(raw: object) -> Vectors | None:
    return None if raw is None else np.asarray(raw, dtype=np.float32)

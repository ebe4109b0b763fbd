"""Web search behind one adapter: a SearxNG server, or DuckDuckGo by an optional package."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from nodes.errors import SearchFailed, SearchUnavailable
from nodes.state import SearchHit
from settings import Settings

LONGEST_SNIPPET = 600
LONGEST_TITLE = 200
LONGEST_ADDRESS = 2_000
LONGEST_QUERY = 400
AT_ONCE = 8  # threads of its own: a search that hangs must not hold up what others do in threads
FOUND_NOTHING = "No results found."  # what the DuckDuckGo package says in an error


class WebSearch(Protocol):
    """Looks queries up on the web."""

    async def search(self, query: str, most: int) -> list[SearchHit]:
        """At most `most` hits, best first. Raises `SearchFailed`."""


class _Row(BaseModel):
    url: Any  # whatever it is, only addresses of the web are taken
    title: str | None = None
    content: str | None = None


class _Found(BaseModel):
    results: list[_Row]


class _SearxNG:
    def __init__(self, client: httpx.AsyncClient, address: str) -> None:
        self._client = client
        self._address = f"{address}/search"

    async def search(self, query: str, most: int) -> list[SearchHit]:
        asked = {"q": query[:LONGEST_QUERY], "format": "json", "language": "all"}
        try:
            response = await self._client.get(self._address, params=asked)
        except httpx.HTTPError as error:
            raise SearchFailed("the SearxNG server cannot be reached") from error
        if response.status_code != httpx.codes.OK:
            raise SearchFailed(f"the SearxNG server answered {response.status_code}")
        try:
            found = _Found.model_validate_json(response.content)
        except ValidationError as error:
            raise SearchFailed("the SearxNG server gave no readable answer") from error
        return _hits((row.url, row.title, row.content) for row in found.results[:most])


class _DuckDuckGo:
    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor

    async def search(self, query: str, most: int) -> list[SearchHit]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._executor, _duckduckgo, query[:LONGEST_QUERY], most)
        return _hits((row.get("href"), row.get("title"), row.get("body")) for row in found)


@asynccontextmanager
async def open_search(settings: Settings) -> AsyncIterator[WebSearch | None]:
    """The configured search, or `None` where it is off.

    Raises `SearchUnavailable` when the package of the optional extra is missing.
    """
    if settings.search_backend == "searxng":
        # The run's own limit is what a query may take.
        async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113
            yield _SearxNG(client, settings.searxng_url or "")
    elif settings.search_backend == "duckduckgo":
        if importlib.util.find_spec("ddgs") is None:
            raise SearchUnavailable(
                "SEARCH_BACKEND=duckduckgo needs the package ddgs: "
                "pip install -r requirements-search.txt"
            )
        executor = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="search")
        try:
            yield _DuckDuckGo(executor)
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
    else:
        yield None


def _hits(rows: Iterable[tuple[Any, str | None, str | None]]) -> list[SearchHit]:
    """What a search brought, without what has no http or https address."""
    return [
        SearchHit(
            title=" ".join((title or "").split())[:LONGEST_TITLE],
            address=address,
            snippet=" ".join((snippet or "").split())[:LONGEST_SNIPPET],
        )
        for address, title, snippet in rows
        if _is_web_address(address)
    ]


def _is_web_address(address: object) -> bool:
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    plain = address.isprintable() and " " not in address and len(address) <= LONGEST_ADDRESS
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def _duckduckgo(query: str, most: int) -> Sequence[Mapping[str, Any]]:
    # Not there without the extra, and slow to import.
    from ddgs import DDGS  # noqa: PLC0415
    from ddgs.exceptions import DDGSException  # noqa: PLC0415

    try:
        found: Sequence[Mapping[str, Any]] = DDGS().text(query, max_results=most)
    except DDGSException as error:
        if str(error) == FOUND_NOTHING:
            return []
        raise SearchFailed("DuckDuckGo gave no answer") from error
    return found

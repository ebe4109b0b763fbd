"""Web search behind one adapter; the packages it needs are an optional extra."""

import asyncio
import importlib.util
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp

from nodes.errors import SearchFailed, SearchUnavailable
from nodes.state import SearchHit
from settings import Settings

LONGEST_SNIPPET = 600
LONGEST_TITLE = 200
LONGEST_ADDRESS = 2_000
LONGEST_QUERY = 400
ANY_LANGUAGE = "all"  # the wrapper's own default is English
# The wrappers have no errors of their own: these are what odd answers raise in them.
ODD_ANSWER = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
FOUND_NOTHING = "No results found."  # what the DuckDuckGo package says in an error
PACKAGES = {"searxng": ("langchain_community",), "duckduckgo": ("langchain_community", "ddgs")}


class WebSearch(Protocol):
    """Looks queries up on the web."""

    async def search(self, query: str, most: int) -> list[SearchHit]:
        """At most `most` hits, best first. Raises `SearchFailed`."""


class _SearxNG:
    def __init__(self, address: str) -> None:
        self._address = f"{address}/search"

    async def search(self, query: str, most: int) -> list[SearchHit]:
        try:
            found = await self._found(query[:LONGEST_QUERY], most)
        except ODD_ANSWER as error:
            raise SearchFailed("the SearxNG server gave no readable answer") from error
        return hits(found, address="link", snippet="snippet")

    async def _found(self, query: str, most: int) -> list[dict[str, Any]]:
        wrapper = await asyncio.to_thread(_searx_wrapper, self._address)
        try:
            found: list[dict[str, Any]] = await wrapper.aresults(query, num_results=most)
        except aiohttp.ClientError as error:
            raise SearchFailed("the SearxNG server cannot be reached") from error
        return found


class _DuckDuckGo:
    async def search(self, query: str, most: int) -> list[SearchHit]:
        found = await asyncio.to_thread(_duckduckgo, query[:LONGEST_QUERY], most)
        return hits(found, address="link", snippet="snippet")


def open_search(settings: Settings) -> WebSearch | None:
    """The configured search, or `None` where it is off.

    Raises `SearchUnavailable` when a package of the optional extra is missing.
    """
    if settings.search_backend is None:
        return None
    for package in PACKAGES[settings.search_backend]:
        if importlib.util.find_spec(package) is None:
            raise SearchUnavailable(
                f"SEARCH_BACKEND={settings.search_backend} needs the package {package}: "
                "pip install -r requirements-search.txt"
            )
    if settings.search_backend == "searxng":
        return _SearxNG(settings.searxng_url or "")
    return _DuckDuckGo()


def hits(found: list[dict[str, Any]], *, address: str, snippet: str) -> list[SearchHit]:
    """What a search brought, without what has no http or https address."""
    return [
        SearchHit(
            title=_one_line(row.get("title"))[:LONGEST_TITLE],
            address=row[address],
            snippet=_one_line(row.get(snippet))[:LONGEST_SNIPPET],
        )
        for row in found
        if _is_web_address(row.get(address))
    ]


def _one_line(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _is_web_address(address: object) -> bool:
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    plain = address.isprintable() and " " not in address and len(address) <= LONGEST_ADDRESS
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def _searx_wrapper(address: str) -> Any:  # noqa: ANN401 - its package may be missing
    # Takes seconds to import, and is not there without the extra.
    from langchain_community.utilities import SearxSearchWrapper  # noqa: PLC0415

    return SearxSearchWrapper(searx_host=address, params={"language": ANY_LANGUAGE})


def _duckduckgo(query: str, most: int) -> list[dict[str, Any]]:
    from ddgs.exceptions import DDGSException  # noqa: PLC0415
    from langchain_community.utilities import DuckDuckGoSearchAPIWrapper  # noqa: PLC0415

    try:
        found: list[dict[str, Any]] = DuckDuckGoSearchAPIWrapper(time=None).results(query, most)
    except DDGSException as error:
        if str(error) == FOUND_NOTHING:
            return []
        raise SearchFailed("DuckDuckGo gave no answer") from error
    except ODD_ANSWER as error:
        raise SearchFailed("DuckDuckGo gave no readable answer") from error
    return found

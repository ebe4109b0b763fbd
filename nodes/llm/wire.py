"""HTTP to one address: connections kept, proxies of the environment, nothing read into it.

By aiohttp, which takes a third of the CPU of httpx or of the SDK's raw response, which is httpx
(`python -m benchmarks.clients`).
"""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import orjson
from yarl import URL

from nodes.llm import spans
from nodes.llm.failures import Interrupted, Unreached
from nodes.llm.proxies import connector, failures_through, proxy_for

CONNECT_SECONDS = 5.0
HEADERS = {
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "playbook-miner",
}
_CHAT_PATH = "/chat/completions"


class Wire:
    """The connections to one OpenAI-compatible address.

    Build it where files may be read (certificates); use it in one event loop, and close it there.
    Raises `SettingsError` for a proxy that cannot be used.
    """

    def __init__(self, base_url: str, key: str) -> None:
        self._address = urlsplit(base_url)
        self._proxy = proxy_for(self._address)
        self._failures = failures_through(self._proxy)
        self._headers = HEADERS | {"Authorization": f"Bearer {key}"}
        if (self._address.hostname or "").endswith(".azure.com"):
            self._headers["api-key"] = key
        secure = self._address.scheme == "https" or (self._proxy or "").startswith("https")
        self._ssl: ssl.SSLContext | bool = httpx.create_ssl_context() if secure else True
        self._session: aiohttp.ClientSession | None = None
        self._chat = self._url(_CHAT_PATH)

    @property
    def host(self) -> str:
        """Host and port, without what else the address may hold."""
        return self._address.netloc.rpartition("@")[2]

    @asynccontextmanager
    async def chat(self, body: dict[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask for a completion.

        Raises `Unreached` where no answer begins, `Interrupted` where it breaks off.
        """
        async with self._request("POST", self._chat, encoded(body)) as response:
            yield response

    @asynccontextmanager
    async def ask(
        self, path: str, body: object = None, *, root: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Anything else: a GET, or a POST of `body`; under the `root` if not of the API."""
        url = self._url(path, root=root)
        if body is None:
            request = self._request("GET", url, None)
        else:
            request = self._request("POST", url, encoded(body))
        async with request as response:
            yield response

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def _request(
        self, method: str, url: URL, data: bytes | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        began = False
        try:
            response = await self._opened().request(
                method, url, data=data, headers=self._headers | spans.headers(), **self._through
            )
            try:
                began = True
                yield response
            finally:
                response.release()
        except self._failures as error:
            if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
                raise  # the caller's own time limit
            if began:
                raise Interrupted("") from error
            raise Unreached("the model's backend cannot be reached") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connections, self._through = connector(self._proxy, self._ssl)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(
                connector=connections, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    def _url(self, path: str, *, root: bool = False) -> URL:
        base = self._address.path.rstrip("/").removesuffix(_CHAT_PATH)
        base = base.removesuffix("/v1") if root else base
        return URL(self._address._replace(path=base + path).geturl(), encoded=True)


def encoded(body: object) -> bytes:
    """JSON; half a surrogate pair, which no backend takes, becomes a replacement character."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        text = json.dumps(body, ensure_ascii=False, default=str)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()

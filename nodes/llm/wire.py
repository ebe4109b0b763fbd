"""HTTP to one address: connections kept, proxies of the environment, nothing read into it.

By aiohttp, which takes a third of the CPU of httpx or of the SDK's raw response, which is httpx
(`python -m benchmarks.clients`).
"""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
import orjson
from yarl import URL

from nodes.llm import spans
from nodes.llm.failures import Interrupted, Unreached
from settings import SettingsError

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
        if self._proxy and self._proxy.startswith("socks"):
            _socks_connector()
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
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
                raise  # the caller's own time limit
            if began:
                raise Interrupted("") from error
            raise Unreached("the model's backend cannot be reached") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector, self._through = _connector(self._proxy, self._ssl)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
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


def proxy_for(address: SplitResult) -> str | None:
    """The proxy that the environment names for an address; none for this machine's own.

    As httpx does: by the scheme's variable, else `ALL_PROXY`; `NO_PROXY` also takes networks.
    """
    host = address.hostname or ""
    if _is_own(host) or proxy_bypass(address.netloc.rpartition("@")[2]) or _in_no_proxy(host):
        return None
    proxies = getproxies()
    found = proxies.get(address.scheme) or proxies.get("all")
    return found if not found or "://" in found else f"http://{found}"


def _is_own(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _in_no_proxy(host: str) -> bool:
    for network in getproxies().get("no", "").split(","):
        try:
            if ip_address(host) in ip_network(network.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False


def _connector(
    proxy: str | None, verify: ssl.SSLContext | bool
) -> tuple[aiohttp.BaseConnector, dict[str, Any]]:
    """The connections, and what each request through a proxy has to say."""
    if proxy and proxy.startswith("socks"):
        address = proxy.replace("socks5h://", "socks5://")
        return _socks_connector().from_url(address, limit=0, rdns=True, ssl=verify), {}
    through: dict[str, Any] = {}
    if proxy:
        url = URL(proxy)
        login = aiohttp.BasicAuth(url.user, url.password or "") if url.user else None
        through = {"proxy": url.with_user(None), "proxy_auth": login}
    return aiohttp.TCPConnector(limit=0, ssl=verify), through


def _socks_connector() -> Any:  # noqa: ANN401 - from a package that need not be installed
    try:
        from aiohttp_socks import ProxyConnector  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "ALL_PROXY or HTTPS_PROXY names a SOCKS proxy, which needs the package aiohttp-socks; "
            "install it, or name the backend's host in NO_PROXY"
        ) from None
    return ProxyConnector

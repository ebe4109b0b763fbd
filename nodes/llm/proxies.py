"""The proxies that the environment names, as httpx takes them, and connections through them."""

import ssl
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from settings import SettingsError

_SCHEMES = ("http", "https", "socks4", "socks5", "socks5h")


def proxy_for(address: SplitResult) -> str | None:
    """The proxy that the environment names for an address; none for this machine's own.

    As httpx does: by the scheme's variable, else `ALL_PROXY`; `NO_PROXY` also takes networks.
    Raises `SettingsError` for one that cannot be used.
    """
    host = address.hostname or ""
    if _is_own(host) or proxy_bypass(address.netloc.rpartition("@")[2]) or _in_no_proxy(host):
        return None
    proxies = getproxies()
    found = proxies.get(address.scheme) or proxies.get("all")
    if not found:
        return None
    found = found if "://" in found else f"http://{found}"
    if not _is_usable(found):
        raise SettingsError(
            f"ALL_PROXY or {address.scheme.upper()}_PROXY is wrong: a proxy is an address such as "
            f"http://host:3128, and its scheme one of {', '.join(_SCHEMES)}"
        )
    if found.startswith("socks"):
        _socks()
    return found


def connector(
    proxy: str | None, verify: ssl.SSLContext | bool
) -> tuple[aiohttp.BaseConnector, dict[str, Any]]:
    """The connections, and what each request through a proxy has to say."""
    if proxy and proxy.startswith("socks"):
        address = proxy.replace("socks5h://", "socks5://")
        return _socks().ProxyConnector.from_url(address, limit=0, rdns=True, ssl=verify), {}
    through: dict[str, Any] = {}
    if proxy:
        url = URL(proxy)
        login = aiohttp.BasicAuth(url.user, url.password or "") if url.user else None
        through = {"proxy": url.with_user(None), "proxy_auth": login}
    return aiohttp.TCPConnector(limit=0, ssl=verify), through


def failures_through(proxy: str | None) -> tuple[type[Exception], ...]:
    """What is raised where no connection comes about, or one breaks."""
    failures: tuple[type[Exception], ...] = (aiohttp.ClientError, OSError)
    if proxy and proxy.startswith("socks"):
        socks = _socks()
        failures += (EOFError, socks.ProxyError, socks.ProxyConnectionError, socks.SocksError)
        failures += (socks.ProxyTimeoutError,)
    return failures


def _is_usable(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy)
        named = parts.hostname and (parts.port or parts.scheme.startswith("http"))
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and bool(named)


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


def _socks() -> Any:  # noqa: ANN401 - a package that need not be installed
    try:
        import aiohttp_socks  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "ALL_PROXY or HTTPS_PROXY names a SOCKS proxy, which needs the package aiohttp-socks; "
            "install it, or name the backend's host in NO_PROXY"
        ) from None
    return aiohttp_socks

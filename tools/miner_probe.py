"""Whether an address can be registered, and whether a miner answers there.

It needs the standard library alone, since it runs in the signing environment.
"""

import ipaddress
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

TIMEOUT_SECONDS = 10.0
LARGEST_ANSWER = 1 << 20

_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")


class AddressError(ValueError):
    """The address cannot be registered, or what answers there is no healthy miner.

    The message is one line and holds neither the token nor a password.
    """


def check_address(api_url: str, *, allow_private: bool = False, look_up: bool = True) -> None:
    """Raise `AddressError` unless `api_url` is an http(s) address the network can call.

    Its host must be or resolve to public addresses alone, unless `allow_private`; without
    `look_up` no name is resolved, and one is believed.
    """
    host = _split(api_url).hostname
    if host and not allow_private and (look_up or _is_address(host)):
        _check_public(host)


def probe(api_url: str, token: str) -> Iterator[str]:
    """Ask the miner what the registration system asks; yield a line for each good answer.

    `/health` is asked without a key, `/capabilities` with `token` as `X-API-Key`. Raises
    `AddressError` at the first answer that would fail the registration.
    """
    health = _get_json(api_url, "/health", {})
    if health.get("status") != "healthy":
        raise AddressError(f"GET {api_url}/health: the miner does not say that it is healthy")
    yield f"GET {api_url}/health: healthy"
    capabilities = _get_json(api_url, "/capabilities", {"X-API-Key": token})
    if not isinstance(capabilities.get("supported_functions"), list):
        raise AddressError(f"GET {api_url}/capabilities: the answer lists no supported_functions")
    if "miner_name" not in capabilities:
        raise AddressError(
            f"GET {api_url}/capabilities: the answer is the short one, so the miner refuses the "
            "token; it must be the miner's MINER_API_KEY"
        )
    yield f"GET {api_url}/capabilities: the token is accepted"


def _split(api_url: str) -> SplitResult:
    if not _URL.fullmatch(api_url):
        raise AddressError(
            "--api-url must start with http:// or https:// and hold only the characters of an "
            "address, such as https://miner.my-domain.net"
        )
    try:
        parts = urlsplit(api_url)
        port = parts.port
    except ValueError:
        raise AddressError("--api-url names a host or port that cannot exist") from None
    _check_parts(api_url, parts, port)
    return parts


def _check_parts(api_url: str, parts: SplitResult, port: int | None) -> None:
    faults = {
        "names no host": not parts.hostname,
        "carries a user name or a password; the token is the only secret": "@" in parts.netloc,
        "has an empty port or port 0": port == 0 or parts.netloc.endswith(":"),
        "carries a query or a fragment; give the address alone": "?" in api_url or "#" in api_url,
        "ends with a slash; the network adds /complete to it": api_url.endswith("/"),
    }
    for fault, found in faults.items():
        if found:
            raise AddressError(f"--api-url {fault}")


def _check_public(host: str) -> None:
    for address in _resolve(host):
        if not _is_public(address):
            raise AddressError(
                f"--api-url: {host} is at {address}, which the network cannot reach; "
                "--allow-private signs it all the same"
            )


def _resolve(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressError(
            f"--api-url: no address is known for {host}; --allow-private signs it all the same"
        ) from None
    return [str(entry[4][0]) for entry in found]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return parsed.is_global and not parsed.is_multicast


def _get_json(api_url: str, path: str, headers: dict[str, str]) -> dict[str, object]:
    url = api_url + path
    status, body = _get(api_url, path, headers)
    if status != HTTPStatus.OK:
        raise AddressError(f"GET {url}: {_explain(status, with_key=bool(headers))}")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise AddressError(f"GET {url}: the answer is not a miner's (no JSON object)")
    return answer


def _explain(status: int, *, with_key: bool) -> str:
    if with_key and status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"{status}, so the miner refuses the token; it must be the miner's MINER_API_KEY"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"{status}, a redirect; sign the address it leads to"
    return f"{status}, where 200 is needed"


def _get(api_url: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = _connect(urlsplit(api_url))
    try:
        connection.request("GET", urlsplit(api_url).path + path, headers=headers)
        response = connection.getresponse()
        return response.status, _read(response)
    except (OSError, HTTPException) as error:
        raise AddressError(f"GET {api_url}{path}: {_reason(error)}") from error
    finally:
        connection.close()


def _connect(parts: SplitResult) -> HTTPConnection:
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)


def _read(response: HTTPResponse) -> bytes:
    body = b""
    give_up = time.monotonic() + TIMEOUT_SECONDS
    while chunk := response.read1(LARGEST_ANSWER):
        body += chunk
        # A socket's timeout starts anew with every byte, so it bounds neither time nor size.
        if len(body) > LARGEST_ANSWER or time.monotonic() > give_up:
            raise TimeoutError
    return body


def _reason(error: OSError | HTTPException) -> str:
    reasons: dict[type[Exception], str] = {
        TimeoutError: f"no whole answer within {TIMEOUT_SECONDS:.0f} s",
        ssl.SSLCertVerificationError: "its certificate is not valid for this address",
        ssl.SSLError: "no TLS connection; is it an http:// address?",
        socket.gaierror: "no address is known for this host",
        ConnectionRefusedError: "connection refused; is the miner running, and the port open?",
        HTTPException: "the answer is not HTTP, or broke off",
    }
    known = (text for kind, text in reasons.items() if isinstance(error, kind))
    return next(known, "the connection failed")

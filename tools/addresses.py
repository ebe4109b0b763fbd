"""Addresses to listen on: whether they are free, and whether they are this machine's own."""

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from settings import SettingsError


class AddressTaken(Exception):
    """An address cannot be listened on. The message is one line that names the setting."""


def check_free(host: str, port: int, setting: str) -> None:
    """Raise `AddressTaken` unless this process could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise AddressTaken(
            f"cannot listen on {host}:{port} ({error.strerror or error}): "
            f"end what uses it, or change {setting}"
        ) from error


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def loopback(url: str, setting: str) -> tuple[str, int]:
    """Host and port of an address such as http://127.0.0.1:8002/v1.

    Raises `SettingsError` for one where `run.py` cannot serve, or should not.
    """
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if parts.scheme != "http" or parts.path != "/v1" or not port or not is_loopback(host):
        raise SettingsError(
            f"{setting}={url!r} is wrong: the embedded model is served on this machine alone, "
            "at an address such as http://127.0.0.1:8002/v1"
        )
    return ("127.0.0.1" if host == "localhost" else host), port


def reachable(host: str) -> str:
    """The name under which a program of this machine finds what listens on `host`."""
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)  # noqa: S104
    return f"[{name}]" if ":" in name else name


def is_loopback(host: str) -> bool:
    """Whether a name or an address is of this machine itself."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

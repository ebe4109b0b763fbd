"""Sending calls to a miner, sync and async."""

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Generic, Self

import httpx
from httpx_sse import EventSource

from tools.client.calls import Answer, Call
from tools.client.errors import Refused, Unreachable, Unusable
from tools.client.events import Event, Headers, Result, read, read_event, read_object

TIMEOUT = httpx.Timeout(120, connect=5)  # a miner's keep-alive comes every 5 s
LAST_PORT = 65535
EVENTS = "text/event-stream"
REPORTED = "x-miner-"
CUT_OFF = "the stream ended before the answer"


@dataclass(frozen=True, slots=True)
class Reply(Generic[Answer]):
    """An answer, and the headers `X-Miner-*` that say how it came about, by lower-case name."""

    value: Answer
    headers: dict[str, str]


class Client:
    """A miner by its address and the key it asks for; an empty key is not sent.

    A context manager that keeps its connections. Every method raises `Refused` for an error of
    the miner, `Unreachable` where there is none, and the constructor `Unusable` for an address or
    a key that cannot be sent. `timeout` is in seconds between two pieces of an answer.
    """

    def __init__(
        self, url: str, key: str = "", *, timeout: float | httpx.Timeout = TIMEOUT
    ) -> None:
        self.url, self.key = url, key
        self._http = httpx.Client(**_settings(url, key), timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[Answer]) -> Answer:
        """The answer to a call."""
        return self.reply(call).value

    def reply(self, call: Call[Answer]) -> Reply[Answer]:
        """The answer to a call, with what the miner reports of it."""
        with _translated(self.url):
            response = self._http.request(call.method, call.path, json=call.body)
        _refuse(response)
        return Reply(read(call, read_object(response.content)), _reported(response))

    def stream(self, call: Call[Answer]) -> Generator[Event[Answer], None, None]:
        """The events of a run; the last is its `Result`. Closing the iterator ends the run."""
        answered = False
        with _translated(self.url), self._http.stream(**_asking(call)) as response:
            if not _is_stream(response):
                response.read()
                _refuse(response)
                yield from _whole(call, response)
                return
            for sent in EventSource(response).iter_sse():
                if (event := read_event(call, sent)) is not None:
                    answered = isinstance(event, Result)
                    yield event
        if not answered:
            raise Unreachable(CUT_OFF)

    def text(self, path: str) -> str:
        """The text that `GET path` answers with, such as that of `/metrics`."""
        with _translated(self.url):
            response = self._http.get(path)
        _refuse(response)
        return response.text


class AsyncClient:
    """The same for asyncio."""

    def __init__(
        self, url: str, key: str = "", *, timeout: float | httpx.Timeout = TIMEOUT
    ) -> None:
        self.url, self.key = url, key
        self._http = httpx.AsyncClient(**_settings(url, key), timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, *_: type[BaseException] | BaseException | TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, call: Call[Answer]) -> Answer:
        """The answer to a call."""
        return (await self.reply(call)).value

    async def reply(self, call: Call[Answer]) -> Reply[Answer]:
        """The answer to a call, with what the miner reports of it."""
        with _translated(self.url):
            response = await self._http.request(call.method, call.path, json=call.body)
        _refuse(response)
        return Reply(read(call, read_object(response.content)), _reported(response))

    async def stream(self, call: Call[Answer]) -> AsyncGenerator[Event[Answer], None]:
        """The events of a run; the last is its `Result`. Closing the iterator ends the run."""
        answered = False
        with _translated(self.url):
            async with self._http.stream(**_asking(call)) as response:
                if not _is_stream(response):
                    await response.aread()
                    _refuse(response)
                    for event in _whole(call, response):
                        yield event
                    return
                async for sent in EventSource(response).aiter_sse():
                    if (found := read_event(call, sent)) is not None:
                        answered = isinstance(found, Result)
                        yield found
        if not answered:
            raise Unreachable(CUT_OFF)

    async def text(self, path: str) -> str:
        """The text that `GET path` answers with, such as that of `/metrics`."""
        with _translated(self.url):
            response = await self._http.get(path)
        _refuse(response)
        return response.text


def is_loopback(url: str) -> bool:
    """Whether the address is of this machine itself."""
    try:
        host = httpx.URL(url.strip()).host
        return host == "localhost" or ip_address(host).is_loopback
    except (ValueError, httpx.InvalidURL):
        return False


def same_miner(one: str, other: str) -> bool:
    """Whether two addresses are surely of one miner; those of this machine are all alike."""
    try:
        first, second = (httpx.URL(url.strip()) for url in (one, other))
    except httpx.InvalidURL:
        return False
    hosts_alike = first.host == second.host or (is_loopback(one) and is_loopback(other))
    return hosts_alike and (first.scheme, first.port) == (second.scheme, second.port)


def usable_address(url: str) -> httpx.URL:
    """An address as it was typed, if calls can be sent there. Raises `Unusable`."""
    try:
        address = httpx.URL(url.strip())
    except httpx.InvalidURL:
        raise Unusable("the address is none") from None
    if any(character.isspace() for character in url.strip()) or (address.port or 1) > LAST_PORT:
        raise Unusable("the address is none")
    if address.scheme not in ("http", "https") or not address.host:
        raise Unusable("the address must start with http:// or https://")
    if address.userinfo or address.query or address.fragment:
        raise Unusable("the address must have no user name, query or fragment")
    return address


def _settings(url: str, key: str) -> dict[str, Any]:
    return {
        "base_url": usable_address(url),
        "headers": {"X-API-Key": _sendable(key)} if key else {},
        "trust_env": not is_loopback(url),  # a proxy has no way to this machine
    }


def _sendable(key: str) -> str:
    if not key.isascii() or not key.isprintable():
        raise Unusable("the key has characters that no header can carry")
    return key


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise Unreachable(f"{url} did not answer in time") from error
    except httpx.TransportError as error:
        raise Unreachable(f"{url} cannot be reached: {str(error) or 'it hung up'}") from error
    except httpx.HTTPError:
        raise Unreachable(f"{url} gave an answer that is not of a miner") from None


def _asking(call: Call[Answer]) -> dict[str, Any]:
    headers = {"Accept": EVENTS}
    return {"method": call.method, "url": call.path, "json": call.body, "headers": headers}


def _is_stream(response: httpx.Response) -> bool:
    return response.is_success and EVENTS in response.headers.get("content-type", "")


def _whole(call: Call[Answer], response: httpx.Response) -> Iterator[Headers | Result[Answer]]:
    """What a miner that does not stream gives."""
    yield Headers({name.title(): value for name, value in _reported(response).items()})
    yield Result(read(call, read_object(response.content)))


def _refuse(response: httpx.Response) -> None:
    if not response.is_success:
        body = read_object(response.content, status=response.status_code)
        raise Refused(response.status_code, body, response.headers.get("retry-after"))


def _reported(response: httpx.Response) -> dict[str, str]:
    items = response.headers.items()
    return {name.lower(): value for name, value in items if name.lower().startswith(REPORTED)}

"""A miner somewhere, spoken to over HTTP."""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Literal

import httpx
from httpx_sse import EventSource, ServerSentEvent

TIMEOUT = httpx.Timeout(120, connect=5)  # a miner's keep-alive comes every 10 s
LAST_PORT = 65535
EVENTS = "text/event-stream"
REPORTED = "x-miner-"

Body = dict[str, Any]


class PlaygroundError(Exception):
    """Base of what goes wrong between the playground and a miner; never holds the key."""


class Unusable(PlaygroundError):
    """The address or the key cannot be used as it was typed."""


class Unreachable(PlaygroundError):
    """Nothing that speaks as a miner does answers there."""


class Refused(PlaygroundError):
    """The miner answered with an error, whose fields are these."""

    def __init__(self, status: int | None, body: Body, retry_after: str | None = None) -> None:
        super().__init__(str(body.get("error", "")))
        self.status = status  # None where it came in a stream, after the status
        self.error = str(body.get("error", ""))
        self.detail: Any = body.get("detail", "")
        self.request_id = str(body.get("request_id", ""))
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """A node of the machine began or ended."""

    node: str
    state: Literal["started", "finished"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer as it is written."""

    node: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers `X-Miner-*`: how the answer came about."""

    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of the answer, as it comes without streaming."""

    body: Body


Event = NodeEvent | Token | Headers | Answer


@dataclass(frozen=True, slots=True)
class Miner:
    """A miner by its address and the key it asks for; an empty key is not sent.

    Every method raises `Refused` for an error of the miner, `Unreachable` where there is none,
    and `Unusable` for an address or a key that cannot be sent.
    """

    url: str
    key: str = field(default="", repr=False)

    async def run(self, component: str, body: Body) -> AsyncGenerator[Event, None]:
        """Run a component; the last event is the `Answer`. Closing the iterator ends the run.

        A miner that does not stream gives `Headers` and `Answer` alone.
        """
        asked: Any = {"json": body, "headers": {"Accept": EVENTS}}
        with _translated(self.url):
            async with (
                self._client() as client,
                client.stream("POST", f"/{component}", **asked) as response,
            ):
                await _refuse(response)
                if EVENTS in response.headers.get("content-type", ""):
                    async for event in _streamed(response):
                        yield event
                else:
                    yield Headers(_reported(response))
                    yield Answer(_object(await response.aread()))

    async def ask(self, method: str, path: str, body: Body | None = None) -> Body:
        """One request with a JSON object as its answer. `path` is quoted already."""
        return _object(await self._read(method, path, body))

    async def text(self, path: str) -> str:
        """The text that `GET path` answers with."""
        return (await self._read("GET", path, None)).decode("utf-8", "replace")

    async def _read(self, method: str, path: str, body: Body | None) -> bytes:
        with _translated(self.url):
            async with self._client() as client:
                response = await client.request(method, path, json=body)
                await _refuse(response)
                return response.content

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=_address(self.url),
            headers={"X-API-Key": _sendable(self.key)} if self.key else {},
            timeout=TIMEOUT,
            trust_env=not is_loopback(self.url),  # a proxy has no way to this machine
        )


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


def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url.strip())
    except httpx.InvalidURL:
        raise Unusable("Miner: this is no address") from None
    if any(character.isspace() for character in url.strip()) or (address.port or 1) > LAST_PORT:
        raise Unusable("Miner: this is no address")
    if address.scheme not in ("http", "https") or not address.host:
        raise Unusable("Miner: write an address that starts with http:// or https://")
    if address.userinfo or address.query or address.fragment:
        raise Unusable("Miner: write the address alone, without user name, query or fragment")
    return address


def _sendable(key: str) -> str:
    if not key.isascii() or not key.isprintable():
        raise Unusable("Key: it has characters that no header can carry")
    return key


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException:
        raise Unreachable(f"{url} did not answer in time") from None
    except httpx.TransportError as error:
        raise Unreachable(f"{url} cannot be reached: {str(error) or 'it hung up'}") from None
    except httpx.HTTPError:
        raise Unreachable(f"{url} gave an answer that is not of a miner") from None


async def _refuse(response: httpx.Response) -> None:
    if response.is_success:
        return
    body = _object(await response.aread(), status=response.status_code)
    raise Refused(response.status_code, body, response.headers.get("retry-after"))


def _object(content: bytes, status: int | None = None) -> Body:
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict) or (status and "error" not in body):
        with_status = f" (status {status})" if status else ""
        raise Unreachable(f"what answers there is not a miner{with_status}")
    return body


def _reported(response: httpx.Response) -> dict[str, str]:
    return {
        name.title(): value
        for name, value in response.headers.items()
        if name.lower().startswith(REPORTED)
    }


async def _streamed(response: httpx.Response) -> AsyncGenerator[Event, None]:
    answered = False
    async for sent in EventSource(response).aiter_sse():
        event = _event(sent)
        answered = answered or isinstance(event, Answer)
        if event is not None:
            yield event
    if not answered:
        raise Unreachable("the stream ended before the answer")


def _event(sent: ServerSentEvent) -> Event | None:
    told = _object(sent.data.encode())
    match sent.event:
        case "node":
            return NodeEvent(told["node"], told["state"])
        case "token":
            return Token(told["node"], told["kind"], told["text"])
        case "miner":
            return Headers(told)
        case "result":
            return Answer(told)
        case "error":
            raise Refused(None, told)
    return None  # an event of a later miner

"""What a streamed run tells of itself."""

import json
from dataclasses import dataclass
from typing import Any, Generic, Literal

from httpx_sse import ServerSentEvent
from pydantic import ValidationError

from tools.client.calls import Answer, Body, Call
from tools.client.errors import Refused, Unreachable


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """A node of the machine began or ended."""

    node: str
    state: Literal["started", "finished"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer as it is written; of another node it begins a new version."""

    node: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers `X-Miner-*`: how the answer came about."""

    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Result(Generic[Answer]):
    """The answer, as it comes without streaming. It is the last event."""

    value: Answer


Event = NodeEvent | Token | Headers | Result[Answer]


def read(call: Call[Answer], body: Body) -> Answer:
    """The answer to a call. Raises `Unreachable` for what is none."""
    try:
        return call.answer.model_validate(body)
    except ValidationError:
        raise Unreachable("what answers there is not a miner") from None


def read_object(content: bytes, status: int | None = None) -> Body:
    """A JSON object. With `status` it must be that of an error. Raises `Unreachable`."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or (status and "error" not in body):
        with_status = f" (status {status})" if status else ""
        raise Unreachable(f"what answers there is not a miner{with_status}", status)
    return body


def read_event(call: Call[Answer], sent: ServerSentEvent) -> Event[Answer] | None:
    """One event; None for a kind of a later miner. Raises `Refused`, `Unreachable`."""
    told = read_object(sent.data.encode())
    if sent.event == "error":
        raise Refused(None, told)
    if sent.event == "result":
        return Result(read(call, told))
    try:
        return _progress(sent.event, told)
    except KeyError:
        raise Unreachable("what answers there is not a miner") from None


def _progress(kind: str, told: dict[str, Any]) -> NodeEvent | Token | Headers | None:
    match kind:
        case "node":
            return NodeEvent(told["node"], told["state"])
        case "token":
            return Token(told["node"], told["kind"], told["text"])
        case "miner":
            return Headers(told)
    return None

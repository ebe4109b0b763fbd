"""One call over the wire, and what has come of it."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from nodes.llm.dialect import Wanted
from nodes.llm.failures import Rejected, retry_after, told
from nodes.llm.reader import Reader
from nodes.llm.reasoning import ReasoningFilter
from nodes.llm.turns import Truncation

CLOSING_SECONDS = 1.0  # for the usage that may follow the reason of the end
END_SECONDS = 0.05  # for the end after the last event, without which no connection is used again
LONGEST_REFUSAL = 100_000  # bytes
LONGEST_TOLD = 4_000  # characters of a refusal that are looked at
CHARACTERS_PER_TOKEN = 4  # where a backend does not count
LONGEST_TEXT = 1_000_000  # characters; ten times what any form of the answer may hold


@dataclass(slots=True)
class Exchange:
    """A call and its answer.

    `seconds` are for the whole call, `first_seconds` until it begins to answer. With
    `keep_partial` what had come by then is an answer. A `shown` call's text reaches whoever
    streams the run. `first_after` and `ended_after` are the seconds to the answer's first and last
    token, `first_after` only of a stream.
    """

    wanted: Wanted
    seconds: float
    first_seconds: float
    keep_partial: bool = False
    shown: bool = False
    text: str = ""
    truncated: Truncation = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    first_after: float | None = None
    ended_after: float = 0.0
    _began: float = field(default_factory=time.monotonic)
    _apart: list[str] = field(default_factory=list)
    _length: int = 0
    hidden: str = ""  # reasoning that stood in the text

    def left(self, seconds: float) -> float:
        """What is left of `seconds` since the call began."""
        return self._began + seconds - time.monotonic()

    def patience(self, reader: Reader) -> float:
        """Seconds to wait for what comes next."""
        left = self.left(self.seconds if self.begun else self.first_seconds)
        if reader.done:
            return min(left, END_SECONDS)
        return min(left, CLOSING_SECONDS) if reader.finished else left

    @property
    def begun(self) -> bool:
        """Whether any of an answer has come; who reasons is not silent."""
        return self.ended_after > 0

    @property
    def reasoning(self) -> str:
        return self.hidden + self.apart

    @property
    def apart(self) -> str:
        """Reasoning that came beside the text."""
        return "".join(self._apart)

    def take(self, came: tuple[str, str], reader: Reader, seen: ReasoningFilter) -> str:
        """Note text and reasoning that came; returns what of the text is answer.

        What comes beyond the longest that a caller could take is left out.
        """
        text, reasoning = came
        if not text and not reasoning:
            return ""
        if self._length > LONGEST_TEXT:
            self.truncated = "length"
            return ""
        self.ended_after = time.monotonic() - self._began
        if self.first_after is None and reader.streams:
            self.first_after = self.ended_after
        if reasoning:
            self._apart.append(reasoning)
        self._length += len(text) + len(reasoning)
        return seen.feed(text) if text else ""

    @property
    def prompt_tokens(self) -> int:
        return _count(self.usage, "prompt_tokens")

    @property
    def cached_tokens(self) -> int:
        return _count(self.usage.get("prompt_tokens_details"), "cached_tokens")

    @property
    def reasoning_tokens(self) -> int:
        return _count(self.usage.get("completion_tokens_details"), "reasoning_tokens")

    @property
    def completion_tokens(self) -> int:
        counted = _count(self.usage, "completion_tokens")
        return counted or max(1, len(self.text + self.reasoning) // CHARACTERS_PER_TOKEN)


def _count(usage: object, name: str) -> int:
    try:
        return max(0, int(float(usage[name]))) if isinstance(usage, Mapping) else 0
    except (KeyError, OverflowError, TypeError, ValueError):
        return 0


async def rejected(response: aiohttp.ClientResponse, exchange: Exchange) -> Rejected:
    """A refusal, read within the time of the call."""
    body = b""
    async with asyncio.timeout(exchange.left(exchange.seconds)):
        while len(body) < LONGEST_REFUSAL and (more := await response.content.readany()):
            body += more
    try:
        says = " ".join(told(orjson.loads(body)))
    except orjson.JSONDecodeError:
        says = body.decode(errors="replace")
    return Rejected(response.status, says[:LONGEST_TOLD], retry_after=retry_after(response.headers))


def reported(error: object) -> Rejected:
    """An error inside of a 200, by the status that it names itself."""
    named = error if isinstance(error, dict) else {}
    codes = (str(named.get(name)) for name in ("code", "status", "status_code"))
    status = next((int(code) for code in codes if code in _STATUSES), 500)
    return Rejected(status, " ".join(told(error))[:LONGEST_TOLD])


_STATUSES = frozenset(map(str, range(400, 600)))

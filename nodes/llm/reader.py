"""What a backend sends, read tolerantly: a stream of events or one JSON body, in any dialect.

Known deviations are rows of `tests/llm/dialects`. Nothing here raises for what arrives.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import orjson

from nodes.llm.endings import SEVERITY, Ending, ending
from nodes.llm.failures import DEEPEST

_NO_REASON = ("", "null", "none", "unknown")
_UNREADABLE = object()
_DECODER = json.JSONDecoder(strict=False)
_WRAPPERS = ("result", "data", "response", "output")  # of gateways around a whole completion
# What comes beside the text, and is the answer if there is nothing else; a tool that nobody offered
# carries the JSON that a schema asked for.
_APART = ("reasoning_content", "reasoning", "thinking", "reasoning_details", "tool_calls")
_INNER = ("text", "thinking", "content", "function", "arguments")
_BOM = b"\xef\xbb\xbf"
_LONGEST_VALUE = 2_000_000  # bytes of an event, or of a whole answer that is no stream
_MOST_VALUES = 10_000  # in one of them
_HEADS = re.compile(rb"(?:data:\s*)*")  # some gateways put one stream into another
_BETWEEN = re.compile(r"\s*(?:data:\s*)?")


class Reader:
    """Takes the bytes of one answer as they come, and gives text and reasoning out of them.

    `usage` is the last that came, `error` what a backend reports in place of an answer or in the
    middle of one. `finished` tells that nothing more than a closing note is to be expected.
    """

    def __init__(self) -> None:
        self.usage: Mapping[str, Any] = {}
        self.error: object = None
        self.finished = self.done = False
        self._ending: Ending | None = None
        self._counted = False  # usage came after the last of the text
        self._body: list[bytes] | None = None
        self._held: list[bytes] = []  # a line without its end
        self._pieces: list[bytes] = []  # an event without its end
        self._begun = self._spoke = self._returned = False
        self._text: list[str] = []
        self._reasoning: list[str] = []

    @property
    def streams(self) -> bool:
        """Whether a stream of events is what came, and not one whole body."""
        return self._begun and self._body is None

    @property
    def ending(self) -> Ending | None:
        """How the answer ended; `None` while it has not, or was broken off."""
        return self._ending or ("complete" if self.done or self._counted else None)

    def feed(self, data: bytes) -> tuple[str, str]:
        """The text and the reasoning that came with these bytes."""
        if not self._begun:
            data = b"".join((*self._held, data)).lstrip().removeprefix(_BOM)
            self._begun, self._held = bool(data), []
            self._body = [] if data[:1] in (b"{", b"[") else None
        if self._body is not None:
            self._body.append(data)
            return "", ""
        if self._returned:  # a line end was cut in two
            data = data.removeprefix(b"\n")
        self._returned = data.endswith(b"\r")
        lines, ended, rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rpartition(b"\n")
        if not ended:
            self._held.append(rest)
            return "", ""
        lines, self._held = b"".join((*self._held, lines)), [rest]
        if not self._read_at_once(lines.strip()):
            for line in lines.split(b"\n"):
                self._read(line)
        return self._taken()

    def end(self) -> tuple[str, str]:
        """What was held back until the end: a whole JSON body, or a last line without its end."""
        if self._body is None:
            self._read(b"".join(self._held))
            self._read(b"")
            return self._taken(final=True)
        body = b"".join(self._body)
        value = _decoded(body)
        if value is not _UNREADABLE:
            self._take(value)
            self._counted = self._spoke  # a body says whether it is whole by being one
        else:
            for line in (*body.splitlines()[:_MOST_VALUES], b""):
                self._read(line)
        return self._taken(final=True)

    def _taken(self, *, final: bool = False) -> tuple[str, str]:
        text, rest = _characters("".join(self._text), final)
        reasoning, _ = _characters("".join(self._reasoning), True)
        self._text = [rest] if rest else []
        self._reasoning.clear()
        return text, reasoning

    def _read_at_once(self, lines: bytes) -> bool:
        """Take all events of one read in one go, which is much faster; `False` if they are odd."""
        if self._pieces or not lines.startswith(b"data:"):
            return False
        events = lines[5:].replace(b"\ndata:", b",")
        spoken = events.removesuffix(b"[DONE]")
        try:
            values = orjson.loads(b"[%b]" % spoken.rstrip(b", \n"))
        except orjson.JSONDecodeError:
            return False
        for value in values:
            if text := _only_text(value):
                self._text.append(text)
                self._spoke, self._counted = True, False
            else:
                self._take(value)
        if spoken != events:
            self.done = self.finished = True
        return True

    def _read(self, line: bytes) -> None:
        if not line.strip():
            self._end_event()
            return
        if line.startswith(b"data:"):
            line = _HEADS.sub(b"", line, count=1).strip()
        elif not line.startswith((b"{", b"[")) and not self._pieces:
            return
        if line.strip(b'" ').upper() == b"[DONE]":
            self.done = self.finished = True
        elif line:
            self._decode(line)

    def _decode(self, payload: bytes) -> None:
        value = _decoded(payload)
        if value is _UNREADABLE:
            self._pieces.append(payload)
            return
        self._pieces.clear()
        self._take(value)

    def _end_event(self) -> None:
        """Take what stood in several lines; trying at every line would take the square of them."""
        pieces, self._pieces = b"\n".join(self._pieces), []
        value = _decoded(pieces) if pieces else _UNREADABLE
        if value is not _UNREADABLE:
            self._take(value)

    def _take(self, value: object) -> None:
        if isinstance(value, str):  # encoded twice
            value = _decoded(value.encode(errors="replace"))
        for each in value[:_MOST_VALUES] if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                self._take_event(each)

    def _take_event(self, value: Mapping[str, Any]) -> None:
        choice = _choice(value)
        if reported := _error(value, choice):
            self.error = reported
        text, reasoning = _parts(self._message(choice))
        self._text += text
        self._reasoning += reasoning
        speaks = bool(text or reasoning)
        self._spoke = self._spoke or speaks
        usage = value.get("usage") or choice.get("usage")
        if isinstance(usage, dict):
            self.usage = usage
        self._counted = (isinstance(usage, dict) and not speaks) or (self._counted and not speaks)
        self._note(_reason(value, choice), speaks=speaks)

    def _message(self, choice: Mapping[str, Any]) -> Mapping[str, Any]:
        said = choice.get("delta")
        if said is None:  # some repeat the whole message at the end of a stream
            again = self._spoke and "done" not in choice  # but each of Ollama's own lines is new
            said = {} if again else choice.get("message") or choice
        if not isinstance(said, dict):
            return {}
        if said.get("refusal"):
            self._ending = "filtered"
        return said

    def _note(self, reason: object, *, speaks: bool) -> None:
        if not isinstance(reason, str) or reason.lower() in _NO_REASON:
            return
        found = ending(reason)
        if self._ending is None or SEVERITY[found] > SEVERITY[self._ending]:
            self._ending = found
        self.finished = self.finished or not speaks  # some say `stop` with every token


def _only_text(event: Any) -> str:  # noqa: ANN401
    """The text of an event as most are: a piece of it and nothing else; "" of all others."""
    try:
        (choice,) = event["choices"]
        delta = choice["delta"]
        text = delta["content"]
        more = len(delta) - ("role" in delta) > 1 or event.get("usage") or event.get("error")
        more = more or event.get("base_resp") or event.get("done_reason")
        more = more or choice.get("finish_reason") or choice.get("finishReason")
        more = more or choice.get("stop_reason") or choice.get("usage") or choice.get("error")
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""
    return text if isinstance(text, str) and not more else ""


def _decoded(data: bytes) -> Any:  # noqa: ANN401
    """JSON as plain data; `_UNREADABLE` for what is none. Mends what orjson does not take."""
    if len(data) > _LONGEST_VALUE:
        return _UNREADABLE
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        values = list(islice(_in_a_row(data.decode(errors="replace")), _MOST_VALUES))
    except (ValueError, RecursionError):
        return _UNREADABLE
    return values[0] if len(values) == 1 else values


def _in_a_row(text: str) -> Iterator[Any]:
    """Several JSON values with nothing, or the head of an event, between them."""
    at = len(text) - len(text.lstrip())
    while at < len(text):
        value, end = _DECODER.raw_decode(text, at)
        yield value
        between = _BETWEEN.match(text, end)
        at = between.end() if between else end


def _characters(text: str, final: bool) -> tuple[str, str]:
    """Valid Unicode without NUL, and half a surrogate pair whose other half may still come."""
    rest = text[-1:] if not final and "\ud800" <= text[-1:] <= "\udbff" else ""
    text = text[: len(text) - len(rest)].replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text, rest


def _choice(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice; or what stands in for one where a server wraps it, or has none."""
    for holder in (value, *map(value.get, _WRAPPERS)):
        choices = holder.get("choices") if isinstance(holder, dict) else None
        if isinstance(choices, dict):
            return choices
        if isinstance(choices, list):
            found = [each for each in choices if isinstance(each, dict)]
            return next((each for each in found if not each.get("index")), next(iter(found), {}))
    whole = isinstance(value.get("message"), dict) or value.get("role") == "assistant"
    return value if whole else {}


def _reason(value: Mapping[str, Any], choice: Mapping[str, Any]) -> object:
    """Why the answer ended, under the name that this server gives it."""
    reason = choice.get("finish_reason") or choice.get("finishReason") or value.get("done_reason")
    return reason if "finish_reason" in choice else reason or choice.get("stop_reason")


def _error(value: Mapping[str, Any], choice: Mapping[str, Any]) -> object:
    if error := value.get("error") or choice.get("error"):
        return error
    base = value.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return value
    says = value.get("message") or value.get("msg") or value.get("detail")
    return value if says and not choice and "choices" not in value else None


def _parts(message: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Text and reasoning of a message or a delta."""
    text: list[str] = []
    reasoning: list[str] = []
    _sort(message.get("content"), text, reasoning)
    if not text:
        _sort(message.get("text") or message.get("refusal"), text, reasoning)
    for name in _APART:
        if not reasoning:
            _sort(message.get(name), reasoning, reasoning)
    return text, reasoning


def _sort(content: object, text: list[str], reasoning: list[str], depth: int = 0) -> None:
    """Sort a string, a part, or a list of parts into text and reasoning."""
    if isinstance(content, str):
        text += [content] if content else []
    elif isinstance(content, list) and depth < DEEPEST:
        for part in content:
            _sort(part, text, reasoning, depth + 1)
    elif isinstance(content, dict) and depth < DEEPEST:
        thinks = "thinking" in content or "reason" in str(content.get("type", ""))
        inner = next(filter(None, map(content.get, _INNER)), None)
        _sort(inner, reasoning if thinks else text, reasoning, depth + 1)

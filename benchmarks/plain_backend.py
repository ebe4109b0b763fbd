"""A model's backend without latency, for benchmarks: `python -m benchmarks.plain_backend PORT`.

It streams one token an event, each written by itself, and answers plain requests whole. The prompt
tells how long the answer is: `answer with N words`; a call that asks for PASS gets that. `GET
/calls` tells how many answers it has given. It speaks just enough HTTP to cost next to nothing.
"""

import asyncio
import json
import re
import sys
from functools import cache
from typing import cast

import uvloop

MODEL = "plain-model"
EVENT = '{"id":"c","object":"chat.completion.chunk","created":1,"model":"%s","choices":[%s]%s}'
_WORDS = re.compile(rb"answer with (\d+) words")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Exchange(asyncio.Protocol):
    """One connection: requests one after the other."""

    calls = 0

    def __init__(self) -> None:
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._held, 0, end)
            whole = end + 4 + (int(length.group(1)) if length else 0)
            if len(self._held) < whole:
                return
            path, body = self._held.split(b" ", 2)[1], self._held[end + 4 : whole]
            self._held = self._held[whole:]
            self._answer(path, body)

    def _answer(self, path: bytes, body: bytes) -> None:
        if path == b"/v1/models":
            card = {"id": MODEL, "object": "model", "max_model_len": 32768}
            self._transport.write(_json({"object": "list", "data": [card]}))
            return
        if path == b"/calls":
            self._transport.write(_json({"calls": Exchange.calls}))
            return
        if path == b"/tokenize":
            self._transport.write(_json({"tokens": [0] * (len(body) // 4)}))
            return
        Exchange.calls += 1
        for part in _reply(_text(body), b'"stream":true' in body.replace(b" ", b"")):
            self._transport.write(part)


def _text(body: bytes) -> str:
    if b'"canary"' in body:
        return '{"colour": "heliotrope"}'
    if b"PASS if" in body:
        return "PASS"
    asked = _WORDS.search(body)
    return "word " * int(asked.group(1)) if asked else "Hello there!"


@cache
def _reply(text: str, streamed: bool) -> list[bytes]:
    tokens = re.findall(r"\S+\s*", text)
    usage = {"prompt_tokens": 100, "completion_tokens": len(tokens), "total_tokens": 0}
    if not streamed:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return [_json({"id": "c", "model": MODEL, "choices": [choice], "usage": usage})]
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    events = [
        _event({"role": "assistant", "content": ""}),
        *(_event({"content": t}) for t in tokens),
    ]
    events += [_event({}, "stop"), EVENT % (MODEL, "", f',"usage":{json.dumps(usage)}'), "[DONE]"]
    return [head, *(_chunk(f"data: {event}\n\n".encode()) for event in events), _chunk(b"")]


def _event(delta: dict[str, str], reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return EVENT % (MODEL, json.dumps(choice), "")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _json(value: object) -> bytes:
    body = json.dumps(value).encode()
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    async with await loop.create_server(Exchange, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))

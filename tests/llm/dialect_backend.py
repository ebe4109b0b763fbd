"""A backend that speaks one dialect: what it refuses, and the bytes it answers with, as told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Row = dict[str, Any]
ANSWER: Row = {"json": {"choices": [{"message": {"content": "Hello!"}, "finish_reason": "stop"}]}}
CANARY: Row = {"json": {"choices": [{"message": {"content": '{"colour": "heliotrope"}'}}]}}


@dataclass
class DialectBackend:
    """Answers chat calls by a row; `calls` are the bodies of those that it was asked."""

    row: Row
    base_url: str = ""
    calls: list[Row] = field(default_factory=list)
    opening: bool = True  # the canary finds a backend without any dialect
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    _at: int = 0

    def begin(self) -> None:
        """The canary is over: from now on the row counts."""
        self.opening, self._at = False, 0
        self.calls.clear()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        _, _, after = head.partition("content-length: ")
        length = int(after.split("\r\n", 1)[0]) if after else 0
        body = json.loads(await reader.readexactly(length)) if length else {}
        path = head.split(" ", 2)[1]
        reply = self._reply(path, body)
        await self._send(writer, reply)

    def _reply(self, path: str, body: Row) -> Row:
        if not path.endswith("/chat/completions"):
            found: Row = self.row.get("pages", {}).get(path, {"status": 404, "body": "no"})
            return found
        if self.opening:
            return CANARY
        self.calls.append(body)
        for refusal in self.row.get("refuses", []):
            if refuses(refusal, body):
                told: Row = {"status": 400} | refusal
                return told
        replies = self.row.get("replies", [ANSWER])
        self._at += 1
        answer: Row = replies[min(self._at, len(replies)) - 1]
        return answer

    async def _send(self, writer: asyncio.StreamWriter, reply: Row) -> None:
        data = content(reply)
        lines = [f"HTTP/1.1 {reply.get('status', 200)} x", "connection: close"]
        lines += [f"content-type: {reply.get('type', 'application/json')}"]
        lines += [f"{name}: {value}" for name, value in reply.get("headers", {}).items()]
        ends = reply.get("ends", "")
        lines += ["transfer-encoding: chunked"] if ends else []
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for at in range(0, len(data), size := reply.get("pieces", 1_000_000)):
            piece = data[at : at + size]
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if ends else piece)
            await writer.drain()
            await asyncio.sleep(0)
        if ends == "hang":
            await self.closing.wait()
        writer.close()


def content(reply: Row) -> bytes:
    """The bytes of an answer: `body` as it stands, one `json` value, or `events` of a stream."""
    if "json" in reply:
        return json.dumps(reply["json"]).encode()
    if "events" in reply:
        return "".join(f"data: {event}\n\n" for event in reply["events"]).encode()
    if "hex" in reply:
        return bytes.fromhex(reply["hex"])
    body: str = reply["body"]
    return body.encode()


def refuses(refusal: Row, body: Row) -> bool:
    """Whether a call has what the row refuses."""
    roles = [message["role"] for message in body["messages"]]
    written = sum(len(message["content"]) for message in body["messages"])
    tests = {
        "field": lambda name: name in body,
        "lacks": lambda name: name not in body,
        "zero": lambda name: body.get(name) == 0,
        "above": lambda limits: any(body.get(name, 0) > most for name, most in limits.items()),
        "role": lambda role: role in roles,
        "repeats": lambda _: any(a == b for a, b in pairwise(roles)),
        "longer": lambda most: written > most,
        "says": lambda words: any(words in message["content"] for message in body["messages"]),
    }
    named = [name for name in tests if name in refusal]
    return bool(named) and all(tests[name](refusal[name]) for name in named)


@asynccontextmanager
async def speaking(row: Row) -> AsyncIterator[DialectBackend]:
    """A backend of this row, on a socket."""
    backend = DialectBackend(row)
    async with await asyncio.start_server(backend.answer, "127.0.0.1", 0) as server:
        backend.base_url = "http://127.0.0.1:{1}/v1".format(*server.sockets[0].getsockname())
        yield backend
        backend.closing.set()
        await asyncio.sleep(0)

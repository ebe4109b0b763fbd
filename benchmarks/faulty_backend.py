"""A model's backend that fails in the ways backends do, for benchmarks of what callers then see."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

MODEL = "faulty-model"
USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
LARGE = 10_000_000  # characters

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_STREAMED = re.compile(rb'"stream": *true')
_SEED = 7


class _Broken(Exception):
    """The connection is to be dropped where it stands."""


@dataclass(frozen=True)
class _Call:
    """One call of the model: where its answer goes, and whether that is to be streamed."""

    writer: asyncio.StreamWriter
    backend: "FaultyBackend"
    streamed: bool

    async def answer(self, text: object) -> None:
        if self.streamed:
            await self.send_raw(_events(text), headers={"content-type": "text/event-stream"})
        else:
            await self.send(completion(text))

    async def send(
        self, value: object, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        await self.send_raw(json.dumps(value).encode(), status, headers)

    async def send_raw(
        self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        told = {"content-type": "application/json", "content-length": str(len(body))}
        lines = [f"{name}: {value}" for name, value in (told | dict(headers or {})).items()]
        head = "\r\n".join([f"HTTP/1.1 {status} Status", *lines, "", ""])
        self.writer.write(head.encode() + body)
        await self.writer.drain()


Answer = Callable[[_Call], Awaitable[None]]


class FaultyBackend:
    """Answers chat completions as `kind` says, and the list of models always.

    The same calls in the same order meet the same faults.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.calls = 0
        self.chance = random.Random(_SEED)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                await self._answer(head.split(b" ", 2)[1], body, writer)
        except (_Broken, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        call = _Call(writer, self, streamed=_STREAMED.search(body) is not None)
        if path.endswith(b"/models"):
            card = {"id": MODEL, "object": "model", "max_model_len": 32768}
            await call.send({"object": "list", "data": [card]})
        elif b"canary" in body:
            await call.answer('{"colour": "heliotrope"}')
        else:
            self.calls += 1
            await KINDS[self.kind](call)


@asynccontextmanager
async def faulty_backend(kind: str) -> AsyncIterator[tuple[str, FaultyBackend]]:
    """Its address, for as long as the block runs."""
    backend = FaultyBackend(kind)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await backend.serve(reader, writer)
        except asyncio.CancelledError:
            pass  # the block has ended
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**24)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", backend
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def completion(text: object) -> dict[str, object]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "model": MODEL} | {
        "created": 1,
        "choices": [choice],
        "usage": USAGE,
    }


def _events(text: object) -> bytes:
    """A whole answer as one event, as a stream of a model ends."""
    told = {"id": "c", "object": "chat.completion.chunk", "model": MODEL, "created": 1}
    delta = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    events = [{**told, "choices": [delta]}, {**told, "choices": [], "usage": USAGE}]
    lines = [*map(json.dumps, events), "[DONE]"]
    return "".join(f"data: {line}\n\n" for line in lines).encode()


async def _plain(call: _Call) -> None:
    await call.answer("Hello there!")


async def _failing(call: _Call) -> None:
    chance = call.backend.chance.random()
    if chance < 0.15:
        await call.send({"error": {"message": "overloaded"}}, 500)
    elif chance < 0.3:
        await call.send({"error": {"message": "slow down"}}, 429)
    else:
        await _plain(call)


async def _slow(call: _Call) -> None:
    await asyncio.sleep(call.backend.chance.uniform(1, 3))
    await _plain(call)


async def _hanging(call: _Call) -> None:
    if call.backend.chance.random() < 0.1:
        await asyncio.sleep(3600)
    await _plain(call)


async def _dripping(call: _Call) -> None:
    """One answer in ten comes byte by byte, and never to its end."""
    if call.backend.chance.random() >= 0.1:
        await _plain(call)
        return
    call.writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
    call.writer.write(b"content-length: 100000\r\n\r\n")
    for _ in range(100_000):
        call.writer.write(b" ")
        await call.writer.drain()
        await asyncio.sleep(0.2)


async def _dropping(call: _Call) -> None:
    chance = call.backend.chance.random()
    if chance < 0.1:
        raise _Broken
    if chance < 0.3:
        call.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n" + b'{"choices": [')
        await call.writer.drain()
        raise _Broken
    await _plain(call)


async def _lying(call: _Call) -> None:
    """One answer in three is none, of one kind after another."""
    if call.backend.calls % 3:
        await _plain(call)
        return
    busy = {"error": {"message": "later"}}
    lies: list[Callable[[], Awaitable[None]]] = [
        lambda: call.send_raw(b"<html>502 Bad Gateway</html>"),
        lambda: call.send_raw(b'{"choices": ['),
        lambda: call.send({"choices": []}),
        lambda: call.send({"choices": None}),
        lambda: call.send([1, 2, 3]),
        lambda: call.answer(None),
        lambda: call.answer(5),
        lambda: call.send({"error": "out of memory"}),
        lambda: call.send(busy, 429, {"retry-after": "1e400"}),
        lambda: call.send(busy, 503, {"retry-after": "-1"}),
        lambda: call.send(busy, 503, {"retry-after": "Thu, 01 Jan 1970 99:99:99 GMT"}),
        lambda: call.send_raw(b"\xff\xfe\x00"),
        lambda: call.answer("half of a pair \ud83d"),
    ]
    await lies[call.backend.calls // 3 % len(lies)]()


async def _large(call: _Call) -> None:
    await call.answer("word " * (LARGE // 5))


KINDS: Mapping[str, Answer] = {
    "plain": _plain,
    "failing": _failing,
    "slow": _slow,
    "hanging": _hanging,
    "dripping": _dripping,
    "dropping": _dropping,
    "lying": _lying,
    "large": _large,
}

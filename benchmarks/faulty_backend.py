"""A model's backend that fails in the ways backends do, for benchmarks of what callers then see."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

MODEL = "faulty-model"
LARGE = 10_000_000  # characters

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SEED = 7


class _Broken(Exception):
    """The connection is to be dropped where it stands."""


Answer = Callable[[asyncio.StreamWriter, "FaultyBackend"], Awaitable[None]]


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
        if path.endswith(b"/models"):
            card = {"id": MODEL, "object": "model", "max_model_len": 32768}
            await _send(writer, {"object": "list", "data": [card]})
        elif b"canary" in body:
            await _send(writer, completion('{"colour": "heliotrope"}'))
        else:
            self.calls += 1
            await KINDS[self.kind](writer, self)


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
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return {"id": "c", "object": "chat.completion", "model": MODEL} | {
        "created": 1,
        "choices": [choice],
        "usage": usage,
    }


async def _send(
    writer: asyncio.StreamWriter,
    value: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> None:
    await _send_raw(writer, json.dumps(value).encode(), status, headers)


async def _send_raw(
    writer: asyncio.StreamWriter,
    body: bytes,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> None:
    told = {"content-type": "application/json", "content-length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in (told | dict(headers or {})).items()]
    head = "\r\n".join([f"HTTP/1.1 {status} Status", *lines, "", ""])
    writer.write(head.encode() + body)
    await writer.drain()


async def _plain(writer: asyncio.StreamWriter, backend: FaultyBackend) -> None:
    await _send(writer, completion("Hello there!"))


async def _failing(writer: asyncio.StreamWriter, backend: FaultyBackend) -> None:
    chance = backend.chance.random()
    if chance < 0.15:
        await _send(writer, {"error": {"message": "overloaded"}}, 500)
    elif chance < 0.3:
        await _send(writer, {"error": {"message": "slow down"}}, 429)
    else:
        await _plain(writer, backend)


async def _slow(writer: asyncio.StreamWriter, backend: FaultyBackend) -> None:
    await asyncio.sleep(backend.chance.uniform(1, 3))
    await _plain(writer, backend)


async def _hanging(writer: asyncio.StreamWriter, backend: FaultyBackend) -> None:
    if backend.chance.random() < 0.1:
        await asyncio.sleep(3600)
    await _plain(writer, backend)


async def _dripping(writer: asyncio.StreamWriter, backend: FaultyBackend) -> None:
    """One answer in ten comes byte by byte, and never to its end."""
    if backend.chance.random() >= 0.1:
        await _plain(writer, backend)
        return
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
    writer.write(b"content-length: 100000\r\n\r\n")
    for _ in range(100_000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.2)


async def _dropping(writer: asyncio.StreamWriter, backend: FaultyBackend) -> None:
    chance = backend.chance.random()
    if chance < 0.1:
        raise _Broken
    if chance < 0.3:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n" + b'{"choices": [')
        await writer.drain()
        raise _Broken
    await _plain(writer, backend)


async def _lying(writer: asyncio.StreamWriter, backend: FaultyBackend) -> None:
    """One answer in three is none, of one kind after another."""
    if backend.calls % 3:
        await _plain(writer, backend)
        return
    busy = {"error": {"message": "later"}}
    lies: list[Callable[[], Awaitable[None]]] = [
        lambda: _send_raw(writer, b"<html>502 Bad Gateway</html>"),
        lambda: _send_raw(writer, b'{"choices": ['),
        lambda: _send(writer, {"choices": []}),
        lambda: _send(writer, {"choices": None}),
        lambda: _send(writer, [1, 2, 3]),
        lambda: _send(writer, completion(None)),
        lambda: _send(writer, completion(5)),
        lambda: _send(writer, {"error": "out of memory"}),
        lambda: _send(writer, busy, 429, {"retry-after": "1e400"}),
        lambda: _send(writer, busy, 503, {"retry-after": "-1"}),
        lambda: _send(writer, busy, 503, {"retry-after": "Thu, 01 Jan 1970 99:99:99 GMT"}),
        lambda: _send_raw(writer, b"\xff\xfe\x00"),
        lambda: _send(writer, completion("half of a pair \ud83d")),
    ]
    await lies[backend.calls // 3 % len(lies)]()


async def _large(writer: asyncio.StreamWriter, backend: FaultyBackend) -> None:
    await _send(writer, completion("word " * (LARGE // 5)))


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

"""A backend that speaks OpenAI's HTTP API over a real socket and answers from a script.

    with Scripted() as backend:
        backend.when("REVISE", "a better answer")
        backend.reply("first", Status(429, retry_after=1), "second")
        backend.default("anything else")
        client = ChatOpenAI(base_url=backend.base_url, api_key="k", model=backend.models[0])

It runs in a thread with a loop of its own, so it answers while the test's loop is busy.
"""

import asyncio
import base64
import hashlib
import itertools
import json
import math
import re
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Self

import uvicorn

CANARY = "Say hello to the reader."  # of the miner's start-up canary, with its schema or without
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True)
class Text:
    """A plain answer. Sent as it is, even to a request that asked for a JSON schema.

    `thoughts` go apart from the text, as by servers that parse what reasoning models write;
    `hidden_tokens` were spent on such as are not shown at all.
    """

    text: str
    finish_reason: str = "stop"
    cached_tokens: int = 0
    thoughts: str = ""
    hidden_tokens: int = 0


def Truncated(text: str) -> Text:  # noqa: N802 - reads as one of the replies
    """An answer cut off at the token limit."""
    return Text(text, finish_reason="length")


def Json(value: object) -> Text:  # noqa: N802
    """An answer that is this value as JSON."""
    return Text(json.dumps(value))


def BrokenJson() -> Text:  # noqa: N802
    """An answer that starts as JSON and is none."""
    return Text('{"entries": [{"content": "Answers in Fren')


@dataclass(frozen=True)
class Status:
    """An error answer with OpenAI's error body."""

    code: int
    retry_after: float | None = None
    message: str = "scripted error"
    param: str | None = None


def Refuse(param: str) -> Status:  # noqa: N802
    """A 400 that rejects one parameter of the request, as OpenAI words it."""
    return Status(400, message=f"Unsupported parameter: '{param}'.", param=param)


@dataclass(frozen=True)
class Hang:
    """Accepts the request and never answers."""


@dataclass(frozen=True)
class Held:
    """Answers once `released` is set."""

    text: str
    released: threading.Event


@dataclass(frozen=True)
class HangAfter:
    """Streams this text, then stalls. A plain (not streamed) request gets nothing."""

    text: str


@dataclass(frozen=True)
class Slow:
    """Answers token by token, with a pause before each, thoughts included."""

    text: str
    seconds_per_token: float
    thoughts: str = ""


@dataclass(frozen=True)
class Disconnect:
    """Sends the beginning of an answer, then closes the socket."""

    text: str = "partial"


Reply = Text | Status | Hang | Held | HangAfter | Slow | Disconnect


@dataclass
class Recorded:
    """One request as it arrived. Headers are without the key."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    has_key: bool
    at: float = field(default_factory=time.monotonic)
    answered: bool = False
    disconnected: bool = False

    @property
    def prompt(self) -> str:
        """All message contents, joined by blank lines."""
        return "\n\n".join(_content(message) for message in self.body.get("messages", []))

    @property
    def limit(self) -> tuple[str, int] | None:
        """Which of the two token-limit parameters came, and its value."""
        for name in ("max_tokens", "max_completion_tokens"):
            if self.body.get(name) is not None:
                return name, self.body[name]
        return None

    @property
    def schema_name(self) -> str:
        """The name of the JSON schema asked for; empty where none was."""
        asked = self.body.get("response_format") or {}
        return str((asked.get("json_schema") or {}).get("name", ""))

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))


Answer = Reply | str | Callable[[Recorded], Reply | str]
Match = str | Callable[[Recorded], bool]


class _Rule:
    """Answers in turn while its match holds; the last one stays."""

    def __init__(self, match: Match, answers: tuple[Answer, ...]) -> None:
        self._match = match
        self._answers = deque(answers)

    def applies(self, request: Recorded) -> bool:
        if isinstance(self._match, str):
            return self._match in request.prompt
        return self._match(request)

    def next(self) -> Answer:
        return self._answers.popleft() if len(self._answers) > 1 else self._answers[0]


class Scripted:
    """The backend: a context manager, also usable as `start()` and `stop()`.

    An answer is a string, a reply, or a function from `Recorded` to either. Rules are asked
    first, in the order given, then the queue, then the default. A request that nothing covers
    gets a 500 and is kept in `unexpected`. The miner's start-up canary is answered by `canary`
    (as a backend that honours schemas, unless set otherwise) and kept apart in `canaries`. With a
    `tokenizer` there is a `/tokenize` as vLLM's.
    """

    def __init__(self, models: tuple[str, ...] = ("scripted-model",)) -> None:
        self.models = list(models)
        self.max_model_len: int | None = None
        self.api_key: str | None = None
        self.models_reply: Reply | None = None
        self.embeddings_reply: Reply | None = None
        self.tokenizer: Callable[[str], list[int]] | None = None
        self.embedding_size = 64
        self.canary: Answer = Json({"colour": "heliotrope"})
        self.canaries: list[Recorded] = []
        self.requests: list[Recorded] = []
        self.embedding_requests: list[Recorded] = []
        self.model_requests: list[Recorded] = []
        self.unexpected: list[Recorded] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._queue: deque[Answer] = deque()
        self._default: Answer | None = None
        self._ids = itertools.count(1)

    def reply(self, *answers: Answer) -> Self:
        """Queue answers, each used once, in the order in which requests arrive."""
        with self._lock:
            self._queue.extend(answers)
        return self

    def when(self, match: Match, *answers: Answer) -> Self:
        """Answer prompts that contain a text, or requests for which a function is true.

        Several answers are given in turn; the last one stays.
        """
        with self._lock:
            self._rules.append(_Rule(match, answers))
        return self

    def default(self, answer: Answer) -> Self:
        """Answer whatever nothing else covers."""
        self._default = answer
        return self

    def reset(self) -> None:
        """Forget the script and the requests so far."""
        with self._lock:
            self._rules.clear()
            self._queue.clear()
            self._default = None
            for requests in (self.requests, self.embedding_requests, self.model_requests):
                requests.clear()
            self.unexpected.clear()
            self.most_in_flight = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", getattr(self, "port", 0)))
        # asyncio sets this only on sockets it made itself; without it every answer waits 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            loop="asyncio",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="scripted-backend", daemon=True)
        self._thread.start()
        _wait_until(lambda: self._server.started)
        return self

    def stop(self) -> None:
        """Stop answering; requests still open are dropped. `start()` reuses the port."""
        self._server.should_exit = True
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(10)
        if self._thread.is_alive():
            raise RuntimeError("the scripted backend did not stop")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _serve(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        await self._server.serve(sockets=[self._socket])

    async def _app(self, scope: Message, receive: Receive, send: Send) -> None:
        request = await _record(scope, receive)
        exchange = _Exchange(request, send, f"chatcmpl-{next(self._ids)}")
        route = {
            "/v1/models": self._models,
            "/v1/chat/completions": self._chat,
            "/v1/embeddings": self._embeddings,
            **({"/tokenize": self._tokenize} if self.tokenizer else {}),
        }.get(request.path)
        if route is None:
            await exchange.error(Status(404, message="no such path"))
        elif self.api_key is not None and not _sent_key(scope, self.api_key):
            await exchange.error(Status(401, message="Incorrect API key provided."))
        else:
            await self._until_gone(route(request, exchange), request, receive)

    async def _until_gone(
        self, answering: Awaitable[None], request: Recorded, receive: Receive
    ) -> None:
        answer = asyncio.ensure_future(answering)
        gone = asyncio.ensure_future(_disconnect(receive))
        closing = asyncio.ensure_future(self._closing.wait())
        await asyncio.wait({answer, gone, closing}, return_when=asyncio.FIRST_COMPLETED)
        finished = answer.done()
        request.disconnected = gone.done() and not finished
        request.answered = finished
        for task in (answer, gone, closing):
            task.cancel()
        await asyncio.gather(gone, closing, return_exceptions=True)
        if finished:
            await answer

    async def _models(self, request: Recorded, exchange: "_Exchange") -> None:
        self.model_requests.append(request)
        if self.models_reply is not None:
            await exchange.play(self.models_reply)
            return
        cards: list[dict[str, Any]]
        cards = [{"id": name, "object": "model", "owned_by": "scripted"} for name in self.models]
        if self.max_model_len is not None:
            cards = [{**card, "max_model_len": self.max_model_len} for card in cards]
        await exchange.json(200, {"object": "list", "data": cards})

    async def _tokenize(self, request: Recorded, exchange: "_Exchange") -> None:
        assert self.tokenizer is not None
        found = self.tokenizer(request.body["prompt"])
        await exchange.json(200, {"count": len(found), "tokens": found})

    async def _chat(self, request: Recorded, exchange: "_Exchange") -> None:
        if request.schema_name == "canary" or CANARY in request.prompt:
            self.canaries.append(request)
            await exchange.play(_resolve(self.canary, request))
            return
        with self._lock:
            self.requests.append(request)
            answer = self._choose(request)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await exchange.play(_resolve(answer, request))
        finally:
            with self._lock:
                self.in_flight -= 1

    def _choose(self, request: Recorded) -> Answer:
        for rule in self._rules:
            if rule.applies(request):
                return rule.next()
        if self._queue:
            return self._queue.popleft()
        if self._default is not None:
            return self._default
        self.unexpected.append(request)
        return Status(500, message="the script has no answer for this request")

    async def _embeddings(self, request: Recorded, exchange: "_Exchange") -> None:
        self.embedding_requests.append(request)
        if self.embeddings_reply is not None:
            await exchange.play(self.embeddings_reply)
            return
        texts = request.body["input"]
        texts = [texts] if isinstance(texts, str) else texts
        encode = _base64 if request.body.get("encoding_format") == "base64" else list
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": encode(embedding(str(text), self.embedding_size)),
            }
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        model = request.body.get("model")
        await exchange.json(200, {"object": "list", "model": model, "data": data, "usage": usage})


class _Exchange:
    """One request being answered."""

    def __init__(self, request: Recorded, send: Send, answer_id: str) -> None:
        self._request = request
        self._send = send
        self._id = answer_id

    async def play(self, reply: Reply) -> None:
        match reply:
            case Text():
                await self._answer(reply, 0)
            case Slow(text, seconds, thoughts):
                await self._answer(Text(text, thoughts=thoughts), seconds)
            case Status():
                await self.error(reply)
            case Hang():
                await asyncio.Event().wait()
            case Held(text, released):
                await until(released.is_set, 60)
                await self._answer(Text(text), 0)
            case HangAfter(text):
                await self._stall(text)
            case Disconnect(text):
                await self._break_off(text)

    async def error(self, status: Status) -> None:
        body = {
            "message": status.message,
            "type": "invalid_request_error" if status.code < 500 else "server_error",
            "param": status.param,
            "code": None,
        }
        headers = []
        if status.retry_after is not None:
            headers = [(b"retry-after", f"{status.retry_after:g}".encode())]
        await self.json(status.code, {"error": body}, headers)

    async def json(
        self, status: int, value: object, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        body = json.dumps(value).encode()
        length = (b"content-length", str(len(body)).encode())
        await self._start(status, b"application/json", [length, *(headers or [])])
        await self._send({"type": "http.response.body", "body": body})

    async def _answer(self, reply: Text, seconds_per_token: float) -> None:
        if not self._request.streamed:
            await asyncio.sleep(seconds_per_token * len(tokens(reply.thoughts + reply.text)))
            await self.json(200, self._completion(reply))
            return
        await self._start(200, b"text/event-stream")
        async for token in _paced(reply.thoughts, seconds_per_token):
            await self._event(self._chunk({"reasoning_content": token}))
        async for token in _paced(reply.text, seconds_per_token):
            await self._event(self._chunk({"content": token}))
        await self._event(self._chunk({}, reply.finish_reason))
        if (self._request.body.get("stream_options") or {}).get("include_usage"):
            await self._event({**self._chunk({}), "choices": [], "usage": self._usage(reply)})
        await self._send(
            {"type": "http.response.body", "body": b"data: [DONE]\n\n", "more_body": False}
        )

    async def _stall(self, text: str) -> None:
        if self._request.streamed:
            await self._begin_stream(text)
        await asyncio.Event().wait()

    async def _break_off(self, text: str) -> None:
        """Return in the middle: uvicorn then closes the connection."""
        if self._request.streamed:
            await self._begin_stream(text)
            return
        body = json.dumps(self._completion(Text(text))).encode()
        length = (b"content-length", str(len(body)).encode())
        await self._start(200, b"application/json", [length])
        await self._send({"type": "http.response.body", "body": body[:-1], "more_body": True})

    async def _begin_stream(self, text: str) -> None:
        await self._start(200, b"text/event-stream")
        for token in tokens(text):
            await self._event(self._chunk({"content": token}))

    async def _start(
        self, status: int, content_type: bytes, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        every = [(b"content-type", content_type), *(headers or [])]
        await self._send({"type": "http.response.start", "status": status, "headers": every})

    async def _event(self, value: object) -> None:
        body = f"data: {json.dumps(value)}\n\n".encode()
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    def _common(self, kind: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": int(time.time()),
            "model": self._request.body.get("model"),
        }

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {
            "index": 0,
            "delta": {"role": "assistant", **delta} if delta else {},
            "logprobs": None,
            "finish_reason": finish_reason,
        }
        return {**self._common("chat.completion.chunk"), "choices": [choice]}

    def _completion(self, reply: Text) -> dict[str, Any]:
        apart = {"reasoning_content": reply.thoughts} if reply.thoughts else {}
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": reply.text, **apart},
            "logprobs": None,
            "finish_reason": reply.finish_reason,
        }
        usage = self._usage(reply)
        return {**self._common("chat.completion"), "choices": [choice], "usage": usage}

    def _usage(self, reply: Text) -> dict[str, Any]:
        asked = len(tokens(self._request.prompt))
        answered = len(tokens(reply.thoughts)) + len(tokens(reply.text)) + reply.hidden_tokens
        return {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
            "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": reply.hidden_tokens},
        }


def tokens(text: str) -> list[str]:
    """Words with the space after them: this backend's unit of streaming and of usage."""
    return re.findall(r"\s*\S+\s*|\s+", text)


def embedding(text: str, size: int) -> list[float]:
    """A unit vector that depends only on the words: texts that share words are near."""
    vector = [0.0] * size
    for word in re.findall(r"\w+", text.lower()) or [""]:
        digest = hashlib.sha256(word.encode()).digest()
        vector[int.from_bytes(digest[:4], "big") % size] += 1.0
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector]


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something observed elsewhere has come true.

    Raises `TimeoutError` when it has not within `seconds`.
    """
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is observed lives in another thread
            await asyncio.sleep(0.01)


def _wait_until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        if time.monotonic() > limit:
            raise RuntimeError("the scripted backend did not start")
        time.sleep(0.005)


def _content(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _resolve(answer: Answer, request: Recorded) -> Reply:
    made = answer(request) if callable(answer) else answer
    return Text(made) if isinstance(made, str) else made


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _sent_key(scope: Message, key: str) -> bool:
    return (b"authorization", f"Bearer {key}".encode()) in scope["headers"]


async def _record(scope: Message, receive: Receive) -> Recorded:
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    has_key = headers.pop("authorization", None) is not None
    body = b"".join([part async for part in _body(receive)])
    return Recorded(scope["path"], headers, json.loads(body) if body else {}, has_key)


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _paced(text: str, seconds: float) -> AsyncIterator[str]:
    for token in tokens(text):
        if seconds:
            await asyncio.sleep(seconds)
        yield token

"""An OpenAI-compatible server on loopback whose answers a function makes, and a miner before it."""

import asyncio
import json
import random
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from server.app import create_app
from server.serving import server_config
from settings import Settings

KEY = "benchmark"
MODEL = "simulated"
Message = dict[str, str]
Answering = Callable[[list[Message]], str | bytes]
"""What is said to a conversation; bytes are sent as they are."""


class SimulatedBackend:
    """Answers `/v1/chat/completions` by `answering`, each call after about `latency` seconds.

    `calls` counts the calls that were answered or broken off; the miner's own look at its
    backend when it starts, which asks for a JSON schema, is not among them.
    """

    def __init__(self, latency: float, seed: int = 1) -> None:
        self.answering: Answering = lambda _: "PASS"
        self.calls = 0
        self._latency = latency
        self._chance = random.Random(seed)
        self.app = Starlette(
            routes=[
                Route("/v1/models", self._models),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
            ]
        )

    async def _models(self, _: Request) -> Response:
        card = {"id": MODEL, "object": "model", "owned_by": "benchmarks", "max_model_len": 32_768}
        return JSONResponse({"object": "list", "data": [card]})

    async def _chat(self, request: Request) -> Response:
        asked = await request.json()
        if asked.get("response_format"):
            return JSONResponse(_completion('{"colour": "heliotrope"}'))
        self.calls += 1
        text = self.answering(asked["messages"])
        if self._latency:
            await asyncio.sleep(self._latency * self._chance.uniform(0.5, 1.5))
        if isinstance(text, bytes):
            return Response(text, media_type="text/event-stream")
        if asked.get("stream"):
            return StreamingResponse(_events(text), media_type="text/event-stream")
        return JSONResponse(_completion(text))


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of an application on loopback, for as long as the block runs."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, log_level="error", ws="none")
    with _running(config) as address:
        yield address


@contextmanager
def miner(backend_url: str, **settings: object) -> Iterator[str]:
    """The address of a miner that asks `backend_url` as its own vLLM, unless the settings differ.

    It remembers nothing beyond the block.
    """
    with tempfile.TemporaryDirectory(prefix="strategies-") as folder:
        chosen: dict[str, object] = {
            "miner_api_key": KEY,
            "llm_provider": "vllm",
            "vllm_api_base": f"{backend_url}/v1",
            "local_api_base": f"{backend_url}/v1",
            "openai_base_url": f"{backend_url}/v1",
            "openai_api_key": "none",
            "data_dir": Path(folder),
            "rate_limit": "10000000/minute",
            "max_concurrency": 1000,
            "log_level": "error",
        }
        app = create_app(Settings.load(None, **(chosen | settings)))
        with _running(server_config(app, drain_seconds=5)) as address:
            yield address


@contextmanager
def _running(config: uvicorn.Config) -> Iterator[str]:
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    # Nagle's algorithm, which asyncio turns off on sockets of its own only, costs 40 ms a call.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise SystemExit("a server of the benchmark did not start")
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


def _completion(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {**_common("chat.completion"), "choices": [choice], "usage": _usage(text)}


async def _events(text: str) -> AsyncIterator[bytes]:
    for delta, reason in (({"role": "assistant", "content": text}, None), ({}, "stop")):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunk = {**_common("chat.completion.chunk"), "choices": [choice]}
        yield f"data: {json.dumps(chunk)}\n\n".encode()
    usage = {**_common("chat.completion.chunk"), "choices": [], "usage": _usage(text)}
    yield f"data: {json.dumps(usage)}\n\ndata: [DONE]\n\n".encode()


def _common(kind: str) -> dict[str, Any]:
    return {"id": "simulated", "object": kind, "created": int(time.time()), "model": MODEL}


def _usage(text: str) -> dict[str, int]:
    written = max(1, len(text) // 4)
    return {"prompt_tokens": 100, "completion_tokens": written, "total_tokens": 100 + written}

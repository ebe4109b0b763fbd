"""What one model call costs over each client: the miner's own, httpx, and OpenAI's SDK.

`python -m benchmarks.clients [--tokens 16 500] [--calls 50] [--rounds 5]` asks a backend without
latency (`benchmarks.plain_backend`) for streams, in turns. Prints milliseconds of CPU a call, the
least of the rounds, as other work only adds to them. "Raw" is bytes read by the miner's `Reader`.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from itertools import product
from typing import Any

import httpx
import uvloop
from langchain_core.messages import HumanMessage
from openai import AsyncOpenAI

from benchmarks.cost import _process
from benchmarks.plain_backend import MODEL
from nodes.llm.chat import MinerChat
from nodes.llm.dialect import Wanted
from nodes.llm.exchange import Exchange
from nodes.llm.knowledge import Knowledge
from nodes.llm.reader import Reader
from nodes.llm.turns import Turn
from nodes.llm.wire import Wire, encoded

Ask = Callable[[str], Awaitable[str]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clients", description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=[16, 500])
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    with _process("benchmarks.plain_backend", path="/calls") as backend:
        uvloop.run(_compare(parser.parse_args(), f"{backend.address}/v1"))


async def _compare(options: argparse.Namespace, base_url: str) -> None:
    wire = Wire(base_url, "k")
    async with (
        httpx.AsyncClient(trust_env=False) as plain,
        AsyncOpenAI(base_url=base_url, api_key="k", max_retries=0) as sdk,
    ):
        clients = _clients(wire, plain, sdk, f"{base_url}/chat/completions")
        spent: dict[tuple[str, int], list[float]] = defaultdict(list)
        for _ in range(options.rounds):
            for tokens, (name, ask) in product(options.tokens, clients.items()):
                spent[name, tokens].append(await _cost(ask, tokens, options.calls))
    print(f"{'CPU ms a call':24}" + "".join(f"{tokens:>5} tokens" for tokens in options.tokens))
    for name in clients:
        told = (f"{min(spent[name, tokens]):12.2f}" for tokens in options.tokens)
        print(f"{name:24}" + "".join(told))
    await wire.close()


def _clients(wire: Wire, plain: httpx.AsyncClient, sdk: AsyncOpenAI, url: str) -> Mapping[str, Ask]:
    chat = MinerChat.over(wire, Knowledge(wire.host), MODEL)

    async def miner(text: str) -> str:
        exchange = Exchange(_wanted(text), 30, 30, keep_partial=True)
        await chat.ainvoke([HumanMessage(text)], exchange=exchange)
        return exchange.text

    async def aiohttp_raw(text: str) -> str:
        async with wire.chat(_body(text)) as response:
            return await _read(response.content.iter_any())

    async def httpx_raw(text: str) -> str:
        async with plain.stream("POST", url, content=encoded(_body(text))) as response:
            return await _read(response.aiter_bytes())

    async def sdk_raw(text: str) -> str:
        create = sdk.chat.completions.with_streaming_response.create
        async with create(**_body(text)) as response:
            return await _read(response.iter_bytes())

    async def sdk_typed(text: str) -> str:
        chunks = await sdk.chat.completions.create(**_body(text))
        return "".join(
            [each.choices[0].delta.content or "" async for each in chunks if each.choices]
        )

    return {
        "the miner's ChatOpenAI": miner,
        "aiohttp, raw": aiohttp_raw,
        "httpx, raw": httpx_raw,
        "OpenAI's SDK, raw": sdk_raw,
        "OpenAI's SDK, typed": sdk_typed,
    }


def _wanted(text: str) -> Wanted:
    return Wanted(MODEL, [Turn(role="user", content=text)], limit=4000, stream=True)


def _body(text: str) -> dict[str, Any]:
    return Knowledge("").dialect.body(_wanted(text))


async def _read(pieces: Any) -> str:  # noqa: ANN401
    reader, text = Reader(), []
    async for piece in pieces:
        text.append(reader.feed(piece)[0])
    return "".join([*text, reader.end()[0]])


async def _cost(ask: Ask, tokens: int, calls: int) -> float:
    text = f"Please answer with {tokens} words."
    if (await ask(text)).count("word") != tokens:
        raise SystemExit("an answer is not whole")
    began = time.process_time()
    for _ in range(calls):
        await ask(text)
    return (time.process_time() - began) / calls * 1000


if __name__ == "__main__":
    main()

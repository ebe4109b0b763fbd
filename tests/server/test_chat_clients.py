"""The chat form through the clients that people have: address and key, and nothing else."""

import asyncio
import json
import os
from pathlib import Path

import openai
import pytest
from langchain_openai import ChatOpenAI
from openai.types.chat import ChatCompletionMessageParam

from running_miner import KEY
from scripted import Hang, Scripted, Slow, until
from support import require

CHAT: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "What is the capital of France?"}
]


@pytest.fixture
def base(address: str) -> str:
    return f"{address}/v1"


async def test_openai(base: str, shared_backend: Scripted) -> None:
    shared_backend.default(Slow("Paris it is.", 0.02))
    async with openai.AsyncOpenAI(base_url=base, api_key=KEY) as client:
        names = [model.id async for model in client.models.list()]
        whole = await client.chat.completions.create(model=names[0], messages=CHAT, user="ann")
        streamed = await client.chat.completions.create(
            model="complete:draft",
            messages=CHAT,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in streamed]
        with pytest.raises(openai.NotFoundError) as unknown:
            await client.chat.completions.create(model="gpt-4o", messages=CHAT)
        with pytest.raises(openai.UnprocessableEntityError) as several:
            await client.chat.completions.create(model=names[0], messages=CHAT, n=2)

    assert whole.choices[0].message.content == "Paris it is."
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 3
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "".join(piece or "" for piece in pieces) == "Paris it is."
    assert len(pieces) > 3
    assert chunks[-1].usage == whole.usage
    assert unknown.value.code == "model_not_found"
    assert several.value.param == "n"


async def test_openai_is_told_of_a_wrong_key_and_of_a_failed_stream(
    base: str, shared_backend: Scripted
) -> None:
    shared_backend.default("")
    async with openai.AsyncOpenAI(base_url=base, api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            await client.models.list()

    assert refused.value.code == "invalid_api_key"


async def test_openai_that_closes_its_stream_ends_the_run(
    base: str, shared_backend: Scripted
) -> None:
    shared_backend.default(Hang())
    async with openai.AsyncOpenAI(base_url=base, api_key=KEY, max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="complete:draft", messages=CHAT, stream=True
        )
        await until(lambda: shared_backend.requests)
        await stream.close()

    await until(lambda: shared_backend.requests[0].disconnected)


async def test_langchain(base: str, shared_backend: Scripted) -> None:
    shared_backend.default(Slow("Paris it is.", 0.02))
    model = ChatOpenAI(base_url=base, api_key=KEY, model="complete:draft", stream_usage=True)

    whole = await model.ainvoke("What is the capital of France?")
    chunks = [chunk async for chunk in model.astream("What is the capital of France?")]

    assert whole.text == "Paris it is."
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["output_tokens"] == 3
    assert len([chunk for chunk in chunks if chunk.text]) > 1
    assert "".join(chunk.text for chunk in chunks) == "Paris it is."
    used = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert [each["output_tokens"] for each in used] == [3]


async def test_litellm(address: str, shared_backend: Scripted) -> None:
    """In an environment of its own: it holds packages of the miner's at older versions."""
    python = os.environ.get("LITELLM_PYTHON", "")
    require(bool(python), "LITELLM_PYTHON names no interpreter that has litellm")
    shared_backend.default(Slow("Paris it is.", 0.02))
    program = Path(__file__).with_name("litellm_chat.py")
    child = await asyncio.create_subprocess_exec(
        *(python, program, address, KEY), stdout=asyncio.subprocess.PIPE
    )

    printed, _ = await child.communicate()

    assert child.returncode == 0
    told = json.loads(printed.splitlines()[-1])
    assert told["whole"] == "Paris it is."
    assert told["usage"] == 3
    assert "".join(filter(None, told["pieces"])) == "Paris it is."
    assert len(list(filter(None, told["pieces"]))) > 1
    assert told["streamed_usage"] == [3]
    assert "send your key" in told["refused"]

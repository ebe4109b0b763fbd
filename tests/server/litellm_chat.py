"""Asks a miner through LiteLLM, in an environment that has it: `litellm_chat.py ADDRESS KEY`."""

import asyncio
import json
import sys

import litellm

ADDRESS, KEY = sys.argv[1:]
CHAT = [{"role": "user", "content": "What is the capital of France?"}]
COMMON = {"model": "openai/complete:draft", "api_base": f"{ADDRESS}/v1", "messages": CHAT}


async def main() -> dict[str, object]:
    whole = litellm.completion(**COMMON, api_key=KEY, user="ann")
    usage = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = [each async for each in await litellm.acompletion(**COMMON, api_key=KEY, **usage)]
    try:
        litellm.completion(**COMMON, api_key="wrong", max_retries=0)
    except litellm.AuthenticationError as error:
        refused = str(error)
    return {
        "whole": whole.choices[0].message.content,
        "usage": whole.usage.completion_tokens,
        "pieces": [each.choices[0].delta.content for each in chunks if each.choices],
        "streamed_usage": [u.completion_tokens for e in chunks if (u := getattr(e, "usage", None))],
        "refused": refused,
    }


print(json.dumps(asyncio.run(main())))

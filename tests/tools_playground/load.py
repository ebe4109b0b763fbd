"""A little load of mixed components, so that a picture of the curves is alive."""

import asyncio
import random
import time

import httpx

from running_miner import client_of
from scripted import Recorded, Slow

CALLERS, SECONDS = 3, 60
QUESTION = "What is machine learning, and what is it good for? "
ANSWER = "Machine learning lets a computer learn from examples instead of rules."
ANSWERED = {"task": "Answer the user", "input": QUESTION, "output": ANSWER}
SAID = {"problem": "It gives no example.", "suggestion": "Give one."}
REQUESTS = [
    *[("complete", {"task": "Answer the user", "input": QUESTION * times}) for times in (1, 4, 9)],
    *[("feedback", ANSWERED)] * 2,
    *[("refine", {**ANSWERED, "feedbacks": [SAID]})] * 2,
    ("feedback", {}),
]


def varied(_: Recorded) -> Slow:
    """Answers that take their time, each another."""
    return Slow(ANSWER, random.uniform(0.002, 0.05))


async def mixed_load(address: str) -> None:
    """Ask for more and more over the time, then for less."""
    end = time.monotonic() + SECONDS
    async with client_of(address) as client:
        callers = (_call(client, f"caller-{n}", end - n * 12) for n in range(CALLERS))
        await asyncio.gather(*callers)


async def _call(client: httpx.AsyncClient, cid: str, end: float) -> None:
    await asyncio.sleep(max(0, end - time.monotonic() - SECONDS + 24))
    while time.monotonic() < end:
        component, body = random.choice(REQUESTS)
        await client.post(f"/{component}", json={"cid": cid, **body})
        await asyncio.sleep(random.uniform(0.1, 1.5))

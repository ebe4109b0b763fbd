"""The start-up canary: what a backend serves, how much it takes, what it really honours."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import openai
import structlog
from langchain_core.messages import HumanMessage
from openai.pagination import AsyncPage
from openai.types import Model

from nodes.errors import BackendError, BackendUnavailable
from nodes.llm.backend import Backend, JsonSchema
from nodes.llm.backend_errors import SchemaRefused, translated

log = structlog.get_logger(__name__)

CANARY_SCHEMA: dict[str, Any] = {
    "title": "canary",
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["heliotrope"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
CANARY_PROMPT = "Say hello to the reader."  # nothing in it asks for the schema's answer
CANARY_SECONDS = 15.0
START_SECONDS = 3.0  # the miner serves only after its first probe; `watch` is more patient


async def probe(backend: Backend, seconds: float = START_SECONDS) -> None:
    """Ask the backend for its models, its window and whether a JSON schema constrains it.

    Fills in `backend.model` (where none was chosen), `context_length`, `honours_schema` and
    `pace`, and logs them. Raises `BackendError` when the backend gives no answer, or not all of
    it within `seconds`; what it told until then is kept.
    """
    try:
        async with asyncio.timeout(seconds):
            await _probe(backend)
    except TimeoutError:
        raise BackendUnavailable("the model's backend does not answer in time") from None


async def _probe(backend: Backend) -> None:
    try:
        await _learn(backend)
    except (BackendError, TimeoutError):
        raise
    except Exception as error:
        # The client trips over answers that are none. That must neither keep the miner from
        # starting nor end the watch, which nobody awaits.
        raise BackendUnavailable(
            f"the model's backend sent an unreadable answer ({type(error).__name__})"
        ) from error


async def _learn(backend: Backend) -> None:
    cards = await _models(backend)
    card = _served(backend, cards)
    window = _window(card)
    if window:
        backend.context_length = window
    backend.honours_schema = await _honours_schema(backend)
    log.info(
        "backend answers",
        provider=backend.endpoint.provider,
        model=backend.model,
        context_length=backend.context_length,
        json_schema=backend.honours_schema,
    )


async def _models(backend: Backend) -> list[Mapping[str, Any]]:
    client: openai.AsyncOpenAI = backend.chat.root_async_client
    try:
        async with asyncio.timeout(CANARY_SECONDS):
            page = await client.models.list()
    except TimeoutError:
        raise BackendUnavailable("the model's backend does not list its models") from None
    except openai.NotFoundError:
        return []  # not every compatible server has the list
    except openai.OpenAIError as error:
        raise translated(error) from error
    except ValueError as error:
        raise BackendUnavailable("the model's backend sent an unreadable answer") from error
    # The client does not check what it was sent.
    cards = page.data if isinstance(page, AsyncPage) else None
    return [card.model_dump() for card in cards or () if isinstance(card, Model)]


def _served(backend: Backend, cards: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    by_name = {str(card.get("id")): card for card in cards}
    if not cards or backend.model in by_name:
        return by_name.get(backend.model, {})
    if backend.endpoint.model_is_default and len(by_name) == 1:
        name, card = next(iter(by_name.items()))
        backend.use(name)
        return card
    log.warning(
        "backend does not list the model",
        provider=backend.endpoint.provider,
        model=backend.model,
        served=sorted(by_name)[:5],
    )
    return {}


def _window(card: Mapping[str, Any]) -> int | None:
    # vLLM puts the window into its card; llama.cpp reports the slot's and the trained one.
    meta = card.get("meta")
    details = meta if isinstance(meta, dict) else {}
    found = [card.get("max_model_len"), details.get("n_ctx"), details.get("n_ctx_train")]
    return min((size for size in found if isinstance(size, int) and size > 0), default=None)


async def _honours_schema(backend: Backend) -> bool:
    try:
        text = await _sing(backend, CANARY_SCHEMA)
    except SchemaRefused:
        return False
    except BackendError:
        await _sing(backend, None)  # raises where it was not the schema
        return False
    try:
        return bool(json.loads(text) == {"colour": "heliotrope"})
    except json.JSONDecodeError:
        return False


async def _sing(backend: Backend, schema: JsonSchema | None) -> str:
    try:
        answer = await backend.call(
            [HumanMessage(CANARY_PROMPT)],
            limit=24,
            temperature=0.0,
            seconds=CANARY_SECONDS,
            schema=schema,
        )
    except TimeoutError:
        raise BackendUnavailable("the model's backend does not answer") from None
    return answer.text


async def watch(backend: Backend, *, every: float = 15.0) -> None:
    """Probe until it succeeds, so that a backend that comes up late is known after all.

    The first time at once, and each time more patiently than at the start.
    """
    while True:
        try:
            await _probe(backend)
        except BackendError:
            await asyncio.sleep(every)
        else:
            backend.rests_until = time.monotonic()
            return

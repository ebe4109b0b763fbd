"""The start-up canary: what a backend serves, how much it takes, what it really honours."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import structlog

from nodes.errors import BackendError, BackendUnavailable
from nodes.llm.backend import Backend, is_outage
from nodes.llm.dialect import Wanted
from nodes.llm.exchange import Exchange
from nodes.llm.failures import KeyRefused
from nodes.llm.turns import JsonSchema, Turn

log = structlog.get_logger(__name__)

CANARY_SCHEMA: JsonSchema = {
    "title": "canary",
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["heliotrope"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
# What the machines send: a system turn, and nothing that asks for the schema's answer.
CANARY = [
    Turn(role="system", content="You are a careful assistant."),
    Turn(role="user", content="Say hello to the reader."),
]
CANARY_TOKENS = 24
CANARY_SECONDS = 15.0
START_SECONDS = 3.0  # the miner serves only after its first probe; `watch` is more patient
WINDOW_NAMES = (
    *("max_model_len", "context_length", "context_window", "max_context_length"),
    *("loaded_context_length", "max_input_tokens", "n_ctx", "n_ctx_train"),
)


async def probe(backend: Backend, seconds: float = START_SECONDS) -> None:
    """Ask the backend for its models and its window, and try what the machines really send.

    Fills in `backend.model` (where none was chosen), `context_length`, `honours_schema`, its
    dialect and latency, and logs them. Raises `BackendError` when the backend gives no answer, or
    not all of it within `seconds`; what it told until then is kept.
    """
    try:
        async with asyncio.timeout(seconds):
            await _learn(backend)
    except TimeoutError:
        raise BackendUnavailable("the model's backend does not answer in time") from None


async def answers(backend: Backend) -> bool:
    """Whether a probe succeeds; what is wrong is logged, not raised."""
    try:
        await probe(backend)
    except KeyRefused as error:
        provider = backend.endpoint.provider
        log.error(
            "backend refuses the key; no request is answered until it is changed",
            setting=f"{provider.upper()}_API_KEY",
            address=backend.wire.host,
            reason=str(error),
        )
        return False
    except BackendError as error:
        log.warning(
            "backend does not answer yet; requests get a 503 until it does",
            provider=backend.endpoint.provider,
            address=backend.wire.host,
            reason=str(error),
        )
        return False
    return True


async def watch(backend: Backend, *, every: float = 15.0) -> None:
    """Probe until it succeeds, so that a backend that comes up late is known after all.

    The first time at once, and each time more patiently than at the start.
    """
    while True:
        try:
            await probe(backend, 2 * CANARY_SECONDS)
        except BackendError:
            await asyncio.sleep(every)
        else:
            return


async def _learn(backend: Backend) -> None:
    cards = _cards(await _told(backend, "/models"))
    card = _served(backend, cards)
    window = _window(card) or _window(await _told(backend, "/props", root=True))
    if window:
        backend.context_length = window
    backend.honours_schema = await _honours_schema(backend)
    log.info(
        "backend answers",
        provider=backend.endpoint.provider,
        address=backend.wire.host,
        model=backend.model,
        context_length=backend.context_length,
        json_schema=backend.honours_schema,
    )


async def _told(backend: Backend, path: str, *, root: bool = False) -> object:
    """What the backend says there, if it says anything: no such page is an outage."""
    async with backend.wire.ask(path, root=root) as response:
        body = await response.read()
        if is_outage(response.status):
            raise BackendUnavailable(f"the model's backend answered {response.status}")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _cards(told: object) -> list[Mapping[str, Any]]:
    found = told.get("data") or told.get("models") if isinstance(told, dict) else told
    return [card for card in found if isinstance(card, dict)] if isinstance(found, list) else []


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


def _window(told: object) -> int | None:
    """The smallest of the sizes told, here or one level below: a slot's, not the trained one."""
    return min(_sizes(told), default=None)


def _sizes(told: object, depth: int = 0) -> Iterator[int]:
    if not isinstance(told, dict):
        return
    for name, value in told.items():
        if name in WINDOW_NAMES and str(value).isdigit() and int(value) > 0:
            yield int(value)
        elif depth < 1:
            yield from _sizes(value, depth + 1)


async def _honours_schema(backend: Backend) -> bool:
    try:
        text = await _sing(backend, CANARY_SCHEMA)
    except BackendError:
        text = ""
    if not text:
        await _sing(backend, None)  # raises where it was not the schema
        return False
    try:
        return bool(orjson.loads(text) == {"colour": "heliotrope"})
    except orjson.JSONDecodeError:
        return False


async def _sing(backend: Backend, schema: JsonSchema | None) -> str:
    wanted = Wanted(
        model=backend.model,
        turns=CANARY,
        limit_field=backend.endpoint.limit_field,
        limit=CANARY_TOKENS,
        temperature=0.0,
        schema=schema,
        stream=True,
    )
    exchange = Exchange(wanted, CANARY_SECONDS, CANARY_SECONDS)
    try:
        await backend.call(exchange)
    except TimeoutError:
        raise BackendUnavailable("the model's backend does not answer") from None
    return exchange.text

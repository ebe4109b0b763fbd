"""One address spoken to: a call, what was learnt of it, and whether it rests."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from opentelemetry.trace import SpanKind

from memory import CircuitBreaker
from nodes.errors import BackendError
from nodes.llm.chat import MinerChat
from nodes.llm.exchange import Exchange
from nodes.llm.failures import NOT_FOUND, NOT_IMPLEMENTED, OnlyReasoning, RequestRefused, Unreached
from nodes.llm.knowledge import Knowledge
from nodes.llm.latency import LatencyEstimate
from nodes.llm.providers import Endpoint
from nodes.llm.reasoning import Reasoning
from nodes.llm.spans import span
from nodes.llm.turns import TOKENS_PER_MESSAGE, Role, Turn
from nodes.llm.wire import Wire

COUNT_SECONDS = 2.0
FORBIDDEN = (401, 403)
TRIAL = 30.0  # seconds that others leave an address to the call that tries it after a rest
SILENCE = 5.0  # seconds without an answer that count against a backend; less proves nothing
NOT_STREAMED = ["nostream"]  # LangGraph leaves calls with this tag out of its message stream
_MESSAGES: dict[Role, type[BaseMessage]] = {
    "system": SystemMessage,
    "user": HumanMessage,
    "assistant": AIMessage,
}


@dataclass(slots=True)
class Backend:
    """An address, its client, and what was learnt of it.

    `context_length` is in tokens. `honours_schema` is `None` until it was tried. `answered_at` is
    when it last answered at all, on the clock of `time.monotonic()`.
    """

    endpoint: Endpoint
    wire: Wire
    chat: MinerChat
    knowledge: Knowledge
    model: str
    context_length: int
    latency: LatencyEstimate = field(default_factory=LatencyEstimate)
    breaker: CircuitBreaker = field(default_factory=partial(CircuitBreaker, trial_seconds=TRIAL))
    honours_schema: bool | None = None
    counts_tokens: bool = True
    in_flight: int = 0
    answered_at: float = float("-inf")
    refusing: bool = False  # the last call got an answer that was none of the model

    @property
    def rank(self) -> int:
        return self.endpoint.rank

    @property
    def reasoning(self) -> Reasoning:
        return self.knowledge.reasoning

    @property
    def takes_schema(self) -> bool:
        """Whether a JSON schema is worth sending; assumed until something else was seen."""
        refused = "response_format" in self.knowledge.dialect.refused
        return self.honours_schema is not False and not refused

    def use(self, model: str) -> None:
        """Ask for another model from now on."""
        self.model = model
        self.chat = MinerChat.over(self.wire, self.knowledge, model)

    async def call(self, exchange: Exchange) -> None:
        """Make one call, whose answer is in `exchange` afterwards.

        Raises `TimeoutError` when nothing came in time, `BackendUnavailable` when another try may
        help, `BackendRefused` when it will not.
        """
        messages = [_MESSAGES[turn.role](turn.content) for turn in exchange.wanted.turns]
        self.breaker.allow()  # it only orders the addresses: where all rest, they are asked too
        outcome: bool | None = None
        self.in_flight += 1
        try:
            with span(f"chat {self.model}", SpanKind.CLIENT) as traced:
                traced.set_attribute("gen_ai.provider.name", self.endpoint.provider)
                traced.set_attribute("server.address", self.wire.host)
                await self.chat.ainvoke(
                    messages,
                    config=None if exchange.shown else {"tags": NOT_STREAMED},
                    exchange=exchange,
                )
                traced.set_attribute("gen_ai.usage.input_tokens", exchange.prompt_tokens)
                traced.set_attribute("gen_ai.usage.output_tokens", exchange.completion_tokens)
            outcome = True
        except (RequestRefused, OnlyReasoning):
            outcome = True  # it answers, though not to this request
            raise
        except BackendError as error:
            outcome = False
            self.refusing = not isinstance(error, Unreached)
            raise
        except TimeoutError:
            outcome = False if exchange.seconds >= SILENCE else None
            raise
        finally:
            self.in_flight -= 1
            if outcome:
                self.breaker.succeeded()
                self.answered_at, self.refusing = time.monotonic(), False
            elif outcome is False:
                self.breaker.failed()
        self.latency.record(
            total=exchange.ended_after,
            tokens=exchange.completion_tokens,
            first_token=exchange.first_after,
        )

    async def lists_models(self, seconds: float) -> bool:
        """Whether it is there: it answers in time, and its calls are not refused."""
        try:
            async with asyncio.timeout(seconds), self.wire.ask("/models") as response:
                found = response.status
        except (BackendError, TimeoutError):
            return False
        if self.refusing or is_outage(found):
            return False
        # A list that is forbidden says nothing of the calls.
        alive = found not in FORBIDDEN or self.answered_at > float("-inf")
        if alive:
            self.answered_at = time.monotonic()
        return alive

    async def count(self, turns: Sequence[Turn]) -> int | None:
        """Tokens of a prompt by the model's own tokenizer; `None` where it cannot be asked."""
        if self.endpoint.tokenizer == "none" or not self.counts_tokens:
            return None
        text = "\n".join(turn.content for turn in turns)
        body: dict[str, Any] = {"content": text}
        if self.endpoint.tokenizer == "prompt":
            body = {"model": self.model, "prompt": text}
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                async with self.wire.ask("/tokenize", body, root=True) as response:
                    self.counts_tokens = response.status != NOT_FOUND
                    counted = await response.read()
        except (BackendError, TimeoutError):
            return None
        tokens = _tokens(counted)
        return None if tokens is None else tokens + TOKENS_PER_MESSAGE * len(turns)


def is_outage(status: int) -> bool:
    """Whether a page's status tells of a backend in trouble, and not only of a page not there."""
    return status >= 500 and status != NOT_IMPLEMENTED  # noqa: PLR2004


def _tokens(body: bytes) -> int | None:
    try:
        counted = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    tokens = counted.get("tokens") if isinstance(counted, dict) else None
    return len(tokens) if isinstance(tokens, list) else None


def connect(endpoint: Endpoint) -> Backend:
    """A backend that has not been spoken to yet; reads files. Close its `wire` after."""
    wire = Wire(endpoint.base_url, endpoint.api_key.get_secret_value())
    knowledge = Knowledge(wire.host)
    chat = MinerChat.over(wire, knowledge, endpoint.model)
    return Backend(endpoint, wire, chat, knowledge, endpoint.model, endpoint.assumed_context)

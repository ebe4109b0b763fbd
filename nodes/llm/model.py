"""The model client: every call within its deadline, tried again, with others to take over."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import ceil
from typing import Self

import structlog

from nodes.errors import (
    BackendError,
    DeadlinePassed,
    MinerError,
    TaskTooLong,
)
from nodes.llm.backend import Backend, connect
from nodes.llm.failures import (
    Empty,
    Filtered,
    OnlyReasoning,
    RequestRefused,
    SchemaRefused,
    WindowExceeded,
)
from nodes.llm.info import BackendInfo, ModelInfo
from nodes.llm.job import RESERVE, Job
from nodes.llm.probe import answers, watch
from nodes.llm.providers import endpoints
from nodes.llm.tokens import TokenCounter
from nodes.llm.turns import MIN_ANSWER_TOKENS, TOKENS_PER_MESSAGE, JsonSchema, Reply, Turn
from settings import Settings

log = structlog.get_logger(__name__)

TEMPLATE_TOKENS = 64  # what chat templates add to a prompt of their own, such as a date
SAFETY = 0.95  # the counting tokenizer is not always the model's own
MOST_SHORTENINGS = 3  # of one conversation


class Model:
    """The addresses of the configured provider and, behind them, the fallback's."""

    def __init__(
        self, settings: Settings, backends: Sequence[Backend], tokens: TokenCounter
    ) -> None:
        self._settings = settings
        self._backends = list(backends)
        self._tokens = tokens

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, tokens: TokenCounter | None = None
    ) -> AsyncIterator[Self]:
        """Connect and probe. A backend that is down is a warning: it is asked again until up.

        `tokens` spares building another counter. Raises `SettingsError` for a proxy of the
        environment that cannot be used.
        """
        # In threads: both read files, the clients those of the certificates.
        if tokens is None:
            tokens = await asyncio.to_thread(TokenCounter)
        rows = endpoints(settings)
        backends = await asyncio.gather(*(asyncio.to_thread(connect, row) for row in rows))
        model = cls(settings, backends, tokens)
        watchers: list[asyncio.Task[None]] = []
        try:
            up = await asyncio.gather(*(answers(backend) for backend in model._backends))
            down = (each for each, is_up in zip(model._backends, up, strict=True) if not is_up)
            watchers += [asyncio.create_task(watch(backend)) for backend in down]
            yield model
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
            for backend in model._backends:
                await backend.wire.close()

    @property
    def context_length(self) -> int:
        """Tokens that prompt and answer may take together, on every backend that may answer."""
        smallest = min(backend.context_length for backend in self._backends)
        return min(smallest, self._settings.max_context_tokens or smallest)

    @property
    def honours_schema(self) -> bool:
        """Whether a JSON schema is worth sending; assumed until something else was seen."""
        return self._first.takes_schema

    def describe(self) -> ModelInfo:
        first = self._backends[0]
        return ModelInfo(
            first.endpoint.provider, first.model, self.context_length, first.endpoint.note
        )

    def backends(self) -> list[BackendInfo]:
        """Every address, and what is known of it now."""
        return [BackendInfo.of(each) for each in self._backends]

    async def ping(self, seconds: float = 2.0) -> bool:
        """Whether any backend answers in time when asked for its models."""
        return any(
            await asyncio.gather(*(backend.lists_models(seconds) for backend in self._backends))
        )

    def answered_lately(self, within: float = 60.0) -> bool:
        """Whether a backend answered a call, or a look by `ping`, in the last `within` seconds.

        Asks nobody, so that a readiness probe can call it at any time.
        """
        since = time.monotonic() - within
        return any(backend.answered_at >= since for backend in self._backends)

    async def count(self, turns: Sequence[Turn]) -> int | None:
        """Tokens of a prompt by the tokenizer of the backend asked first; `None` without one."""
        return await self._first.count(turns)

    def fits(self, deadline: float, tokens: int) -> bool:
        """Whether an answer of `tokens` tokens is expected before `deadline`."""
        left = deadline - time.monotonic() - RESERVE
        return left > 0 and self._first.latency.expected(tokens) <= left

    def with_thoughts(self, tokens: int) -> int:
        """Tokens of a short answer and of the reasoning that is known to come before it."""
        return tokens + int(self._first.reasoning.tokens)

    async def ask(
        self,
        node: str,
        turns: Sequence[Turn],
        *,
        deadline: float,
        limit: int | None = None,
        temperature: float | None = None,
        schema: JsonSchema | None = None,
        keep_partial: bool = False,
        shown: bool = False,
    ) -> Reply:
        """One answer to a conversation, at most `limit` tokens long, before `deadline`.

        `deadline` is on the clock of `time.monotonic()`. With `keep_partial`, what had come when
        time ran out or the connection broke is an answer too, marked as truncated. The tokens of
        such a call, and of one `shown`, reach whoever streams the run. Failed tries are made again,
        with any backend, while one could still bring an answer.

        Raises `DeadlinePassed` when nothing came in time, `BackendUnavailable` or
        `BackendRefused` when no backend gave an answer, and `TaskTooLong` when the conversation
        leaves no room for one in the window.
        """
        longest = self._settings.max_tokens
        wanted = min(limit or longest, longest)
        allowance = max(backend.reasoning.allowance for backend in self._backends)
        most = await self._fitting(turns, min(wanted + allowance, longest), self.context_length)
        job = Job(
            node=node,
            turns=turns,
            deadline=deadline,
            limit=min(wanted, most),
            most=most,
            temperature=self._settings.temperature if temperature is None else temperature,
            schema=schema,
            keep_partial=keep_partial,
            shown=shown or keep_partial,
        )
        failure: MinerError = DeadlinePassed("no time was left to ask the model")
        while chosen := job.next(self._backends):
            backend, wait = chosen
            if wait:
                await asyncio.sleep(wait)
            try:
                return await self._once(backend, job)
            except SchemaRefused:
                raise
            except WindowExceeded as error:
                failure = error
                await self._shorten(backend, job, error.window)
            except MinerError as error:
                failure = error
                self._note(job, backend, error)
                if _refuses_history(error, job) and job.next(self._backends) is None:
                    job.begin_anew([turn for turn in job.turns if not turn.recalled], job.most)
        if kept := job.kept():
            return kept
        raise failure

    async def _once(self, backend: Backend, job: Job) -> Reply:
        exchange = job.exchange(backend, others=job.has_others(backend, self._backends))
        try:
            await backend.call(exchange)
        except TimeoutError:
            raise DeadlinePassed("the model did not answer in time") from None
        if exchange.text:
            return job.reply(backend, exchange)
        if exchange.truncated == "deadline":
            raise DeadlinePassed("the model was still thinking at the deadline")
        if exchange.truncated == "length":
            raise OnlyReasoning("the model's answer had not begun when it reached its length limit")
        if exchange.truncated == "filtered":
            raise Filtered("the content filter of the model's provider left nothing of the answer")
        raise Empty(exchange.reasoning.strip())

    async def _shorten(self, backend: Backend, job: Job, window: int | None) -> None:
        """Learn the window from a refusal, and fit the conversation into it, oldest turns first."""
        if window is None:
            estimate = await asyncio.to_thread(self._estimated, job.turns)
            window = ceil(0.75 * (estimate + job.most))
        backend.context_length = min(backend.context_length, window)
        if job.shortened >= MOST_SHORTENINGS:
            raise TaskTooLong("the conversation is too long for the model's window")
        # Where the estimate gave too little, each further refusal leaves more room.
        size = int(self.context_length * 0.85**job.shortened)
        last = job.shortened == MOST_SHORTENINGS - 1
        turns = [turn for turn in job.turns if not (last and turn.recalled)]
        while True:
            try:
                most = await self._fitting(turns, job.most, size)
            except TaskTooLong:
                oldest = next((turn for turn in turns if turn.recalled), None)
                if oldest is None:
                    raise
                turns.remove(oldest)
            else:
                break
        log.warning("conversation shortened", node=job.node, window=backend.context_length)
        job.begin_anew(turns, most)

    async def _fitting(self, turns: Sequence[Turn], wanted: int, window: int) -> int:
        """As many of `wanted` tokens as `window` has room for after the prompt."""
        if sum(turn.most_tokens for turn in turns) + TEMPLATE_TOKENS + wanted <= window:
            return wanted
        counted = await self.count(turns)
        if counted is None:
            counted = await asyncio.to_thread(self._estimated, turns)
        room = window - counted - TEMPLATE_TOKENS
        if room <= 0:
            raise TaskTooLong("the conversation is too long for the model's window")
        return min(wanted, max(room, MIN_ANSWER_TOKENS))

    def _estimated(self, turns: Sequence[Turn]) -> int:
        estimate = sum(self._tokens.count(turn.content) + TOKENS_PER_MESSAGE for turn in turns)
        return ceil(estimate / SAFETY)

    @property
    def _first(self) -> Backend:
        """Whoever would be asked now."""
        return min(self._backends, key=lambda each: (each.breaker.resting, each.rank))

    def _note(self, job: Job, backend: Backend, error: MinerError) -> None:
        job.failed(backend, error)
        if isinstance(error, BackendError) and error.retry_after:
            backend.breaker.rest(error.retry_after)
        log.warning(
            "model call failed",
            provider=backend.endpoint.provider,
            address=backend.wire.host,
            reason=str(error),
        )


def _refuses_history(error: MinerError, job: Job) -> bool:
    """Whether the request may have been refused for what earlier requests said."""
    poisoned = isinstance(error, RequestRefused) and not job.shortened
    return poisoned and any(turn.recalled for turn in job.turns)

"""The model client: every call within its deadline, retried, with a fallback."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil
from typing import Self
from urllib.parse import urlsplit

import structlog

from memory import TokenCounter
from nodes.errors import (
    BackendError,
    BackendUnavailable,
    DeadlinePassed,
    MinerError,
    TaskTooLong,
)
from nodes.llm.backend import PER_MESSAGE, Backend, JsonSchema, connect
from nodes.llm.backend_errors import OnlyThoughts, RequestRefused, SchemaRefused, delay_before
from nodes.llm.job import (
    FEWEST_TOKENS,
    RESERVE,
    TEMPLATE_TOKENS,
    Job,
    Reply,
    message_of,
    most_tokens,
)
from nodes.llm.probe import probe, watch
from nodes.llm.providers import endpoints
from nodes.state import Turn
from settings import Settings

log = structlog.get_logger(__name__)

ATTEMPTS = 3
LONGEST_DELAY = 1.0  # between two tries, while another backend could take over
COOL_DOWN = 30.0
SILENCE = 5.0  # seconds without an answer that make a backend rest; a short deadline proves nothing
SAFETY = 0.95  # the counting tokenizer is not always the model's own


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What `/capabilities` tells of the model. `context_length` is in tokens."""

    provider: str
    model: str
    context_length: int
    note: str


class Model:
    """The configured backend and, behind it, the fallback."""

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

        `tokens` spares building another counter.
        """
        # In threads: both read files, the clients those of the certificates.
        if tokens is None:
            tokens = await asyncio.to_thread(TokenCounter)
        rows = endpoints(settings)
        backends = await asyncio.gather(*(asyncio.to_thread(connect, row) for row in rows))
        model = cls(settings, backends, tokens)
        watchers: list[asyncio.Task[None]] = []
        try:
            answers = await asyncio.gather(*(_probed(backend) for backend in model._backends))
            down = (backend for backend, up in zip(model._backends, answers, strict=True) if not up)
            watchers += [asyncio.create_task(watch(backend)) for backend in down]
            yield model
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
            for backend in model._backends:
                await backend.chat.root_async_client.close()

    @property
    def context_length(self) -> int:
        """Tokens that prompt and answer may take together, on every backend that may answer."""
        smallest = min(backend.context_length for backend in self._backends)
        return min(smallest, self._settings.max_context_tokens or smallest)

    @property
    def honours_schema(self) -> bool:
        """Whether a JSON schema is worth sending; assumed until the canary showed otherwise."""
        return self._order()[0].honours_schema is not False

    def describe(self) -> ModelInfo:
        first = self._backends[0]
        return ModelInfo(
            first.endpoint.provider, first.model, self.context_length, first.endpoint.note
        )

    async def ping(self, seconds: float = 2.0) -> bool:
        """Whether any backend lists its models in time."""
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
        return await self._order()[0].count([message_of(turn) for turn in turns])

    def fits(self, deadline: float, tokens: int) -> bool:
        """Whether an answer of `tokens` tokens is expected before `deadline`."""
        left = deadline - time.monotonic() - RESERVE
        return left > 0 and self._order()[0].pace.expected(tokens) <= left

    def with_thoughts(self, tokens: int) -> int:
        """Tokens of a short answer and of the thoughts that the model is known to put before it."""
        return tokens + int(self._order()[0].thinking.tokens)

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
        such a call, and of one `shown`, reach whoever streams the run.

        Raises `DeadlinePassed` when nothing came in time, `BackendUnavailable` or
        `BackendRefused` when no backend gave an answer, and `TaskTooLong` when the conversation
        leaves no room for one in the window.
        """
        longest = self._settings.max_tokens
        wanted = min(limit or longest, longest)
        thoughts = max(backend.thinking.allowance for backend in self._backends)
        most = await self._fitting(turns, min(wanted + thoughts, longest))
        job = Job(
            node=node,
            turns=turns,
            messages=[message_of(turn) for turn in turns],
            deadline=deadline,
            limit=min(wanted, most),
            most=most,
            temperature=self._settings.temperature if temperature is None else temperature,
            schema=schema,
            keep_partial=keep_partial,
            shown=shown or keep_partial,
        )
        failure: MinerError = DeadlinePassed("no time was left to ask the model")
        for backend in self._order():
            began = time.monotonic()
            if began >= job.last_moment:
                break
            try:
                return await self._persist(backend, job)
            except SchemaRefused:
                backend.honours_schema = False
                raise
            except (RequestRefused, OnlyThoughts) as error:
                failure = error  # another request may be fine
            except MinerError as error:
                failure = error
                silent = time.monotonic() - began >= SILENCE and not job.waits_for(backend)
                if isinstance(error, BackendError) or silent:
                    self._rest(backend, error)
        if keep_partial and job.partial:
            return job.partial_reply()
        raise failure

    async def _persist(self, backend: Backend, job: Job) -> Reply:
        for attempt in range(ATTEMPTS):
            try:
                return await self._once(backend, job)
            except OnlyThoughts:
                raise
            except BackendUnavailable as error:
                log.warning(
                    "model call failed",
                    node=job.node,
                    provider=backend.endpoint.provider,
                    attempt=attempt + 1,
                    reason=str(error),
                )
                job.note_failure(backend, error)
                delay = delay_before(attempt + 1, error)
                longest = job.last_moment - time.monotonic()
                if not self._is_last(backend):
                    longest = min(longest, LONGEST_DELAY)
                if attempt + 1 == ATTEMPTS or delay > longest:
                    raise
                await asyncio.sleep(delay)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(self, backend: Backend, job: Job) -> Reply:
        left = job.last_moment - time.monotonic()
        if left <= 0:
            raise DeadlinePassed("the deadline passed before the model answered")
        # Without anyone to take over, waiting on is better than asking a busy backend anew.
        patience = left if self._is_last(backend) else left / 2
        try:
            answer = await backend.call(
                job.messages,
                limit=job.deliverable(backend, left),
                temperature=job.temperature,
                seconds=left if job.keep_partial else patience,
                first_token_seconds=patience,
                schema=job.schema,
                streamed=job.keep_partial,
                shown=job.shown,
            )
        except TimeoutError:
            raise DeadlinePassed("the model did not answer in time") from None
        if not answer.text and answer.truncated == "deadline":
            raise DeadlinePassed("the model was still thinking at the deadline")
        if not answer.text and answer.truncated == "length":
            raise OnlyThoughts("the model's answer had not begun when it reached its length limit")
        if not answer.text:
            raise BackendUnavailable("the model's backend sent an empty answer")
        return job.reply(backend, answer)

    async def _fitting(self, turns: Sequence[Turn], wanted: int) -> int:
        """As many of `wanted` tokens as the window has room for after the prompt."""
        window = self.context_length
        if most_tokens(turns) + wanted <= window:
            return wanted
        counted = await self.count(turns)
        if counted is None:
            counted = await asyncio.to_thread(self._estimated, turns)
        room = window - counted - TEMPLATE_TOKENS
        if room <= 0:
            raise TaskTooLong("the conversation is too long for the model's window")
        return min(wanted, max(room, FEWEST_TOKENS))

    def _estimated(self, turns: Sequence[Turn]) -> int:
        estimate = sum(self._tokens.count(turn.content) + PER_MESSAGE for turn in turns)
        return ceil(estimate / SAFETY)

    def _is_last(self, backend: Backend) -> bool:
        return backend is self._order()[-1]

    def _order(self) -> list[Backend]:
        now = time.monotonic()
        return sorted(self._backends, key=lambda backend: backend.rests_until > now)

    def _rest(self, backend: Backend, error: MinerError) -> None:
        if len(self._backends) == 1:
            return
        backend.rests_until = time.monotonic() + COOL_DOWN
        log.warning(
            "backend rests",
            provider=backend.endpoint.provider,
            seconds=COOL_DOWN,
            reason=str(error),
        )


async def _probed(backend: Backend) -> bool:
    try:
        await probe(backend)
    except BackendError as error:
        log.warning(
            "backend does not answer yet; requests get a 503 until it does",
            provider=backend.endpoint.provider,
            address=urlsplit(backend.endpoint.base_url).netloc.rpartition("@")[2],
            reason=str(error),
        )
        return False
    return True

"""One question to the model over all its tries: whom to ask next, when, and with what."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from nodes.errors import BackendRefused, BackendUnavailable, MinerError
from nodes.llm.backend import Backend
from nodes.llm.dialect import Wanted
from nodes.llm.exchange import Exchange
from nodes.llm.failures import Empty, Interrupted, OnlyReasoning, delay_before
from nodes.llm.turns import MIN_ANSWER_TOKENS, Call, JsonSchema, Reply, Truncation, Turn

RESERVE = 0.6  # seconds kept for what comes after the last model call
LONGEST_WAIT = 1.0  # seconds for the first provider while another could take over
TRIES_BEFORE_FALLBACK = 2  # of each address of the first provider
EMPTY_TRIES = 3  # an empty answer costs as much as a full one
REST_PENALTY = 1.0  # seconds that it may take longer to ask one that does not rest
FIRST_TOKENS = 3.0  # times the usual wait for the first token: longer is silence
LEAST_SECONDS = 0.05  # an answer takes at least that long


@dataclass(slots=True, eq=False)
class Job:
    """One call to `Model.ask`, and what its failed tries left.

    `limit` is in tokens of the answer; with reasoning before it, there are `most` at most.
    """

    node: str
    turns: Sequence[Turn]
    deadline: float
    limit: int
    most: int
    temperature: float
    schema: JsonSchema | None
    keep_partial: bool
    shown: bool
    retries: int = 0
    shortened: int = 0
    _out: set[int] = field(default_factory=set)  # who is asked no more, by identity
    _failures: dict[int, int] = field(default_factory=dict)
    _not_before: dict[int, float] = field(default_factory=dict)
    _empty: int = 0
    _partial: str = ""
    _kept: tuple[Backend, str, Truncation] | None = None

    @property
    def last_moment(self) -> float:
        return self.deadline - RESERVE

    def next(self, backends: Sequence[Backend]) -> tuple[Backend, float] | None:
        """Whom to ask next, and after how many seconds; `None` when no answer could come."""
        now = time.monotonic()
        usable = [each for each in backends if id(each) not in self._out]
        first = [each for each in usable if each.rank == 0]
        if any(self._goes_on(each, now) for each in first):
            usable = first
        if not usable:
            return None
        chosen = min(usable, key=lambda each: (self._cost(each, now), each.rank, each.in_flight))
        wait = self._wait(chosen, now)
        needs = max(chosen.latency.first_token or 0.0, LEAST_SECONDS)
        return (chosen, wait) if now + wait + needs <= self.last_moment else None

    def has_others(self, backend: Backend, backends: Sequence[Backend]) -> bool:
        """Whether somebody else could still be asked after `backend`."""
        return any(each is not backend and id(each) not in self._out for each in backends)

    def _wait(self, backend: Backend, now: float) -> float:
        return max(0.0, self._not_before.get(id(backend), 0.0) - now)

    def _cost(self, backend: Backend, now: float) -> float:
        return self._wait(backend, now) + REST_PENALTY * backend.breaker.resting

    def _goes_on(self, backend: Backend, now: float) -> bool:
        """Whether it is too early for the fallback to stand in for this one."""
        tried = self._failures.get(id(backend), 0)
        patient = self._wait(backend, now) <= LONGEST_WAIT and not backend.breaker.resting
        return patient and tried < TRIES_BEFORE_FALLBACK

    def exchange(self, backend: Backend, others: bool) -> Exchange:
        """The next call of `backend`; `others` tells that somebody could take over from it.

        Then it is not waited for in silence longer than needed: whoever is asked next must have
        time to answer, and gets all that is left.
        """
        left = self.last_moment - time.monotonic()
        limit = min(self.limit + backend.reasoning.allowance, self.most)
        deliverable = backend.latency.deliverable(left)
        if deliverable is not None:
            limit = max(min(limit, deliverable), min(MIN_ANSWER_TOKENS, limit))
        streamed = self.keep_partial or self.shown or (others and self.schema is None)
        usual = FIRST_TOKENS * (backend.latency.first_token or 0.0)
        expected = usual if streamed else backend.latency.expected(limit)
        wanted = Wanted(
            model=backend.model,
            turns=self.turns,
            limit_field=backend.endpoint.limit_field,
            limit=limit,
            temperature=self.temperature,
            schema=self.schema,
            stream=streamed,
        )
        patience = min(left, max(left / 2, expected)) if others else left
        return Exchange(
            wanted,
            seconds=left if streamed else patience,
            first_seconds=patience,
            keep_partial=self.keep_partial,
            shown=self.shown,
        )

    def failed(self, backend: Backend, error: MinerError) -> None:
        """Note a failed try: whether and when the same backend may be asked again."""
        key, now = id(backend), time.monotonic()
        self.retries += 1
        if isinstance(error, OnlyReasoning | BackendRefused) or not isinstance(
            error, BackendUnavailable
        ):
            self._out.add(key)
            return
        self._failures[key] = self._failures.get(key, 0) + 1
        self._not_before[key] = now + delay_before(self._failures[key], error)
        if isinstance(error, Interrupted) and len(error.partial) > len(self._partial):
            self._partial = error.partial
            self._kept = (backend, error.partial, "connection") if self.keep_partial else None
        if isinstance(error, Empty):
            self._empty += 1
            if error.reasoning and not self._partial:
                self._kept = (backend, error.reasoning, "")
            if self._empty >= EMPTY_TRIES - bool(error.reasoning):
                self._out.add(key)

    def begin_anew(self, turns: Sequence[Turn], most: int) -> None:
        """Ask everybody once more, with a shorter conversation."""
        self.turns, self.most, self.limit = turns, most, min(self.limit, most)
        self.shortened += 1
        self._out.clear()

    def reply(self, backend: Backend, exchange: Exchange) -> Reply:
        return Reply(
            exchange.text,
            Call(
                node=self.node,
                provider=backend.endpoint.provider,
                model=backend.model,
                address=backend.wire.host,
                seconds=exchange.ended_after,
                prompt_tokens=exchange.prompt_tokens,
                cached_tokens=exchange.cached_tokens,
                completion_tokens=exchange.completion_tokens,
                retries=self.retries,
                truncated=exchange.truncated,
            ),
        )

    def kept(self) -> Reply | None:
        """The next best thing that the tries brought: a part of an answer, or reasoning alone."""
        if self._kept is None:
            return None
        backend, text, truncated = self._kept
        call = Call(
            node=self.node,
            provider=backend.endpoint.provider,
            model=backend.model,
            address=backend.wire.host,
            seconds=0.0,
            retries=self.retries,
            truncated=truncated,
        )
        return Reply(text, call)

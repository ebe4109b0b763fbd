"""What callers with the key are told of the model and its backends."""

from dataclasses import dataclass
from typing import Self

from nodes.llm.backend import Backend


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What `/capabilities` tells of the model. `context_length` is in tokens."""

    provider: str
    model: str
    context_length: int
    note: str


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """What `/health` tells of one address: `dialect` is what it was found not to take."""

    provider: str
    address: str
    model: str
    context_length: int
    answers: bool
    resting: bool
    in_flight: int
    json_schema: bool | None
    dialect: list[str]

    @classmethod
    def of(cls, backend: Backend) -> Self:
        return cls(
            provider=backend.endpoint.provider,
            address=backend.wire.host,
            model=backend.model,
            context_length=backend.context_length,
            answers=backend.answered_at > float("-inf") and not backend.refusing,
            resting=backend.breaker.resting,
            in_flight=backend.in_flight,
            json_schema=backend.honours_schema,
            dialect=backend.knowledge.dialect.told(),
        )

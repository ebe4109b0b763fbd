"""What every wire format has in common."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from nodes.state import Request, Result


class WireRequest(BaseModel):
    """A body as it is sent. Strings are strings: a number in their place is an error.

    What is not known is ignored: callers of other versions send more.
    """

    model_config = ConfigDict(strict=True, extra="ignore")

    @abstractmethod
    def to_request(self, deadline: float) -> Request:
        """The same as the machines see it; `deadline` on the clock of `time.monotonic()`."""


Sent = TypeVar("Sent", bound=WireRequest)


class WireResponse(BaseModel, Generic[Sent]):
    """A body as it is answered."""

    @classmethod
    @abstractmethod
    def from_result(cls, request: Sent, result: Result) -> Self:
        """The answer in the form that this request was asked in."""


@dataclass(frozen=True, slots=True)
class Form:
    """`fits` tells by the shape of a JSON object whether it means this form."""

    request: type[WireRequest]
    response: type[WireResponse[Any]]
    fits: Callable[[Mapping[str, object]], bool]
    summary: str
    example: Mapping[str, object]


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("String should not contain the NUL character")
    return value


def not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("String should not be blank")
    return value


NotBlank = Annotated[
    str, AfterValidator(not_blank), Field(min_length=1, json_schema_extra={"pattern": r"\S"})
]

Cid = Annotated[
    str,
    Field(
        max_length=100,
        description="names the user and the conversation; empty: answered without memory",
        json_schema_extra={"pattern": r"^[^\u0000]*$"},
    ),
    AfterValidator(_no_nul),
]


def text(value: str) -> str:
    """`value` as every store and encoder takes it: without NUL and halves of surrogate pairs."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()

"""What is said to the model, what it answers, and the record of a call."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel

from settings import Provider

Role = Literal["system", "user", "assistant"]
Truncation = Literal["", "length", "deadline", "connection", "filtered"]
JsonSchema = dict[str, Any]

TOKENS_PER_MESSAGE = 8  # what a chat template adds to each message
MIN_ANSWER_TOKENS = 64  # a shorter answer helps nobody, however little time or room is left


class Turn(BaseModel, frozen=True):
    """One message of a conversation with the model.

    `recalled` marks what was said in earlier requests: a call can do without it.
    """

    role: Role
    content: str
    recalled: bool = False

    @cached_property
    def most_tokens(self) -> int:
        """What no tokenizer exceeds: a token for each byte, and what a template adds."""
        return len(self.content.encode(errors="replace")) + TOKENS_PER_MESSAGE


class Call(BaseModel, frozen=True):
    """One answered model call, for metrics: tokens, seconds, and whether it went as planned.

    `address` is host and port of the backend that answered; `retries` counts the failed tries
    before it, on any backend.
    """

    node: str
    provider: Provider
    model: str
    seconds: float
    address: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    retries: int = 0
    truncated: Truncation = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's text, and the record of the call that brought it."""

    text: str
    call: Call

    @property
    def truncated(self) -> Truncation:
        """Why the text ends before its end: `""` if it does not.

        `length`: at the token limit; `deadline`: time ran out; `connection`: the backend broke
        off; `filtered`: the provider's content filter cut it, so that it must not be voted with.
        """
        return self.call.truncated

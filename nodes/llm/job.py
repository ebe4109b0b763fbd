"""One question to the model, over all its tries."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from nodes.errors import BackendUnavailable
from nodes.llm.backend import PER_MESSAGE, Answer, Backend, JsonSchema
from nodes.llm.backend_errors import Interrupted
from nodes.state import Call, Role, Truncation, Turn

RESERVE = 0.6  # seconds kept for what comes after the last model call
TEMPLATE_TOKENS = 64  # what chat templates add to a prompt of their own, such as a date
FEWEST_TOKENS = 64  # a shorter answer helps nobody, however little time or room is left


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's text, and the record of the call that brought it."""

    text: str
    call: Call

    @property
    def truncated(self) -> Truncation:
        return self.call.truncated


@dataclass(slots=True)
class Job:
    """One call to `Model.ask`, and what its failed attempts left.

    `limit` is in tokens of the answer; with thoughts before it, there are `most` at most.
    """

    node: str
    turns: Sequence[Turn]
    messages: Sequence[BaseMessage]
    deadline: float
    limit: int
    most: int
    temperature: float
    schema: JsonSchema | None
    keep_partial: bool
    shown: bool
    partial: str = ""
    partial_from: Backend | None = None
    retries: int = 0

    @property
    def last_moment(self) -> float:
        return self.deadline - RESERVE

    def deliverable(self, backend: Backend, left: float) -> int:
        """As many tokens as `backend` can deliver in `left` seconds, as far as is known."""
        limit = min(self.limit + backend.thinking.allowance, self.most)
        deliverable = backend.pace.deliverable(left)
        if deliverable is None:
            return limit
        return max(min(limit, deliverable), min(FEWEST_TOKENS, limit))

    def waits_for(self, backend: Backend) -> bool:
        """Whether silence says nothing of `backend`, whose thoughts this call does not hear."""
        return backend.thinking.allowance > 0 and not self.keep_partial

    def note_failure(self, backend: Backend, error: BackendUnavailable) -> None:
        self.retries += 1
        if isinstance(error, Interrupted) and len(error.partial) > len(self.partial):
            self.partial, self.partial_from = error.partial, backend

    def reply(self, backend: Backend, answer: Answer) -> Reply:
        call = Call(
            node=self.node,
            provider=backend.endpoint.provider,
            model=backend.model,
            seconds=answer.seconds,
            prompt_tokens=answer.prompt_tokens,
            cached_tokens=answer.cached_tokens,
            completion_tokens=answer.completion_tokens,
            retries=self.retries,
            truncated=answer.truncated,
        )
        return Reply(answer.text, call)

    def partial_reply(self) -> Reply:
        if self.partial_from is None:
            raise ValueError("no part of an answer has come")
        return self.reply(self.partial_from, Answer(self.partial, "connection", 0, 0, 0, 0.0))


def most_tokens(turns: Sequence[Turn]) -> int:
    """What no tokenizer exceeds: a token for each byte."""
    return sum(len(turn.content.encode(errors="replace")) + PER_MESSAGE for turn in turns)


def message_of(turn: Turn) -> BaseMessage:
    kinds: dict[Role, type[BaseMessage]] = {
        "system": SystemMessage,
        "user": HumanMessage,
        "assistant": AIMessage,
    }
    return kinds[turn.role](turn.content)

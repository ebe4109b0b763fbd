"""What enters a machine, what it works on, and what comes out."""

import operator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Feedback(Frozen):
    """One fault found in an output, and what to do about it."""

    problem: str
    suggestion: str


class PreviousOutput(Frozen):
    """What an earlier component of the caller's chain gave back."""

    component: str = ""
    task: str = ""
    queries: list[str] = []
    immediate_response: str = ""
    notebook: str = ""


class Applied(Frozen):
    """What became of one change to the playbook."""

    action: Literal["insert", "update", "delete"]
    node_id: str
    success: bool
    message: str
    content: str | None = None


class Call(Frozen):
    """One answered model call, for metrics: tokens, seconds, and whether it went as planned."""

    node: str
    provider: str
    model: str
    seconds: float
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    retries: int = 0
    truncated: Literal["", "length", "deadline"] = ""


class Request(BaseModel):
    """A request as the machines see it, whichever wire format it came in."""

    cid: str = "studio"
    task: str = ""
    queries: list[str] = []
    output: str = Field("", description="what feedback criticises and refine revises")
    feedbacks: list[Feedback] = []
    previous_outputs: list[PreviousOutput] = []
    use_conversation_history: bool = True
    use_playbook: bool = True
    deadline: float | None = Field(
        None, description="on the clock of time.monotonic(); the settings decide where unset"
    )


class Result(BaseModel):
    """What every machine leaves for the server; each fills the fields of its component."""

    answer: str = ""
    feedbacks: list[Feedback] = []
    applied: list[Applied] = []
    strategy: str = ""
    rounds: int = 0
    stopped_by_deadline: bool = False
    fallback: str = Field("", description="what stood in for the planned way, if anything did")
    calls: Annotated[list[Call], operator.add] = []

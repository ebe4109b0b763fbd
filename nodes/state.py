"""What enters a machine, what it works on, and what comes out.

Each state has a `TypedDict` beside it: what a node of that machine may return, checked by mypy.
"""

import operator
from collections.abc import Sequence
from typing import Annotated, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from memory import Entry
from nodes.answers import FinalAnswer
from nodes.llm.turns import Call, Role, Truncation, Turn
from nodes.preferences.grounding import Grounded
from settings import Strategy

__all__ = ["Call", "Role", "Truncation", "Turn"]  # of the model client, and part of every state

PlaybookAction = Literal["insert", "update", "delete"]
Halt = Literal["", "deadline", "failure"]

NO_UPDATE = "no update"  # what stands in place of a document where there is none
LONGEST_RESPONSE = 50_000  # characters, as those of a document
LONGEST_NOTEBOOK = 100_000
PREFERENCES = (
    "The user's preferences, to be followed wherever they apply; where two contradict, the later "
    "one holds:"
)


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

    @property
    def carries_document(self) -> bool:
        """Whether there is a document in it; `human_feedback` puts its actions there."""
        text = self.notebook.strip()
        return bool(text) and text.lower() != NO_UPDATE and self.component != "human_feedback"


class Applied(Frozen):
    """What became of one change to the playbook."""

    action: PlaybookAction
    node_id: str
    success: bool
    message: str
    content: str | None = None


class Timing(Frozen):
    """How long one step took, in seconds."""

    node: str
    seconds: float


class Options(Frozen):
    """How a run is made, beside what it is asked."""

    strategy: Literal["auto", Strategy] | None = Field(
        None, description="how complete seeks its answer; COMPLETE_STRATEGY where unset"
    )
    samples: int | None = Field(
        None, ge=2, le=15, description="samples drawn by `vote`; VOTE_SAMPLES where unset"
    )
    playbook: bool = Field(True, description="whether the user's preferences are put in")


class Request(BaseModel):
    """A request as the machines see it, whichever wire format it came in."""

    cid: str = "studio"
    task: str = ""
    queries: list[str] = []
    output: str = Field("", description="what feedback criticises and refine revises")
    feedbacks: list[Feedback] = []
    previous_outputs: list[PreviousOutput] = []
    history: list[Turn] = Field(
        [], description="what was said before; what is remembered where there is none"
    )
    instructions: str = Field("", description="how to answer this request")
    use_conversation_history: bool = True
    use_playbook: bool = True
    canvas: bool = Field(
        False, description="the caller keeps a document beside the answer, as unified callers do"
    )
    output_is_document: bool = Field(False, description="the output under work is such a document")
    deadline: float | None = Field(
        None, description="on the clock of time.monotonic(); the settings decide where unset"
    )

    @property
    def question(self) -> str:
        """The task and the queries, as one text to rank by or to look for options in."""
        return "\n".join([self.task, *self.queries])

    @property
    def documents(self) -> list[str]:
        """The documents that came with it, oldest first."""
        return [output.notebook for output in self.previous_outputs if output.carries_document]


class Result(BaseModel):
    """What every machine leaves for the server; each fills the fields of its component.

    `document` is set where a machine knows that its result is one; else it is read off the answer.
    """

    answer: str = ""
    document: str = ""
    feedbacks: list[Feedback] = []
    applied: list[Applied] = []
    strategy: str = ""
    rounds: int = 0
    truncated: Truncation = Field("", description="why the answer ends before its end, if it does")
    halted: Halt = Field("", description="why an optional step was left out, if one was")
    fallbacks: Annotated[list[str], operator.add] = Field(
        [], description="what stood in for the planned way, in the order it happened"
    )
    cut: list[str] = Field([], description="parts of the prompt shortened to fit the window")
    preferences: list[str] = Field([], description="what the user was known to prefer")
    calls: Annotated[list[Call], operator.add] = []
    timings: Annotated[list[Timing], operator.add] = []

    @property
    def stopped_by_deadline(self) -> bool:
        """Whether more time could have brought a better answer."""
        return "deadline" in (self.truncated, self.halted)


class Sample(Frozen):
    """One solution of a task, and its final answers: one for each query, or none."""

    text: str
    answers: list[FinalAnswer] = []
    truncated: Truncation = ""


class Tally(Frozen):
    """The votes of the samples for their final answers.

    `leader` is the first sample with the most frequent one; `None` while most samples have none.
    `decided` tells that no further sample is wanted.
    """

    leader: int | None = None
    left: int = Field(0, description="how many more samples may be drawn")
    decided: bool = False


class State(Request, Result):
    """What all machines work on: the request, the result, and what was recalled for it."""

    prompt: list[Turn] = Field([], description="the conversation with the model so far")


class Update(TypedDict, total=False):
    """What any node may change; `fallbacks`, `calls` and `timings` are appended to."""

    deadline: float | None
    preferences: list[str]
    history: list[Turn]
    prompt: list[Turn]
    answer: str
    document: str
    strategy: str
    rounds: int
    truncated: Truncation
    halted: Halt
    fallbacks: list[str]
    cut: list[str]
    calls: list[Call]


class CompleteState(State):
    samples: list[Sample] = []
    tally: Tally = Tally()
    vote_until: float = Field(0.0, description="when the vote ends, on the deadline's clock")
    fault: str = Field("", description="what the check found wrong with the answer")
    candidate: str = Field("", description="a revised answer that has not won yet")
    replaced: bool = Field(False, description="the candidate won the comparison")


class CompleteUpdate(Update, total=False):
    samples: list[Sample]
    tally: Tally
    vote_until: float
    fault: str
    candidate: str
    replaced: bool


class FeedbackState(State):
    critique: str = ""


class FeedbackUpdate(Update, total=False):
    critique: str
    feedbacks: list[Feedback]


class RefineState(State):
    candidate: str = Field("", description="the newest revision")
    still_open: list[int] = Field([], description="indexes of the feedbacks it left open")
    fewest_open: int | None = Field(None, description="open feedbacks of the best revision so far")
    improved: bool = Field(False, description="a revision has taken the place of the output")
    changed: bool = Field(True, description="the newest revision differs from the one before")


class RefineUpdate(Update, total=False):
    candidate: str
    still_open: list[int]
    fewest_open: int | None
    improved: bool
    changed: bool


class HumanFeedbackState(State):
    known: list[Entry] = []
    grounded: Grounded | None = Field(None, description="unset while nothing could be read")


class HumanFeedbackUpdate(Update, total=False):
    known: list[Entry]
    grounded: Grounded | None
    applied: list[Applied]


class SummaryState(State):
    pieces: list[str] = Field([], description="the material, cut up where it exceeds the window")
    notes: list[str] = Field([], description="what matters in each piece")


class SummaryUpdate(Update, total=False):
    pieces: list[str]
    notes: list[str]


class AggregateState(State):
    counted: bool = Field(False, description="final answers could be read and counted")


class AggregateUpdate(Update, total=False):
    counted: bool


class SearchHit(Frozen):
    """One result of a web search."""

    title: str
    address: str
    snippet: str


class SearchState(State):
    hits: list[SearchHit] = []


class SearchUpdate(Update, total=False):
    hits: list[SearchHit]


def preferences_listed(preferences: Sequence[str]) -> str:
    """The preferences as they stand in a prompt; empty where there are none."""
    if not preferences:
        return ""
    listed = "\n".join(f"- {' '.join(line.split())}" for line in preferences)
    return f"{PREFERENCES}\n{listed}"

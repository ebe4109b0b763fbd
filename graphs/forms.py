"""What Studio asks for each machine, and what it tells of the result.

The fields are those of `nodes.state.Request` that the machine reads, and of `nodes.state.Result`
that it fills.
"""

import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from nodes.state import Applied, Feedback, Options, PreviousOutput, Request

LONGEST_SECONDS = 600

Task = Annotated[
    str, Field(min_length=1, description="what is asked", examples=["What is 6 times 7?"])
]
Queries = Annotated[
    list[str], Field(description="what the task is about, one or more", examples=[["Think first."]])
]
Output = Annotated[str, Field(min_length=1, description="the answer under work", examples=["41"])]
_EARLIER = [{"component": "complete", "immediate_response": "Answer: 42"}]
PreviousOutputs = Annotated[
    list[PreviousOutput], Field(description="earlier outputs", examples=[_EARLIER])
]


class Input(BaseModel):
    """Unknown names are refused: LangGraph by itself would leave them out unsaid."""

    model_config = ConfigDict(extra="forbid")

    cid: str = Field("studio", description="whose playbook and conversation it is")
    deadline: float | None = Field(
        None,
        gt=0,
        le=LONGEST_SECONDS,
        description="seconds from now until the answer; DEADLINE_SECONDS where unset",
    )
    use_conversation_history: bool = Field(True, description="read and go on with the conversation")

    def to_request(self) -> Request:
        """The same as the machines see it, its deadline on the clock of `time.monotonic()`."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        if self.deadline is not None:
            fields["deadline"] = time.monotonic() + self.deadline
        return Request.model_validate(fields)


class CompleteInput(Input):
    task: Task
    queries: Queries = []
    previous_outputs: PreviousOutputs = []
    instructions: str = Field("", description="how to answer this time", examples=["In rhyme."])


class FeedbackInput(Input):
    task: Task
    output: Output
    queries: Queries = []


class RefineInput(FeedbackInput):
    feedbacks: list[Feedback] = Field(
        [],
        description="what is wrong with it; of none, the revision has only to be better",
        examples=[[{"problem": "It is wrong.", "suggestion": "Multiply again."}]],
    )


class HumanFeedbackInput(Input):
    queries: list[str] = Field(
        min_length=1, description="what the person says", examples=[["Always answer in French."]]
    )


class SearchInput(Input):
    queries: list[str] = Field(
        min_length=1, description="what to look up", examples=[["Who won in 2022?"]]
    )
    task: str = Field("", description="what to do with what is found")


class SummaryInput(Input):
    previous_outputs: PreviousOutputs = Field(min_length=1)
    task: str = Field("", description="what the summary is for", examples=["Sum it up."])


class AggregateInput(Input):
    task: Task
    previous_outputs: PreviousOutputs = Field(min_length=1)
    queries: Queries = []


class AnswerOutput(BaseModel):
    """The rest of the state stands beside these."""

    answer: str = Field(description="the answer")
    strategy: str = Field(description="how it was sought")
    rounds: int = Field(description="rounds of writing and looking again")
    preferences: list[str] = Field(description="what the user was known to prefer")
    fallbacks: list[str] = Field(description="what stood in for the planned way")


class FeedbackOutput(AnswerOutput):
    feedbacks: list[Feedback] = Field(description="the faults that were found")


class HumanFeedbackOutput(AnswerOutput):
    applied: list[Applied] = Field(description="what became of each change to the playbook")


# What is asked, what is told, and what of a run may be chosen beside them.
FORMS: dict[str, tuple[type[Input], type[AnswerOutput], type[Options] | None]] = {
    "complete": (CompleteInput, AnswerOutput, Options),
    "feedback": (FeedbackInput, FeedbackOutput, Options),
    "refine": (RefineInput, AnswerOutput, Options),
    "human_feedback": (HumanFeedbackInput, HumanFeedbackOutput, None),
    "internet_search": (SearchInput, AnswerOutput, Options),
    "summary": (SummaryInput, AnswerOutput, Options),
    "aggregate": (AggregateInput, AnswerOutput, Options),
}

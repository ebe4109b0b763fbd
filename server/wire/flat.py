"""The flat generation: one string in, one string out."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from nodes import state
from server.wire.form import Cid, Form, NotBlank, WireRequest, WireResponse, text

Task = Annotated[str, Field(max_length=10_000, description="what is asked")]
Input = Annotated[str, Field(max_length=100_000, description="what the task is about")]
Output = Annotated[str, Field(max_length=100_000, description="the answer under work")]


class CompleteRequest(WireRequest):
    cid: Cid
    task: Task
    input: Input

    def to_request(self, deadline: float) -> state.Request:
        return state.Request(
            cid=self.cid,
            task=text(self.task),
            queries=[text(self.input)],
            use_conversation_history=bool(self.cid),
            use_playbook=bool(self.cid),
            deadline=deadline,
        )


class Action(BaseModel):
    """A further call that the caller may make."""

    task: str
    input: str


class CompleteResponse(WireResponse[CompleteRequest]):
    response: str
    actions: list[Action] = Field(default=[], description="follow-ups; none is normal")

    @classmethod
    def from_result(cls, request: CompleteRequest, result: state.Result) -> Self:
        return cls(response=text(result.answer))


class FeedbackRequest(CompleteRequest):
    output: Output

    def to_request(self, deadline: float) -> state.Request:
        asked = super().to_request(deadline)
        return asked.model_copy(update={"output": text(self.output)})


class FeedbackItem(BaseModel):
    model_config = ConfigDict(strict=True)

    problem: str
    suggestion: str

    @classmethod
    def of(cls, feedback: state.Feedback) -> Self:
        return cls(problem=text(feedback.problem), suggestion=text(feedback.suggestion))


class FeedbackResponse(WireResponse[FeedbackRequest]):
    feedbacks: list[FeedbackItem] = Field(description="at least one")

    @classmethod
    def from_result(cls, request: FeedbackRequest, result: state.Result) -> Self:
        return cls(feedbacks=[FeedbackItem.of(feedback) for feedback in result.feedbacks])


class RefineRequest(FeedbackRequest):
    feedbacks: list[FeedbackItem] = Field(max_length=50)

    def to_request(self, deadline: float) -> state.Request:
        feedbacks = [
            state.Feedback(problem=text(item.problem), suggestion=text(item.suggestion))
            for item in self.feedbacks
        ]
        return super().to_request(deadline).model_copy(update={"feedbacks": feedbacks})


class RefineResponse(WireResponse[RefineRequest]):
    output: str

    @classmethod
    def from_result(cls, request: RefineRequest, result: state.Result) -> Self:
        return cls(output=text(result.answer))


class HumanFeedbackRequest(WireRequest):
    cid: Cid
    human_feedback: NotBlank = Field(
        max_length=10_000, description="what the user says of the answers"
    )

    def to_request(self, deadline: float) -> state.Request:
        return state.Request(cid=self.cid, queries=[text(self.human_feedback)], deadline=deadline)


class AppliedAction(BaseModel):
    """What became of one change to the user's playbook."""

    action: Literal["insert", "update", "delete"]
    node_id: str
    success: bool
    message: str
    content: str | None = Field(default=None, description="the preference as it now stands")

    @classmethod
    def of(cls, applied: state.Applied) -> Self:
        return cls(
            action=applied.action,
            node_id=applied.node_id,
            success=applied.success,
            message=text(applied.message),
            content=None if applied.content is None else text(applied.content),
        )


class HumanFeedbackResponse(WireResponse[HumanFeedbackRequest]):
    status: Literal["success"] = "success"
    message: str
    actions_applied: list[AppliedAction]

    @classmethod
    def from_result(cls, request: HumanFeedbackRequest, result: state.Result) -> Self:
        return cls(
            message=text(result.answer),
            actions_applied=[AppliedAction.of(applied) for applied in result.applied],
        )


def _input_is_text(body: Mapping[str, object]) -> bool:
    return isinstance(body.get("input"), str)


def _has_human_feedback(body: Mapping[str, object]) -> bool:
    return "human_feedback" in body


_ASKED = {
    "cid": "test-123",
    "task": "What is machine learning?",
    "input": "Explain in simple terms",
}
_ANSWERED = {**_ASKED, "output": "Machine learning is when computers learn from data."}

FORMS: Mapping[str, Form] = {
    "complete": Form(
        CompleteRequest, CompleteResponse, _input_is_text, "Answer a task", example=_ASKED
    ),
    "feedback": Form(
        FeedbackRequest, FeedbackResponse, _input_is_text, "Criticise an output", example=_ANSWERED
    ),
    "refine": Form(
        RefineRequest,
        RefineResponse,
        _input_is_text,
        "Revise an output",
        example={
            **_ANSWERED,
            "feedbacks": [{"problem": "It lacks an example.", "suggestion": "Add one."}],
        },
    ),
    "human_feedback": Form(
        HumanFeedbackRequest,
        HumanFeedbackResponse,
        _has_human_feedback,
        "Learn what a user prefers",
        example={"cid": "test-123", "human_feedback": "I only want answers in French."},
    ),
}

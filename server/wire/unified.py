"""The unified generation: one shape for seven components, with documents handed along a chain."""

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from graphs.registry import output_of
from nodes import state
from nodes.state import LONGEST_NOTEBOOK, LONGEST_RESPONSE, NO_UPDATE
from server.wire.form import Cid, Form, NotBlank, WireRequest, WireResponse, text

MOST_VALUES = 1_000
"""What an item may hold under names that are not known; they are echoed."""

REVIEWS = frozenset({"feedback", "human_feedback"})  # what these say is about other outputs


Query = Annotated[NotBlank, Field(max_length=10_000)]
Work = Annotated[str, Field(max_length=100_000)]
Flag = Annotated[bool, Field(strict=False)]
"""Also what other languages and forms make of a flag: `"true"`, `1`, `"no"`."""


def _one_of_the_names(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [
        {"required": [name], "properties": {name: {"type": "string", "minLength": 1}}}
        for name in schema["properties"]
    ]


class Item(BaseModel):
    """One thing asked, under the name the contract gives it or one the network's guide shows."""

    model_config = ConfigDict(strict=True, extra="allow", json_schema_extra=_one_of_the_names)

    user_query: Query | None = None
    original_output: Work | None = Field(None, description="for refine: the output to revise")
    feedback: Query | None = Field(None, description="for refine: what is wrong with it")
    output_to_analyze: Work | None = Field(None, description="for feedback: the output to review")
    feedback_text: Query | None = Field(None, description="for human_feedback: what the user says")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not (self.asked or self.said or self.work):
            raise ValueError("Item should have a user_query")
        return self

    @model_validator(mode="after")
    def _can_be_echoed(self) -> Self:
        values: list[Any] = list((self.model_extra or {}).values())
        for value in values:
            match value:
                case dict():
                    values += value.values()
                case list():
                    values += value
                case float() if not math.isfinite(value):
                    raise ValueError("Item should have no number beyond what a double can hold")
            if len(values) > MOST_VALUES:
                raise ValueError(f"Item should have at most {MOST_VALUES} values of other names")
        return self

    @property
    def asked(self) -> str:
        return text(self.user_query or self.feedback_text or "")

    @property
    def said(self) -> str:
        return text(self.feedback or "")

    @property
    def work(self) -> str:
        return text(self.original_output or self.output_to_analyze or "")


class Output(BaseModel):
    """`notebook` is the document being worked on, or `no update`."""

    model_config = ConfigDict(strict=True)

    immediate_response: str = Field("", max_length=LONGEST_RESPONSE)
    notebook: str = Field(NO_UPDATE, max_length=LONGEST_NOTEBOOK)


class PreviousOutput(BaseModel):
    """An earlier response, as it came."""

    model_config = ConfigDict(strict=True, extra="ignore")

    task: str = Field("", max_length=1_000)
    input: list[dict[str, Any]] = Field([], max_length=50)
    output: Output
    component: str = Field("", max_length=50)

    def to_state(self) -> state.PreviousOutput:
        return state.PreviousOutput(
            component=text(self.component),
            task=text(self.task),
            queries=[query for query in map(_asked_of, self.input) if query],
            immediate_response=text(self.output.immediate_response),
            notebook=text(self.output.notebook),
        )


class UnifiedRequest(WireRequest):
    cid: Cid
    task: str = Field(max_length=1_000)
    input: list[Item] = Field(min_length=1, max_length=50)
    previous_outputs: list[PreviousOutput] = Field([], max_length=20)
    use_conversation_history: Flag = True
    use_playbook: Flag = True

    def to_request(self, deadline: float) -> state.Request:
        return state.Request(
            cid=self.cid,
            task=text(self.task),
            queries=self._queries(),
            previous_outputs=[output.to_state() for output in self.previous_outputs],
            use_conversation_history=self.use_conversation_history and bool(self.cid),
            use_playbook=self.use_playbook and bool(self.cid),
            canvas=True,
            deadline=deadline,
        )

    def _queries(self) -> list[str]:
        """What the items ask, whatever name it came under."""
        return [part for item in self.input for part in (item.asked, item.said, item.work) if part]

    def _work(self) -> str:
        return "\n\n".join(item.work for item in self.input if item.work)


class UnifiedFeedbackRequest(UnifiedRequest):
    """The outputs to review are the one given and the previous ones."""

    def to_request(self, deadline: float) -> state.Request:
        return super().to_request(deadline).model_copy(update={"output": self._work()})

    def _queries(self) -> list[str]:
        return [part for item in self.input for part in (item.asked, item.said) if part]


class UnifiedRefineRequest(UnifiedRequest):
    """The output under work is the one given, else the latest that is no review of others."""

    def to_request(self, deadline: float) -> state.Request:
        asked = super().to_request(deadline)
        given = self._work()
        work, is_document = (given, False) if given else _latest(asked)
        said = [item.said for item in self.input if item.said]
        said += [words for output in asked.previous_outputs for words in _said_of_others(output)]
        return asked.model_copy(
            update={
                "output": work,
                "output_is_document": is_document,
                "feedbacks": [state.Feedback(problem=each, suggestion="") for each in said],
            }
        )

    def _queries(self) -> list[str]:
        return [item.asked for item in self.input if item.asked]


class UnifiedResponse(WireResponse[UnifiedRequest]):
    """The request echoed, and the output of the component."""

    COMPONENT: ClassVar[str]

    cid: str
    task: str
    input: list[dict[str, Any]]
    output: Output
    component: str

    @classmethod
    def from_result(cls, request: UnifiedRequest, result: state.Result) -> Self:
        made = output_of(cls.COMPONENT, request.to_request(0.0), result)
        # The machines work on documents without NUL; one handed on is given back as it came.
        came = {
            text(each.output.notebook): each.output.notebook for each in request.previous_outputs
        }
        notebook = came.get(made.notebook) or text(made.notebook)
        return cls._echo(request, text(made.immediate_response), notebook)

    @classmethod
    def _echo(cls, request: UnifiedRequest, immediate_response: str, notebook: str) -> Self:
        return cls(
            cid=request.cid,
            task=request.task,
            input=[item.model_dump(exclude_unset=True) for item in request.input],
            output=Output(immediate_response=immediate_response, notebook=notebook),
            component=cls.COMPONENT,
        )


class UnifiedHumanFeedbackResponse(UnifiedResponse):
    COMPONENT = "human_feedback"

    @classmethod
    def from_result(cls, request: UnifiedRequest, result: state.Result) -> Self:
        actions = [applied.model_dump(exclude_none=True) for applied in result.applied]
        return cls._echo(request, text(result.answer), _as_json(actions))


def _as_json(actions: list[dict[str, Any]]) -> str:
    """The actions as JSON within a notebook's limit; the texts they carry go first."""
    written = json.dumps(actions, ensure_ascii=False)
    if len(written) <= LONGEST_NOTEBOOK:
        return written
    return json.dumps([{**action, "content": None} for action in actions], ensure_ascii=False)


def _asked_of(item: Mapping[str, Any]) -> str:
    found = item.get("user_query") or item.get("feedback_text")
    return text(found) if isinstance(found, str) else ""


def _said_of_others(output: state.PreviousOutput) -> list[str]:
    """What an earlier output says of the others: a critique, or what a person said."""
    if output.component == "feedback" and output.immediate_response.strip():
        return [output.immediate_response]
    return output.queries if output.component == "human_feedback" else []


def _latest(asked: state.Request) -> tuple[str, bool]:
    """The output to revise, and whether it is a document; a review may hand one on, too."""
    for output in reversed(asked.previous_outputs):
        if output.carries_document:
            return output.notebook, True
        if output.component not in REVIEWS and output.immediate_response.strip():
            return output.immediate_response, False
    return "", False


def _input_is_list(body: Mapping[str, object]) -> bool:
    return isinstance(body.get("input"), list)


def _response(component: str) -> type[UnifiedResponse]:
    base = UnifiedHumanFeedbackResponse if component == "human_feedback" else UnifiedResponse
    name = "".join(word.title() for word in component.split("_"))
    return type(f"Unified{name}Response", (base,), {"COMPONENT": component, "__module__": __name__})


_ASKED = {
    "cid": "test-123",
    "task": "Answer the user",
    "input": [{"user_query": "What is machine learning?"}],
    "previous_outputs": [],
    "use_conversation_history": True,
    "use_playbook": True,
}
_EARLIER = {
    "task": "Answer the user",
    "input": [{"user_query": "What is 6 times 7?"}],
    "output": {"immediate_response": "Answer: 42", "notebook": NO_UPDATE},
    "component": "complete",
}
_CHAINED = {**_ASKED, "previous_outputs": [_EARLIER, _EARLIER]}

_SUMMARIES: Mapping[str, str] = {
    "complete": "Answer a task",
    "feedback": "Criticise outputs",
    "refine": "Revise an output",
    "human_feedback": "Learn what a user prefers",
    "internet_search": "Search the web and answer from what was found",
    "summary": "Summarise earlier outputs",
    "aggregate": "Let earlier answers vote",
}
_REQUESTS: Mapping[str, type[UnifiedRequest]] = {
    "feedback": UnifiedFeedbackRequest,
    "refine": UnifiedRefineRequest,
}
_ALONE = frozenset({"complete", "human_feedback", "internet_search"})

FORMS: Mapping[str, Form] = {
    component: Form(
        _REQUESTS.get(component, UnifiedRequest),
        _response(component),
        _input_is_list,
        summary,
        example=_ASKED if component in _ALONE else _CHAINED,
    )
    for component, summary in _SUMMARIES.items()
}

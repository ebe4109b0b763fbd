"""OpenAI's chat form: its requests, answers, chunks and list of models.

https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from nodes import state
from server.wire.form import Cid, text

LONGEST_TURN = 100_000
MOST_TURNS = 1_000
REMEMBER = "/remember "
IMPROVE = "Improve this text."
INSTRUCTING = frozenset({"system", "developer"})

Strategy = Literal["draft", "check", "vote"]
Role = Literal["system", "developer", "user", "assistant", "tool", "function"]


def _plain(content: object) -> object:
    """The text of a content; of a list of parts these joined."""
    if content is None:
        return ""
    return "".join(map(_text_of, content)) if isinstance(content, list) else content


def _text_of(part: object) -> str:
    match part:
        case {"type": "text", "text": str(said)} | {"type": "refusal", "refusal": str(said)}:
            return said
    raise ValueError("Parts should be {type: text, text: string}: this miner reads text alone")


_PART = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
}
_CONTENT = {
    "anyOf": [
        {"type": "string", "maxLength": LONGEST_TURN},
        {"type": "array", "items": _PART},
        {"type": "null"},
    ]
}
Content = Annotated[
    str, Field(max_length=LONGEST_TURN), BeforeValidator(_plain), WithJsonSchema(_CONTENT)
]


def _only_text(wanted: object) -> object:
    if wanted is None or (isinstance(wanted, dict) and wanted.get("type") == "text"):
        return None
    raise ValueError("Only {type: text} is answered: no schema is kept to")


def _only_free(choice: object) -> object:
    if choice in (None, "none", "auto"):
        return None
    raise ValueError("Only auto or none: this miner calls no tools")


class ChatTurn(BaseModel):
    """One turn. Those of `tool` and `function` are read as the user's."""

    model_config = ConfigDict(strict=True, extra="ignore")

    role: Role = Field(description="`system` and `developer` instruct this call alone")
    content: Content = Field("", description="a text, or a list of parts that are texts")


class StreamOptions(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    include_usage: bool | None = Field(None, description="end with a chunk that has the usage")


class ChatRequest(BaseModel):
    """A chat. What is not named here (`temperature`, `max_tokens`, `tools`, …) has no effect."""

    model_config = ConfigDict(strict=True, extra="ignore")

    model: str = Field(description="one of those that GET /v1/models lists")
    messages: list[ChatTurn] = Field(
        min_length=1,
        max_length=MOST_TURNS,
        description="the last turn, a user's, is the task; those before it are its history",
    )
    stream: bool | None = Field(None, description="answer with chunks as Server-Sent Events")
    stream_options: StreamOptions | None = Field(None, description="with `stream` alone")
    n: Literal[1] | None = Field(None, description="one answer is given")
    user: Cid | None = Field(
        None,
        description="whose playbook and conversation are used; else the header X-User-Id; else "
        "X-OpenWebUI-User-Id or X-OpenWebUI-User-Email, for the playbook alone; else none",
    )
    response_format: Annotated[
        None,
        BeforeValidator(_only_text),
        WithJsonSchema({"anyOf": [{"type": "null"}, {"properties": {"type": {"const": "text"}}}]}),
    ] = Field(None, description="text alone")
    tool_choice: Annotated[
        None, BeforeValidator(_only_free), WithJsonSchema({"enum": [None, "none", "auto"]})
    ] = Field(None, description="no tool is called")

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def ends_with_user(self) -> bool:
        return bool(self._said()) and self._said()[-1].role == "user"

    @property
    def to_remember(self) -> str | None:
        """What follows `/remember ` at the beginning of the last turn; None without it."""
        said = self._said()[-1].content.lstrip()
        return said.removeprefix(REMEMBER) if said.startswith(REMEMBER) else None

    def to_request(self, component: str, caller: "Caller", deadline: float) -> state.Request:
        """The chat as the machine of `component` sees it."""
        *before, last = self._said()
        asked: dict[str, Any] = {"task": last.content}
        if component == "human_feedback":
            asked = {"task": "", "queries": [self.to_remember or ""]}
        elif component == "refine":
            asked = _revision(before, last.content)
        return state.Request(
            cid=caller.user,
            history=before,
            instructions="\n\n".join(
                text(turn.content) for turn in self.messages if turn.role in INSTRUCTING
            ),
            use_conversation_history=caller.has_conversation,
            use_playbook=bool(caller.user),
            deadline=deadline,
            **asked,
        )

    def _said(self) -> list[state.Turn]:
        return [
            state.Turn(
                role="assistant" if turn.role == "assistant" else "user",
                content=text(turn.content),
                recalled=True,
            )
            for turn in self.messages
            if turn.role not in INSTRUCTING
        ]


def _revision(before: list[state.Turn], said: str) -> dict[str, Any]:
    """The assistant's last turn is revised as the user now says; else what the user says itself."""
    answered = [place for place, turn in enumerate(before) if turn.role == "assistant"]
    if not answered:
        return {"task": IMPROVE, "output": said}
    asked = [turn.content for turn in before[: answered[-1]] if turn.role == "user"]
    return {
        "task": asked[-1] if asked else IMPROVE,
        "output": before[answered[-1]].content,
        "feedbacks": [state.Feedback(problem=said, suggestion="")],
    }


class Caller(BaseModel):
    """Whose playbook a chat uses, nobody's if `user` is empty, and whether the conversation too."""

    user: Cid
    has_conversation: bool


class CachedTokens(BaseModel):
    cached_tokens: int = Field(description="of the prompt tokens: already known to the backend")


class Usage(BaseModel):
    """Tokens of all model calls that the answer took."""

    prompt_tokens: int = Field(description="sent to the model")
    completion_tokens: int = Field(description="written by the model")
    total_tokens: int = Field(description="both together")
    prompt_tokens_details: CachedTokens = Field(description="more on the prompt tokens")

    @classmethod
    def of(cls, calls: Iterable[state.Call]) -> "Usage":
        calls = list(calls)
        asked = sum(call.prompt_tokens for call in calls)
        written = sum(call.completion_tokens for call in calls)
        return cls(
            prompt_tokens=asked,
            completion_tokens=written,
            total_tokens=asked + written,
            prompt_tokens_details=CachedTokens(
                cached_tokens=sum(call.cached_tokens for call in calls)
            ),
        )


FinishReason = Literal["stop", "length", "content_filter"]


def finish_reason(result: state.Result) -> FinishReason:
    """`length` for an answer that ends before its end, unless the provider's filter cut it."""
    if result.truncated == "filtered":
        return "content_filter"
    return "length" if result.truncated else "stop"


class Answer(BaseModel):
    role: Literal["assistant"] = Field("assistant", description="always the assistant")
    content: str = Field(description="the answer")


class Choice(BaseModel):
    index: int = Field(0, description="always 0")
    message: Answer = Field(description="the answer as a turn")
    finish_reason: FinishReason = Field(description="`length` if the answer was cut off")
    logprobs: None = Field(None, description="none are told")


class _Told(BaseModel):
    id: str = Field(description="names the answer; X-Request-ID with `chatcmpl-` before it")
    created: int = Field(description="seconds since 1970")
    model: str = Field(description="the model asked for")


class ChatCompletion(_Told):
    """An answer as a whole."""

    object: Literal["chat.completion"] = Field("chat.completion", description="what this is")
    choices: list[Choice] = Field(description="one")
    usage: Usage = Field(description="what the answer took")


class Delta(BaseModel):
    role: Literal["assistant"] | None = Field(None, description="in the first chunk")
    content: str | None = Field(None, description="a piece of the answer")


class ChunkChoice(BaseModel):
    index: int = Field(0, description="always 0")
    delta: Delta = Field(description="what is new")
    finish_reason: FinishReason | None = Field(None, description="in the last chunk of the answer")

    @classmethod
    def piece(cls, **delta: Any) -> "ChunkChoice":  # noqa: ANN401 - checked by the model
        return cls(index=0, delta=Delta(**delta), finish_reason=None)

    @classmethod
    def last(cls, reason: FinishReason) -> "ChunkChoice":
        return cls(index=0, delta=Delta(), finish_reason=reason)


class ChatCompletionChunk(_Told):
    """A piece of an answer."""

    object: Literal["chat.completion.chunk"] = Field(
        "chat.completion.chunk", description="what this is"
    )
    choices: list[ChunkChoice] = Field(description="one; none in the chunk with the usage")
    usage: Usage | None = Field(None, description="in the last chunk, where it was asked for")


class ChatModel(BaseModel):
    id: str = Field(description="what a chat names as its model")
    object: Literal["model"] = Field("model", description="what this is")
    created: int = Field(0, description="not known: 0")
    owned_by: str = Field(description="the name of the miner")


class ChatModels(BaseModel):
    object: Literal["list"] = Field("list", description="what this is")
    data: list[ChatModel] = Field(description="the models")

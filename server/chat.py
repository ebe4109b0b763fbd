"""OpenAI's chat API over the machines, for clients that know no other."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from graphs.registry import BY_SETTINGS, Machines, NodeEvent, Token
from nodes import state
from nodes.miner import Miner
from server import runs, sse
from server.context import context_of
from server.errors import ApiError, ChatErrorBody, FieldError
from server.openapi import body
from server.wire import chat
from server.wire.form import text
from server.wire.parse import read, validated

PATH = "/v1/chat/completions"
USER_HEADER = "X-User-Id"
# Open WebUI keeps its users' chats itself, and under the same names come its own calls for titles.
OPEN_WEBUI_HEADERS = ("X-OpenWebUI-User-Id", "X-OpenWebUI-User-Email")
DONE = sse.event("", b"[DONE]")


@dataclass(frozen=True, slots=True)
class ModelOf:
    """The machine that answers under the name of a model, and how."""

    component: str
    options: state.Options = BY_SETTINGS


MODELS: Mapping[str, ModelOf] = {
    "complete": ModelOf("complete"),
    "complete:draft": ModelOf("complete", state.Options(strategy="draft")),
    "complete:vote": ModelOf("complete", state.Options(strategy="vote")),
    "complete:check": ModelOf("complete", state.Options(strategy="check")),
    "refine": ModelOf("refine"),
    "internet_search": ModelOf("internet_search"),
}

UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": ChatErrorBody, "description": "There is no such model."}
}

ODD: dict[int | str, dict[str, Any]] = {
    422: {"model": ChatErrorBody, "description": "The name is wrong."}
}

routes = APIRouter(tags=["chat"])


@routes.get("/v1/models", summary="The models of the chat form")
async def list_models(request: Request) -> chat.ChatModels:
    """What a chat may name as its model: the components that make sense in one."""
    miner: Miner = request.state.miner
    owner = miner.settings.miner_name
    return chat.ChatModels(
        data=[chat.ChatModel(id=name, owned_by=owner) for name in _served(miner)]
    )


@routes.get("/v1/models/{model}", summary="One model of the chat form", responses=UNKNOWN | ODD)
async def read_model(
    request: Request, model: Annotated[str, Path(description="the name of a model")]
) -> chat.ChatModel:
    """The model of this name. Raises 404 where there is none."""
    miner: Miner = request.state.miner
    _found(miner, model)
    return chat.ChatModel(id=model, owned_by=miner.settings.miner_name)


@routes.post(
    PATH,
    summary="Answer a chat",
    openapi_extra=body(chat.ChatRequest),
    response_model=chat.ChatCompletion,
    responses=UNKNOWN,
)
async def chat_completions(request: Request) -> Response:
    """The last turn is answered; a chat that begins it with `/remember ` teaches the playbook."""
    context = context_of(request.scope)
    asked = read(chat.ChatRequest, runs.begin(request, "complete"))
    if not asked.ends_with_user:
        wrong = FieldError(field="messages", message="The last turn should be the user's")
        raise ApiError(422, "invalid_request", [wrong])
    found = _found(request.state.miner, asked.model)
    if asked.to_remember is not None:
        found = ModelOf("human_feedback")
    context.component = found.component
    caller = _caller(request, asked)
    wanted = asked.to_request(found.component, caller, context.deadline)
    answer = _Answer(f"chatcmpl-{context.request_id}", asked)
    if asked.stream:
        return _streamed(request, found, wanted, answer)
    result = await runs.run(request, found.component, wanted, found.options)
    return Response(
        answer.whole(result), media_type="application/json", headers=runs.headers(result)
    )


def _streamed(
    request: Request, found: ModelOf, wanted: state.Request, answer: "_Answer"
) -> Response:
    """Tokens as they come where they are those of the answer; else it comes at its end."""
    machines: Machines = request.state.machines
    live = machines.writes_once(found.component, found.options)

    async def ended(result: state.Result) -> bytes:
        return answer.end(result)

    return runs.stream(
        request,
        found.component,
        wanted,
        found.options,
        told=partial(answer.told, live=live),
        ended=ended,
        failed=lambda error: sse.event("", error) + DONE,
    )


class _Answer:
    """One answer in OpenAI's form, as a whole or in chunks."""

    def __init__(self, name: str, asked: chat.ChatRequest) -> None:
        self._about: dict[str, Any] = {
            "id": name,
            "created": int(time.time()),
            "model": asked.model,
        }
        self._usage = asked.include_usage
        self._sent = ""
        self._begun = False
        self._call: int | None = None

    def whole(self, result: state.Result) -> bytes:
        choice = chat.Choice(
            message=chat.Answer(content=text(result.answer)),
            finish_reason=chat.finish_reason(result),
        )
        usage = chat.Usage.of(result.calls)
        told = chat.ChatCompletion(**self._about, choices=[choice], usage=usage)
        return told.model_dump_json().encode()

    def told(self, happened: NodeEvent | Token, *, live: bool) -> bytes:
        """A chunk of the first call's tokens where they are `live`; else at most the first."""
        begin = self._begin()
        if not (live and isinstance(happened, Token)):
            return begin
        self._call = self._call or happened.call
        # What a call that is made again writes is known to go on from this only at the end.
        return begin + self._delta(happened.text) if happened.call == self._call else begin

    def end(self, result: state.Result) -> bytes:
        """What is left of the answer, why it ends, and the usage."""
        answer = text(result.answer)
        goes_on = answer.startswith(self._sent)
        rest = answer.removeprefix(self._sent) if goes_on else f"\n\n{answer}"
        if not goes_on and answer.strip() == self._sent.strip():
            rest = ""
        last = chat.ChunkChoice.last(chat.finish_reason(result))
        told = self._begin() + self._delta(rest) + self._chunk([last])
        if self._usage:
            told += self._chunk([], usage=chat.Usage.of(result.calls))
        return told + DONE

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return self._chunk([chat.ChunkChoice.piece(role="assistant", content="")])

    def _delta(self, piece: str) -> bytes:
        if not piece:
            return b""
        self._sent += piece
        return self._chunk([chat.ChunkChoice.piece(content=text(piece))])

    def _chunk(self, choices: list[chat.ChunkChoice], **usage: chat.Usage) -> bytes:
        chunk = chat.ChatCompletionChunk(
            **self._about, object="chat.completion.chunk", choices=choices, **usage
        )
        return sse.event("", chunk.model_dump_json(exclude_unset=True).encode())


def _served(miner: Miner) -> list[str]:
    return [name for name in MODELS if miner.search is not None or name != "internet_search"]


def _found(miner: Miner, name: str) -> ModelOf:
    served = _served(miner)
    if name not in served:
        detail = [FieldError(field="model", message=f"there are {', '.join(served)}")]
        raise ApiError(404, "model_not_found", detail)
    return MODELS[name]


def _caller(request: Request, asked: chat.ChatRequest) -> chat.Caller:
    """Who asks. Raises `ApiError` 422 for a name that is no `cid`."""
    named = asked.user or request.headers.get(USER_HEADER)
    forwarded = filter(None, map(request.headers.get, OPEN_WEBUI_HEADERS))
    user = named or next(forwarded, "")
    return validated(chat.Caller, {"user": user, "has_conversation": bool(named)})

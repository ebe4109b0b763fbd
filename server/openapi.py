"""The OpenAPI document: what FastAPI knows of the routes, and what only the wire formats know."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from graphs.registry import NodeEvent, Token
from server.errors import CHAT_PATHS, ChatErrorBody, ErrorBody
from server.middleware.auth import HEADER
from server.wire.form import Form

Json = dict[str, Any]

REF = "#/components/schemas/{model}"
SCHEME = "ApiKeyHeader"
BEARER_SCHEME = "ApiKeyBearer"
SCHEMES: Mapping[str, Mapping[str, str]] = {
    SCHEME: {"type": "apiKey", "in": "header", "name": HEADER},
    BEARER_SCHEME: {"type": "http", "scheme": "bearer"},
}
DESCRIPTION = "Answers tasks with LangGraph state machines that remember what each user prefers."

SERVERS = [{"url": "/", "description": "this miner"}]
EVENTS = (
    "With `Accept: text/event-stream`: `node` and `token` as the run goes on, then `miner`, and "
    "last `result` with the body of the plain call, or `error`. `x-events` has the data of each."
)
CHUNKS = "With `stream`: chunks without a name, the last `[DONE]`."
EVERYWHERE: Mapping[str, str] = {
    "401": "The key is missing or wrong.",
    "429": "The rate limit is reached, or too many wrong keys came from this address.",
    "500": "A fault of the miner.",
}
COMPONENT: Mapping[str, str] = {
    "400": "The body is not JSON.",
    "413": "The body is too large.",
    "422": "A field is missing, mistyped or over its limit; `detail` names it.",
    "502": "The LLM backend rejects the request.",
    "503": "The LLM backend fails, or the miner has no place free or is shutting down.",
    "504": "The deadline passed before there was an answer.",
}
HEADERS: Mapping[str, str] = {
    "X-Request-ID": "Names this request in the log.",
    "X-Miner-Strategy": "How the answer was sought.",
    "X-Miner-Rounds": "Rounds of checking and revising.",
    "X-Miner-Model-Calls": "Calls of the model.",
    "X-Miner-Stopped-By-Deadline": "`true` if time cut the work short.",
    "X-Miner-Truncated": "Why an answer of the model was cut off, if one was.",
    "X-Miner-Fallback": "What stood in for the planned way, if anything did.",
    "X-Miner-Cut": "Parts of the prompt that were shortened to fit the model's window.",
}
MINER_HEADERS = [name for name in HEADERS if name.startswith("X-Miner-")]
# What properties mean that have the same name in several models.
MEANINGS: Mapping[str, str] = {
    "action": "what was done to the entry",
    "actions_applied": "each change of the playbook",
    "address": "host and port",
    "answers": "whether it answered when it was last asked",
    "applies": "to every answer (`always`), or where the question is of its `topic`",
    "at": "since when it said so",
    "call": "the number of the model call; each begins a text anew",
    "category": "what kind of preference it is",
    "cid": "names the user and the conversation",
    "component": "the component that answered",
    "components": "the endpoints that answer",
    "content": "the text",
    "context_length": "tokens of its window",
    "conversations": "the conversations, or how many there are",
    "created_at": "when it was made",
    "ctx": "the limit that was not kept",
    "dialect": "what this backend takes and refuses, as learnt",
    "entries": "the preferences",
    "features": "what this miner can do",
    "feedbacks": "what is wrong with the output, and what to do about it",
    "in_flight": "calls in work",
    "input": "what the task is about",
    "json_schema": "whether a JSON schema constrains its answers",
    "kept": "conversations that stayed as they were",
    "kind": "a first text or a later one",
    "llm_provider": "who answers",
    "loc": "path of the field",
    "message": "what happened, in words",
    "message_retention_days": "days a message is kept",
    "messages": "the messages, or how many there are",
    "miner_name": "the name of this miner",
    "model": "the model that answers",
    "msg": "what it should be",
    "name": "the name of this miner",
    "node": "a step of the machine",
    "node_id": "names the entry",
    "output": "the output",
    "playbook_entries": "entries of all playbooks",
    "playbooks": "playbooks put back",
    "previous_outputs": "earlier responses, as they came",
    "problem": "what is wrong",
    "provider": "who serves it",
    "response": "the answer",
    "resting": "whether it is left alone after failures",
    "role": "who says it",
    "state": "began (`started`) or ended (`finished`)",
    "status": "how it stands",
    "success": "whether it was done",
    "suggestion": "what to do about it",
    "task": "what is asked",
    "text": "a piece of the text",
    "type": "what kind of error it is",
    "updated_at": "when it was changed last",
    "use_conversation_history": "read the conversation and go on with it",
    "use_playbook": "follow what the user is known to prefer",
    "user_query": "what is asked",
    "version": "the version",
    "versions": "what it said, oldest first",
    "immediate_response": "what the agent says",
    "notebook": "the document being worked on, or `no update`",
}


def install(
    app: FastAPI,
    forms: Mapping[str, tuple[Form, ...]],
    bodies: Sequence[type[BaseModel]],
    open_paths: frozenset[str],
) -> None:
    """Make `app.openapi()` describe the components and the key. Built at the first call.

    `bodies` are the models that routes name with `body`. No key is needed on `open_paths`.
    """

    def document() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app, forms, bodies)
            _secure(app.openapi_schema, open_paths)
        return app.openapi_schema

    # FastAPI's documented way of extending the document.
    app.openapi = document  # type: ignore[method-assign]


def body(model: type[BaseModel]) -> Json:
    """For `openapi_extra` of a route that reads its body itself."""
    content = {"application/json": {"schema": _any_of([model])}}
    return {"requestBody": {"required": True, "content": content}}


def _build(
    app: FastAPI,
    forms: Mapping[str, tuple[Form, ...]],
    bodies: Sequence[type[BaseModel]],
) -> Json:
    built = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        servers=SERVERS,
    )
    parts = built.setdefault("components", {})
    parts.setdefault("schemas", {}).update(_schemas(forms, bodies))
    parts["securitySchemes"] = SCHEMES
    for component, each in forms.items():
        _describe(built["paths"][f"/{component}"]["post"], each)
    chat = built["paths"]["/v1/chat/completions"]["post"]["responses"]
    chat |= _errors({**COMPONENT, "404": chat["404"]["description"]}, ChatErrorBody)
    chat["200"]["content"]["text/event-stream"] = _events(CHUNKS, message="ChatCompletionChunk")
    chat["200"]["headers"] = _headers()
    for model in parts["schemas"].values():
        for name, told in model.get("properties", {}).items():
            if name in MEANINGS:
                told.setdefault("description", MEANINGS[name])
    return built


def _secure(document: Json, open_paths: frozenset[str]) -> None:
    for path, operations in document["paths"].items():
        if path in open_paths:
            continue
        for operation in operations.values():
            operation["security"] = [{scheme: []} for scheme in SCHEMES]
            form = ChatErrorBody if path.startswith(CHAT_PATHS) else ErrorBody
            operation["responses"].update(_errors(EVERYWHERE, form))


def _schemas(forms: Mapping[str, tuple[Form, ...]], bodies: Sequence[type[BaseModel]]) -> Json:
    models: list[type[BaseModel]] = [ErrorBody, ChatErrorBody, *bodies]
    for form in (form for each in forms.values() for form in each):
        models += [form.request, form.response]
    _, document = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    schemas: Json = document["$defs"]
    told = {"type": "string"}
    schemas["MinerEvent"] = {
        "type": "object",
        "description": "The `X-Miner-*` headers of the plain call.",
        "properties": {name: {**told, "description": HEADERS[name]} for name in MINER_HEADERS},
    }
    for event in (NodeEvent, Token):
        schemas[event.__name__] = TypeAdapter(event).json_schema()
    return schemas


def _describe(operation: Json, forms: tuple[Form, ...]) -> None:
    operation["summary"] = forms[0].summary
    operation["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {
                "schema": _any_of([form.request for form in forms]),
                "examples": {form.request.__name__: {"value": form.example} for form in forms},
            }
        },
    }
    operation["responses"] = {
        "200": {
            "description": "The answer, in the form of the request.",
            "headers": _headers(),
            "content": {
                "application/json": {"schema": _any_of([form.response for form in forms])},
                "text/event-stream": _events(
                    EVENTS,
                    node=NodeEvent.__name__,
                    token=Token.__name__,
                    miner="MinerEvent",
                    result=[form.response.__name__ for form in forms],
                    error=ErrorBody.__name__,
                ),
            },
        },
        **_errors({**EVERYWHERE, **COMPONENT}),
    }


def _headers() -> Json:
    return {
        name: {"description": meaning, "schema": {"type": "string"}}
        for name, meaning in HEADERS.items()
    }


def _events(description: str, **models: str | list[str]) -> Json:
    """A stream of events, with the model or models of the data of each by its name."""
    kinds = {
        event: {"anyOf": [{"$ref": REF.format(model=each)} for each in names]}
        for event, told in models.items()
        for names in [[told] if isinstance(told, str) else told]
    }
    return {"schema": {"type": "string", "description": description, "x-events": kinds}}


def _any_of(models: list[Any]) -> Json:
    refs = [{"$ref": REF.format(model=model.__name__)} for model in models]
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


def _errors(meanings: Mapping[str, str], form: type[BaseModel] = ErrorBody) -> Json:
    content = {"application/json": {"schema": _any_of([form])}}
    return {
        status: {"description": meaning, "content": content}
        for status, meaning in sorted(meanings.items())
    }

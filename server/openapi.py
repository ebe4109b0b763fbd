"""The OpenAPI document: what FastAPI knows of the routes, and what only the wire formats know."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.errors import ErrorBody
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

EVENTS = (
    "With `Accept: text/event-stream`: `node` events (which node started or finished), `token` "
    "events (`draft` or `revision`, of the model call numbered `call`), `miner` (the `X-Miner-*` "
    "values), and last `result` with the body of the plain call, or `error`."
)
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
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
    )
    parts = built.setdefault("components", {})
    parts.setdefault("schemas", {}).update(_schemas(forms, bodies))
    parts["securitySchemes"] = SCHEMES
    for component, each in forms.items():
        _describe(built["paths"][f"/{component}"]["post"], each)
    return built


def _secure(document: Json, open_paths: frozenset[str]) -> None:
    for path, operations in document["paths"].items():
        if path in open_paths:
            continue
        for operation in operations.values():
            operation["security"] = [{scheme: []} for scheme in SCHEMES]
            operation["responses"].update(_errors(EVERYWHERE))


def _schemas(forms: Mapping[str, tuple[Form, ...]], bodies: Sequence[type[BaseModel]]) -> Json:
    models: list[type[BaseModel]] = [ErrorBody, *bodies]
    for form in (form for each in forms.values() for form in each):
        models += [form.request, form.response]
    _, document = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    schemas: Json = document["$defs"]
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
            "headers": {
                name: {"description": meaning, "schema": {"type": "string"}}
                for name, meaning in HEADERS.items()
            },
            "content": {
                "application/json": {"schema": _any_of([form.response for form in forms])},
                "text/event-stream": {"schema": {"type": "string", "description": EVENTS}},
            },
        },
        **_errors({**EVERYWHERE, **COMPONENT}),
    }


def _any_of(models: list[Any]) -> Json:
    refs = [{"$ref": REF.format(model=model.__name__)} for model in models]
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


def _errors(meanings: Mapping[str, str]) -> Json:
    content = {"application/json": {"schema": _any_of([ErrorBody])}}
    return {
        status: {"description": meaning, "content": content}
        for status, meaning in sorted(meanings.items())
    }

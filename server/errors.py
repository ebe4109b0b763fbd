"""The one form of every error, and which status each exception becomes.

{"error": <short>, "detail": <what to do, or the field errors>, "request_id": <id>}
"""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match
from starlette.types import Scope

from memory.errors import (
    EntryConflict,
    InvalidEntry,
    MemoryStoreError,
    PlaybookFull,
    UnknownEntry,
)
from nodes.errors import (
    BackendRefused,
    BackendUnavailable,
    DeadlinePassed,
    TaskTooLong,
)
from server.context import context_of

log = structlog.get_logger(__name__)

MOST_FIELDS_NAMED = 20
INTERNAL = "this is a fault of the miner; its log has more under this request_id"
RETRY_AFTER = 5  # seconds, where the backend named none
CHAT_PATHS = "/v1/"  # whose errors are in OpenAI's form
SERVER_FAULTS = 500
REFUSED = "invalid_request_error"
CHAT_TYPES: Mapping[int, str] = {429: "rate_limit_error"}
CHAT_CODES: Mapping[str, str] = {  # where clients look for a name of OpenAI's
    "unauthorized": "invalid_api_key",
    "task_too_long": "context_length_exceeded",
    "rate_limited": "rate_limit_exceeded",
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class FieldError(BaseModel):
    """What is wrong with one field, without its value."""

    field: str = Field(description="path of the field, such as `feedbacks.0.problem`")
    message: str = Field(description="what it should be")

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class ErrorBody(BaseModel):
    """The body of every answer that is not a success."""

    error: str = Field(description="a short name that does not change")
    detail: str | list[FieldError] = Field(description="what to do, or the fields that are wrong")
    request_id: str = Field(description="quote it when you ask the operator")


class ChatError(BaseModel):
    """What went wrong, in OpenAI's form."""

    message: str = Field(description="what to do")
    type: str = Field(description="`invalid_request_error`, `rate_limit_error` or `server_error`")
    param: str | None = Field(description="path of the field that is wrong, if one is")
    code: str = Field(description="a short name that does not change")


class ChatErrorBody(BaseModel):
    """The body of every answer under /v1 that is not a success."""

    error: ChatError = Field(description="what went wrong")


class ApiError(Exception):
    """An error that a route or a middleware answers with."""

    def __init__(
        self,
        status: int,
        error: str,
        detail: str | list[FieldError],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.detail = detail
        self.headers = headers


Detail = str | list[FieldError]
Parts = tuple[int, str, Detail, Mapping[str, str] | None]

ANSWERS: Mapping[type[Exception], tuple[int, str]] = {
    TaskTooLong: (422, "task_too_long"),
    BackendRefused: (502, "backend_refused"),
    BackendUnavailable: (503, "backend_unavailable"),
    DeadlinePassed: (504, "deadline_passed"),
    UnknownEntry: (404, "not_found"),
    PlaybookFull: (409, "playbook_full"),
    EntryConflict: (409, "entry_conflict"),
    InvalidEntry: (422, "invalid_request"),
    MemoryStoreError: (503, "memory_unavailable"),
}

NAMES: Mapping[int, tuple[str, str]] = {
    404: ("not_found", "there is nothing at this path; GET / lists the endpoints"),
    405: ("method_not_allowed", "this path takes other methods; the Allow header names them"),
}


def error_response(
    scope: Scope,
    status: int,
    error: str,
    detail: str | list[FieldError],
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An answer in the error form, carrying the request's id."""
    context_of(scope).error = error
    return JSONResponse(_body(scope, status, error, detail).model_dump(), status, headers)


def error_event(scope: Scope, error: Exception) -> bytes:
    """The error's body, for an answer whose status is sent already."""
    context = context_of(scope)
    if isinstance(error, tuple(ANSWERS)):
        status, name, detail, _ = _from_table(error)
    else:
        log.error("unhandled error", exc_info=error)
        status, name, detail = 500, "internal_error", INTERNAL
    context.error, context.failed_status = name, status
    return _body(scope, status, name, detail).model_dump_json().encode()


def _body(scope: Scope, status: int, error: str, detail: Detail) -> ErrorBody | ChatErrorBody:
    if not scope["path"].startswith(CHAT_PATHS):
        return ErrorBody(error=error, detail=detail, request_id=context_of(scope).request_id)
    fields = [] if isinstance(detail, str) else detail
    message = detail if isinstance(detail, str) else "; ".join(map(str, detail))
    return ChatErrorBody(
        error=ChatError(
            message=message,
            type=CHAT_TYPES.get(status, "server_error" if status >= SERVER_FAULTS else REFUSED),
            param=fields[0].field if fields else None,
            code=CHAT_CODES.get(error, error),
        )
    )


def field_errors(errors: Sequence[Any]) -> list[FieldError]:
    """pydantic's errors as field and limit, leaving out what was sent."""
    return [
        FieldError(
            field=".".join(str(part) for part in error["loc"]) or "body",
            message=error["msg"].removeprefix("Value error, "),
        )
        for error in errors[:MOST_FIELDS_NAMED]
    ]


def install(app: FastAPI) -> None:
    """Make every exception that reaches the routes' edge an answer in the error form."""
    for kind in (ApiError, HTTPException, RequestValidationError, *ANSWERS):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    match error:
        case ApiError():
            parts = error.status, error.error, error.detail, error.headers
        case HTTPException():
            parts = _from_framework(request, error)
        case RequestValidationError():
            found = [{**each, "loc": each["loc"][1:]} for each in error.errors()]
            parts = 422, "invalid_request", field_errors(found), None
        case _:
            parts = _from_table(error)
    return error_response(request.scope, *parts)


def _from_framework(request: Request, error: HTTPException) -> Parts:
    status = error.status_code
    phrase = HTTPStatus(status).phrase
    name, detail = NAMES.get(status, (phrase.lower().replace(" ", "_"), str(error.detail)))
    headers = error.headers
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_allowed(request))}
    return status, name, detail, headers


def _allowed(request: Request) -> list[str]:
    """The methods of all routes at this path; the framework names those of the first alone."""
    routes = request.app.routes
    scopes = [{**request.scope, "method": method} for method in METHODS]
    return [
        scope["method"]
        for scope in scopes
        if any(route.matches(scope)[0] is Match.FULL for route in routes)
    ]


def _from_table(error: Exception) -> Parts:
    status, name = next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    if status >= SERVER_FAULTS:
        log.warning("request failed", error=name, reason=str(error))
    headers = {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        seconds = getattr(error, "retry_after", None) or RETRY_AFTER
        headers["Retry-After"] = str(math.ceil(seconds))
    return status, name, str(error), headers

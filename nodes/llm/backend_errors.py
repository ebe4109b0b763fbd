"""What a backend's failure means for the next try, told without the backend's own words."""

import json
import random

import openai

from nodes.errors import BackendRefused, BackendUnavailable

FIRST_DELAY = 0.4

_RETRIED_STATUS = frozenset({408, 409, 425, 429})
_THIS_REQUEST = frozenset({400, 413, 422})


class Interrupted(BackendUnavailable):
    """The connection broke in the middle of an answer; `partial` is what had come."""

    def __init__(self, partial: str) -> None:
        super().__init__("the model's backend broke off in the middle of an answer")
        self.partial = partial


class Unreached(BackendUnavailable):
    """No connection, or one that the server had closed before the request came."""


class OnlyThoughts(BackendUnavailable):
    """The limit was reached before the answer began: no fault, and no other with another try."""


class RequestRefused(BackendRefused):
    """The backend rejects this request, and may well take another."""


class SchemaRefused(RequestRefused):
    """The backend does not take a JSON schema as `response_format`."""


def translated(
    error: openai.OpenAIError, *, with_schema: bool = False
) -> BackendUnavailable | BackendRefused:
    """The client's error as one of ours, without its text, which may quote the prompt."""
    if isinstance(error, openai.APIConnectionError):
        return Unreached("the model's backend cannot be reached")
    if isinstance(error, openai.RateLimitError) and error.code == "insufficient_quota":
        return BackendRefused("the account of the model's backend has no quota left")
    if not isinstance(error, openai.APIStatusError):
        return BackendUnavailable("the model's backend reported an error")
    status = error.status_code
    if status in _RETRIED_STATUS or status >= 500:  # noqa: PLR2004
        return BackendUnavailable(
            f"the model's backend answered {status}", retry_after=_retry_after(error)
        )
    if with_schema and status in (400, 422) and _about_schema(error):
        return SchemaRefused("the model's backend takes no JSON schema")
    refused = RequestRefused if status in _THIS_REQUEST else BackendRefused
    return refused(f"the model's backend refused the request with {status}")


def delay_before(attempt: int, error: BackendUnavailable) -> float:
    """Seconds to wait before the attempt of this number, the first one being 0."""
    if error.retry_after is not None:
        return error.retry_after
    if attempt == 1 and isinstance(error, Unreached):
        return 0.0  # an idle connection that the server had closed: a new one serves at once
    return FIRST_DELAY * float(2 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311


def _about_schema(error: openai.APIStatusError) -> bool:
    told = json.dumps(error.body, default=str) if error.body is not None else ""
    return any(word in told for word in ("response_format", "json_schema", "guided"))


def _retry_after(error: openai.APIStatusError) -> float | None:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None

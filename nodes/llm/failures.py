"""What a backend's failure means for the next try, told without the backend's own words."""

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

from nodes.errors import BackendRefused, BackendUnavailable

FIRST_DELAY = 0.2
LONGEST_DELAY = 4.0
NOT_FOUND, NOT_IMPLEMENTED = 404, 501
QUOTA_CODES = ("insufficient_quota", "billing", "credit", "quota_exceeded")
DEEPEST = 6  # levels of what a backend sends that are looked into

_ADAPTED_STATUS = frozenset({400, 404, 405, 413, 415, 422, 500, 501})
_RETRIED_STATUS = frozenset({408, 409, 425, 429})
_THIS_REQUEST = frozenset({400, 413, 422})
_FILTERS = ("content_filter", "content_policy", "content management policy", "safety system")


class Rejected(Exception):
    """The backend's own answer instead of one of the model: `told` is what it says, joined."""

    def __init__(self, status: int, told: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.told = told
        self.retry_after = retry_after

    @property
    def kind(self) -> str:
        """What an operator is told."""
        return "quota" if self.no_quota else f"status {self.status}"

    @property
    def adaptable(self) -> bool:
        """Whether what is refused may be the request itself, and not the time it came at."""
        too_large = self.status == 429 and "request too large" in self.told.lower()  # noqa: PLR2004
        return self.status in _ADAPTED_STATUS or too_large

    @property
    def no_quota(self) -> bool:
        return self.status in (402, 429) and any(each in self.told for each in QUOTA_CODES)


class Interrupted(BackendUnavailable):
    """The answer was broken off in the middle; `partial` is what had come."""

    def __init__(self, partial: str) -> None:
        super().__init__("the model's backend broke off in the middle of an answer")
        self.partial = partial


class Unreached(BackendUnavailable):
    """No connection, or one that the server had closed before the request came."""


class Empty(BackendUnavailable):
    """An answer without text; `reasoning` is what there was instead."""

    def __init__(self, reasoning: str = "") -> None:
        super().__init__("the model's backend sent an empty answer")
        self.reasoning = reasoning


class OnlyReasoning(BackendUnavailable):
    """The limit was reached before the answer began: no fault, and no other with another try."""


class RequestRefused(BackendRefused):
    """The backend rejects this request, and may well take another."""


class KeyRefused(BackendRefused):
    """The backend does not know the key that the miner sends."""


class Filtered(RequestRefused):
    """The provider's content filter rejects what the request says."""


class WindowExceeded(RequestRefused):
    """The prompt is too long; `window` is in tokens, where the refusal names it."""

    def __init__(self, window: int | None) -> None:
        super().__init__("the conversation is too long for the model's window")
        self.window = window


class SchemaRefused(RequestRefused):
    """The backend does not take a JSON schema as `response_format`."""


def translated(rejected: Rejected) -> BackendUnavailable | BackendRefused:
    """A backend's answer as one of our errors, without its text, which may quote the prompt."""
    status = rejected.status
    if rejected.no_quota:
        return BackendRefused("the account of the model's backend has no quota left")
    if any(word in rejected.told for word in _FILTERS):
        return Filtered("the content filter of the model's provider refused the request")
    if status in _RETRIED_STATUS or status >= 500:  # noqa: PLR2004
        return BackendUnavailable(
            f"the model's backend answered {status}", retry_after=rejected.retry_after
        )
    if status == 401:  # noqa: PLR2004
        return KeyRefused(
            "the model's backend refuses the key of this miner (401); its operator has to mend it"
        )
    refused = RequestRefused if status in _THIS_REQUEST else BackendRefused
    return refused(f"the model's backend refused the request with {status}")


def delay_before(attempt: int, error: BackendUnavailable) -> float:
    """Seconds to wait before the attempt of this number, the first one being 0."""
    jitter = random.uniform(0.5, 1.5)  # noqa: S311
    if error.retry_after is not None:
        return error.retry_after * (1 + jitter / 20)
    if attempt == 1 and isinstance(error, Unreached):
        return 0.0  # an idle connection that the server had closed: a new one serves at once
    return min(LONGEST_DELAY, FIRST_DELAY * float(2 ** min(attempt - 1, 10))) * jitter


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a backend asks to wait: as seconds, milliseconds or a date."""
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    told = headers.get("retry-after", "")
    seconds = _seconds(told)
    if seconds is not None or not told:
        return seconds
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _seconds(told: str) -> float | None:
    try:
        seconds = float(told)
    except ValueError:
        return None
    return max(0.0, seconds) if isfinite(seconds) else None


def told(value: object, depth: int = 0) -> Iterator[str]:
    """What an error says: its strings under the usual names, never what it quotes of a request."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth < DEEPEST:
        for each in value:
            yield from told(each, depth + 1)
    elif isinstance(value, dict) and depth < DEEPEST:
        for name, each in value.items():
            if name in _TELLING and isinstance(each, int | float):
                yield f"{name} {each}"
            elif name in _TELLING:
                yield from told(each, depth + 1)


_TELLING = frozenset(
    {
        *("error", "errors", "message", "msg", "detail", "details", "description", "reason"),
        *("param", "code", "type", "loc", "status", "title", "metadata", "raw", "innererror"),
        *("base_resp", "status_msg", "status_code", "n_ctx", "error_msg", "error_code"),
    }
)

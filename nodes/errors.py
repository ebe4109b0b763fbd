"""What can go wrong between a request and its answer.

MinerError
├── DeadlinePassed       no time left, and no answer to give yet
├── TaskTooLong          the task alone does not fit the model's window
├── SearchUnavailable    web search is configured, but its packages are not installed
├── SearchFailed         the web search gave nothing
└── BackendError         the model's backend failed, after retries and fallback
    ├── BackendUnavailable   unreachable, overloaded or broken: worth another try later
    └── BackendRefused       it rejects the request itself (key, model name, parameters)

Messages are fit to be shown to a caller: no key, prompt, address or raw backend text.
"""


class MinerError(Exception):
    """Base of all."""


class DeadlinePassed(MinerError):
    """The deadline passed before there was any answer."""


class TaskTooLong(MinerError):
    """The task alone does not fit the model's window."""


class SearchUnavailable(MinerError):
    """Web search is configured, but its packages are not installed."""


class SearchFailed(MinerError):
    """The web search gave nothing."""


class BackendError(MinerError):
    """The model's backend gave no answer.

    `retry_after` is in seconds, where the backend named one.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BackendUnavailable(BackendError):
    """Unreachable, overloaded or broken."""


class BackendRefused(BackendError):
    """The request itself is rejected: key, model name or parameters."""

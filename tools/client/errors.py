"""What goes wrong between a client and a miner. No message holds the key."""

from typing import Any


class ClientError(Exception):
    """Base of all errors of this package."""


class Unusable(ClientError):
    """The address or the key cannot be used as it was given."""


class Unreachable(ClientError):
    """Nothing that speaks as a miner does answers there.

    `__cause__` is the error of the connection, `None` where something else answered; `status` is
    that of its answer, `None` for a success.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Refused(ClientError):
    """The miner answered with an error, whose fields are these.

    `status` is None where the error came in a stream, after the status; `detail` is a text or a
    list of `{field, message}`.
    """

    def __init__(
        self, status: int | None, body: dict[str, Any], retry_after: str | None = None
    ) -> None:
        super().__init__(" ".join(str(part) for part in (status, body.get("error")) if part))
        self.status = status
        self.error = str(body.get("error", ""))
        self.detail: Any = body.get("detail", "")
        self.request_id = str(body.get("request_id", ""))
        self.retry_after = retry_after

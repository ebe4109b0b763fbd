"""One HTTP connection: uvicorn's protocol, with limits on what a peer can hold up."""

import asyncio
import functools
import sys
import time
import uuid
from collections.abc import Collection
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.context import FIRST_BYTE
from server.errors import ErrorBody
from server.file_limit import file_limit

HEAD_SECONDS = 10.0  # for a request's whole head to arrive
UNREAD_SECONDS = 30.0  # for a peer to take the rest of the last answer on its connection
MOST_CONNECTIONS = 1000  # each may hold 64 KiB of a request that has not arrived whole
OWN_FILES = 384  # kept for the stores and the calls of the model
RETRY_AFTER = "1"


@functools.cache
def connection_limit() -> int:
    """How many connections a process serves at once; one address may have half of them."""
    return max(64, min(MOST_CONNECTIONS, file_limit() - OWN_FILES))


class Protocol(H11Protocol):
    """Gives each request's head 10 s, and bounds the connections by address and in all.

    Beyond a bound, the connection that has waited longest for its peer makes way: one without a
    request, or whose request has not arrived whole. Where every one is being answered, the new
    connection gets a 503. What is no HTTP is answered in the error form.
    """

    # Of a narrower type than asyncio's own, as uvicorn's is.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._first_byte: float | None = None
        self._waiting_since = time.monotonic()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._end_waiting)
        self._make_room(connection_limit())

    def data_received(self, data: bytes) -> None:
        if self._first_byte is None and not self._in_work:
            self._first_byte = time.monotonic()
            self.app_state = {**self.app_state, FIRST_BYTE: self._first_byte}
            self._head_timer.cancel()
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._end_waiting)
        super().data_received(data)
        if self._in_work:
            self._head_timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_timer.cancel()
        # It would keep all that belongs to a connection that was reset.
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._waiting_since = time.monotonic()
        self._first_byte = None
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_later()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._abort_later()

    def send_400_response(self, msg: str) -> None:
        """Called by the parser's loop while its error is handled."""
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        # The error's own words may quote a header, and so a key.
        self._answer_and_close(status, "malformed_http", "this is no request that HTTP/1.1 allows")

    @property
    def _in_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _waits_for_peer(self) -> bool:
        return not self._in_work or (self.cycle.more_body and not self.cycle.response_started)

    def _make_room(self, limit: int) -> None:
        if len(self.connections) <= limit // 2:
            return
        everyone = [each for each in self.connections if isinstance(each, Protocol)]
        same = [each for each in everyone if each._address == self._address]
        if len(same) > limit // 2:
            self._displace_one_of(same)
        elif len(everyone) > limit:
            self._displace_one_of(everyone)

    def _displace_one_of(self, crowd: Collection["Protocol"]) -> None:
        waiting = [each for each in crowd if each is not self and each._waits_for_peer]
        if not waiting:
            detail = f"the miner has no connection free; try again in {RETRY_AFTER} s"
            self._answer_and_close(503, "too_many_connections", detail)
            return
        # A well-meaning peer's head comes in one piece: half of one is the first to go.
        displaced = min(waiting, key=lambda each: (each._first_byte is None, each._waiting_since))
        displaced.transport.close()
        self.connections.discard(displaced)

    @property
    def _address(self) -> str | None:
        return self.client[0] if self.client else None

    def _end_waiting(self) -> None:
        if self._first_byte is None:
            self.transport.close()
        else:
            detail = f"the request's head did not arrive within {HEAD_SECONDS:.0f} s"
            self._answer_and_close(408, "head_timeout", detail)

    def _answer_and_close(self, status: int, error: str, detail: str) -> None:
        """Answer a request that no application has answered; only close where that is too late."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            request_id = uuid.uuid4().hex
            body = ErrorBody(error=error, detail=detail, request_id=request_id)
            data = body.model_dump_json().encode()
            headers = {
                "Content-Type": "application/json",
                "Content-Length": str(len(data)),
                "X-Request-ID": request_id,
                "Connection": "close",
                **(
                    {"Retry-After": RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
                ),
            }
            response = h11.Response(
                status_code=status,
                headers=list(headers.items()),
                reason=HTTPStatus(status).phrase.encode(),
            )
            for event in (response, h11.Data(data=data), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
        if self._in_work:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self._abort_later()

    def _abort_later(self) -> None:
        """A closed connection stays open while its peer does not take what was sent."""
        self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

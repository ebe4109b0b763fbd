"""Asking a miner over HTTP, one question at a time, and saying what came of it."""

import asyncio
import ssl
import time
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Literal
from uuid import uuid4

import httpx
from pydantic import BaseModel, ConfigDict

from nodes.comparer import Comparer
from tools.client import AsyncClient, Refused, Reply, Unreachable, calls
from tools.client.answers import Completion
from tools.client.calls import Call
from tools.evaluate.dataset import Question
from tools.evaluate.judging import Judge, judge, scored
from tools.evaluate.scoring import expected_answer, score

Form = Literal["unified", "flat"]
Outcome = Literal["right", "wrong", "unreadable", "timeout", "error"]

TASK = "Solve the problem and state the final answer."
NO_CONNECTION = "no connection"
NO_ANSWER = "200 without an answer"
WRONG_KEY = "the miner at {} refuses the key; it must be its MINER_API_KEY"
PROBE_SECONDS = 10.0
MOST_WAITS = 5
LONGEST_WAIT = 120.0  # seconds
SHORTEST_WAIT = 1.0


class MinerError(Exception):
    """The miner cannot be evaluated. The message is one line, without the key."""


class Answered(BaseModel):
    """One question asked, and how it was scored.

    `seconds` runs from the request to the whole answer. `read` is the final answer as it was read,
    empty where none could be; `error` names what went wrong. `waits` counts the times that the
    miner's rate limit made the question wait, which is not part of `seconds`. `criteria` are what
    the judge gave, each from 0 to 1; `None` where it was not asked or not understood.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    outcome: Outcome
    seconds: float
    expected: str
    read: str = ""
    error: str = ""
    status: int | None = None
    waits: int = 0
    model_calls: int | None = None
    text: str = ""
    criteria: dict[str, float] | None = None

    @property
    def score(self) -> float:
        """From 0 to 1: by the published weights where it was judged, else whether it is right."""
        return float(self.right) if self.criteria is None else scored(self.right, self.criteria)

    @property
    def right(self) -> bool:
        return self.outcome == "right"

    @property
    def arrived(self) -> bool:
        """Whether an answer came in time, right or not."""
        return self.outcome in ("right", "wrong", "unreadable")


@dataclass(frozen=True, slots=True)
class _Found:
    outcome: Outcome
    error: str = ""
    status: int | None = None
    read: str = ""
    text: str = ""
    model_calls: int | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What the miner says of its model."""

    provider: str = ""
    model: str = ""


class Asker:
    """Asks one miner. `client` carries its address and the key; `timeout` is in seconds."""

    def __init__(
        self,
        client: AsyncClient,
        comparer: Comparer,
        *,
        form: Form,
        task: str,
        timeout: float,
        judge: Judge | None = None,
    ) -> None:
        self._client = client
        self._comparer = comparer
        self._judge = judge
        self._form = form
        self._task = task
        self._timeout = timeout
        self._allowed_at = 0.0

    async def identify(self) -> Identity:
        """Ask what it is, with the key. Raises `MinerError` if it cannot be evaluated."""
        address = self._client.url
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                told = await self._client.send(calls.capabilities())
        except TimeoutError:
            reason = f"no answer within {PROBE_SECONDS:g} s"
            raise MinerError(f"cannot reach the miner at {address}: {reason}") from None
        except Refused as error:
            if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise MinerError(WRONG_KEY.format(address)) from None
            raise MinerError(
                f"what answers at {address} cannot be evaluated: "
                f"GET /capabilities gave {error.status}"
            ) from None
        except Unreachable as error:
            if error.__cause__ is None:
                raise MinerError(
                    f"what answers at {address} cannot be evaluated: "
                    f"GET /capabilities gave {error.status or HTTPStatus.OK}"
                ) from None
            reason = _reason(error.__cause__)
            raise MinerError(f"cannot reach the miner at {address}: {reason}") from None
        # Without the key it tells of its components alone.
        if not told.miner_name:
            raise MinerError(WRONG_KEY.format(address))
        return Identity(told.llm_provider, told.model)

    async def ask(self, question: Question) -> Answered:
        """Ask in a conversation of its own and score what comes back.

        Waits as long as the miner's rate limit asks, together with all other questions, at most
        five times for two minutes.
        """
        for waits in range(MOST_WAITS + 1):
            await asyncio.sleep(self._allowed_at - time.monotonic())
            answered = await self._once(question)
            if answered.status != HTTPStatus.TOO_MANY_REQUESTS or waits == MOST_WAITS:
                criteria = await self._judged(question, answered)
                return answered.model_copy(update={"waits": waits, "criteria": criteria})
        raise AssertionError("unreachable")

    async def _once(self, question: Question) -> Answered:
        began = time.monotonic()
        reply = None
        try:
            # The client limits each read; the network limits the whole answer.
            async with asyncio.timeout(self._timeout):
                reply = await self._client.reply(self._call(question))
        except TimeoutError:
            found = _Found("timeout", error=f"no answer in {self._timeout:g} s")
        except Refused as error:
            found = self._refused(error.status, error.error, error.retry_after)
        except Unreachable as error:
            found = _broken(error)
        seconds = time.monotonic() - began
        if reply is not None:
            found = await self._scored(reply, question)
        return Answered(
            number=question.number,
            seconds=seconds,
            expected=_expected(question),
            **asdict(found),
        )

    async def _judged(self, question: Question, answered: Answered) -> dict[str, float] | None:
        if self._judge is None or not answered.arrived:
            return None
        return await judge(self._judge, question.text, answered.text)

    def _call(self, question: Question) -> Call[Any]:
        cid = f"evaluate-{uuid4()}"
        if self._form == "flat":
            return calls.complete(cid, self._task, question.text)
        return calls.unified("complete", cid, self._task, [question.text], use_history=False)

    def _refused(self, status: int | None, told: str, retry_after: str | None) -> _Found:
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self._allowed_at = time.monotonic() + _wait(retry_after or "")
        return _Found("error", status=status, error=f"{status} {told[:60]}".strip())

    async def _scored(self, reply: Reply[Any], question: Question) -> _Found:
        value = reply.value
        text = value.response if isinstance(value, Completion) else value.output.immediate_response
        found = await score(self._comparer, text, question.expected, question.text)
        outcome: Outcome = "right" if found.right else "wrong" if found.read else "unreadable"
        calls_made = reply.headers.get("x-miner-model-calls", "")
        return _Found(
            outcome,
            status=HTTPStatus.OK,
            read=found.read,
            text=text,
            model_calls=int(calls_made) if calls_made.isdecimal() else None,
        )


def _expected(question: Question) -> str:
    found = expected_answer(question.expected, question.text)
    return found.text if found else question.expected


def _wait(asked: str) -> float:
    seconds = float(asked) if asked.isdecimal() else 0.0
    return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)


def _broken(error: Unreachable) -> _Found:
    if error.__cause__ is None:
        status = error.status or HTTPStatus.OK
        told = str(error.status) if error.status else NO_ANSWER
        return _Found("error", status=status, error=told)
    connecting = isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
    return _Found("error", error=NO_CONNECTION if connecting else "connection broken off")


def _reason(error: BaseException) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {PROBE_SECONDS:g} s"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "no TLS connection, or its certificate is not valid for this address"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return "no connection; is it running, and is this its address?"
    return "the connection failed"

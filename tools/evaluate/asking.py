"""Asking a miner over HTTP, one question at a time, and saying what came of it."""

import asyncio
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Literal
from uuid import uuid4

import httpx
from pydantic import BaseModel, ConfigDict

from nodes.comparer import Comparer
from tools.evaluate.dataset import Question
from tools.evaluate.judging import Judge, judge, scored
from tools.evaluate.scoring import expected_answer, score

Form = Literal["unified", "flat"]
Outcome = Literal["right", "wrong", "unreadable", "timeout", "error"]

TASK = "Solve the problem and state the final answer."
NO_CONNECTION = "no connection"
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
        client: httpx.AsyncClient,
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
        address = self._client.base_url
        try:
            response = await self._client.get("/capabilities", timeout=PROBE_SECONDS)
        except httpx.RequestError as error:
            raise MinerError(f"cannot reach the miner at {address}: {_reason(error)}") from None
        told = _object(response)
        if _refuses(response.status_code, told):
            raise MinerError(
                f"the miner at {address} refuses the key; it must be its MINER_API_KEY"
            )
        if response.status_code != HTTPStatus.OK or told is None:
            raise MinerError(
                f"what answers at {address} cannot be evaluated: "
                f"GET /capabilities gave {response.status_code}"
            )
        return Identity(str(told.get("llm_provider", "")), str(told.get("model", "")))

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
        response = None
        try:
            # httpx limits each read; the network limits the whole answer.
            async with asyncio.timeout(self._timeout):
                response = await self._client.post("/complete", json=self._body(question))
        except TimeoutError:
            found = _Found("timeout", error=f"no answer in {self._timeout:g} s")
        except httpx.RequestError as error:
            found = _Found("error", error=_broken(error))
        seconds = time.monotonic() - began
        if response is not None:
            found = await self._scored(response, question)
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

    def _body(self, question: Question) -> dict[str, object]:
        cid = f"evaluate-{uuid4()}"
        if self._form == "flat":
            return {"cid": cid, "task": self._task, "input": question.text}
        return {
            "cid": cid,
            "task": self._task,
            "input": [{"user_query": question.text}],
            "use_conversation_history": False,
        }

    async def _scored(self, response: httpx.Response, question: Question) -> "_Found":
        status, body = response.status_code, _object(response) or {}
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self._allowed_at = time.monotonic() + _wait(response)
        if status != HTTPStatus.OK:
            short = str(body.get("error", ""))[:60]
            return _Found("error", status=status, error=f"{status} {short}".strip())
        text = self._text(body)
        if text is None:
            return _Found("error", status=status, error=f"{status} without an answer")
        found = await score(self._comparer, text, question.expected, question.text)
        outcome: Outcome = "right" if found.right else "wrong" if found.read else "unreadable"
        calls = response.headers.get("X-Miner-Model-Calls", "")
        return _Found(
            outcome,
            status=status,
            read=found.read,
            text=text,
            model_calls=int(calls) if calls.isdecimal() else None,
        )

    def _text(self, body: Mapping[str, Any]) -> str | None:
        if self._form == "flat":
            text = body.get("response")
        else:
            output = body.get("output")
            text = output.get("immediate_response") if isinstance(output, dict) else None
        return text if isinstance(text, str) else None


def _expected(question: Question) -> str:
    found = expected_answer(question.expected, question.text)
    return found.text if found else question.expected


def _refuses(status: int, told: Mapping[str, Any] | None) -> bool:
    """Whether the key is refused: by the status, or by the components alone, which need none."""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return True
    short = told is not None and "supported_functions" in told and "miner_name" not in told
    return status == HTTPStatus.OK and short


def _object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        told = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _wait(response: httpx.Response) -> float:
    asked = response.headers.get("Retry-After", "")
    seconds = float(asked) if asked.isdecimal() else 0.0
    return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)


def _broken(error: httpx.RequestError) -> str:
    connecting = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    return NO_CONNECTION if connecting else "connection broken off"


def _reason(error: httpx.RequestError) -> str:
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

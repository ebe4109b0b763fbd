"""Asking a miner over HTTP, one question at a time, and saying what came of it."""

import asyncio
import time
from http import HTTPStatus
from typing import Any, Literal
from uuid import uuid4

import httpx
from pydantic import BaseModel, ConfigDict

from nodes.comparer import Comparer
from tools.client import AsyncClient, Refused, Reply, Unreachable, calls
from tools.client.answers import Capabilities, Completion
from tools.client.calls import Call
from tools.evaluate.dataset import Question
from tools.evaluate.judging import Judge, judge, scored
from tools.evaluate.scoring import expected_answer, score

Form = Literal["unified", "flat"]
Outcome = Literal["right", "wrong", "unreadable", "timeout", "error"]

TASK = "Solve the problem and state the final answer."
NO_CONNECTION = "no connection"
NO_ANSWER = "200 without an answer"
PROBE_SECONDS = 10.0
MOST_WAITS = 5
LONGEST_WAIT = 120.0  # seconds
SHORTEST_WAIT = 1.0


class MinerError(Exception):
    """The miner cannot be evaluated. The message is one line, without the key."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Conditions(Frozen):
    """How questions are asked. `rate` is in questions a minute, `timeout` in seconds."""

    dataset: str
    questions: int = 0
    form: Form
    task: str
    timeout: float
    concurrency: int
    rate: float | None
    window: int
    temperature: float
    judge: str = ""


class Answered(Frozen):
    """One question asked, and how it was scored.

    `seconds` runs from the request to the whole answer. `read` is the final answer as it was read,
    empty where none could be; `error` names what went wrong. `waits` counts the times that the
    miner's rate limit made the question wait, which is not part of `seconds`. `criteria` are what
    the judge gave, each from 0 to 1; `None` where it was not asked or not understood.
    """

    number: int
    expected: str
    outcome: Outcome = "error"
    seconds: float = 0.0
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


class Asker:
    """Asks one miner, as the conditions say. `client` carries its address and the key."""

    def __init__(
        self,
        client: AsyncClient,
        comparer: Comparer,
        conditions: Conditions,
        judge: Judge | None = None,
    ) -> None:
        self.conditions = conditions
        self._client = client
        self._comparer = comparer
        self._judge = judge
        self._allowed_at = 0.0

    async def identify(self) -> Capabilities:
        """Ask what it is, with the key. Raises `MinerError` if it cannot be evaluated."""
        address = self._client.url
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                told = await self._client.send(calls.capabilities())
        except TimeoutError:
            raise MinerError(f"{address} gave no answer within {PROBE_SECONDS:g} s") from None
        except (Refused, Unreachable) as error:
            if error.__cause__ is not None:
                raise MinerError(f"{error}; is it running, and is this its address?") from None
            raise MinerError(
                f"what answers at {address} cannot be evaluated: "
                f"GET /capabilities gave {error.status or HTTPStatus.OK}"
            ) from None
        # Without the key it tells of its components alone.
        if not told.miner_name:
            raise MinerError(
                f"the miner at {address} refuses the key; it must be its MINER_API_KEY"
            )
        return told

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
        expected = expected_answer(question.expected, question.text)
        asked = Answered(
            number=question.number, expected=expected.text if expected else question.expected
        )
        reply, found = None, dict[str, Any]()
        began = time.monotonic()
        try:
            # The client limits each read; the network limits the whole answer.
            async with asyncio.timeout(self.conditions.timeout):
                reply = await self._client.reply(self._call(question))
        except TimeoutError:
            found = {
                "outcome": "timeout",
                "error": f"no answer in {self.conditions.timeout:g} s",
            }
        except Refused as error:
            found = self._refused(error)
        except Unreachable as error:
            found = _broken(error)
        seconds = time.monotonic() - began
        if reply is not None:
            found = await self._scored(reply, question)
        return asked.model_copy(update=found | {"seconds": seconds})

    async def _judged(self, question: Question, answered: Answered) -> dict[str, float] | None:
        if self._judge is None or not answered.arrived:
            return None
        return await judge(self._judge, question.text, answered.text)

    def _call(self, question: Question) -> Call[Any]:
        cid, task = f"evaluate-{uuid4()}", self.conditions.task
        if self.conditions.form == "flat":
            return calls.complete(cid, task, question.text)
        return calls.unified("complete", cid, task, [question.text], use_history=False)

    def _refused(self, error: Refused) -> dict[str, Any]:
        if error.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._allowed_at = time.monotonic() + _wait(error.retry_after or "")
        return {"status": error.status, "error": f"{error.status} {error.error[:60]}".strip()}

    async def _scored(self, reply: Reply[Any], question: Question) -> dict[str, Any]:
        value = reply.value
        text = value.response if isinstance(value, Completion) else value.output.immediate_response
        found = await score(self._comparer, text, question.expected, question.text)
        calls_made = reply.headers.get("x-miner-model-calls", "")
        return {
            "outcome": "right" if found.right else "wrong" if found.read else "unreadable",
            "status": HTTPStatus.OK.value,
            "read": found.read,
            "text": text,
            "model_calls": int(calls_made) if calls_made.isdecimal() else None,
        }


def _wait(asked: str) -> float:
    seconds = float(asked) if asked.isdecimal() else 0.0
    return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)


def _broken(error: Unreachable) -> dict[str, Any]:
    if error.__cause__ is None:
        told = str(error.status) if error.status else NO_ANSWER
        return {"status": error.status or HTTPStatus.OK.value, "error": told}
    connecting = isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
    return {"error": NO_CONNECTION if connecting else "connection broken off"}

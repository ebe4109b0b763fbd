"""One run of a machine, as it is seen from outside: its steps, its text, its end."""

import asyncio
import time
from asyncio import FIRST_COMPLETED
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Generic

from tools.client import AsyncClient, Call, ClientError, Event, Headers, NodeEvent, Result, Token
from tools.client.calls import Answer

START, END = "__start__", "__end__"
LOOK = 0.1  # seconds between two looks


@dataclass(slots=True)
class Step:
    """One node at work, in seconds since the run began; `ended` is unset while it works."""

    node: str
    began: float
    ended: float | None = None


@dataclass(slots=True, weakref_slot=True, eq=False)
class Run(Generic[Answer]):
    """What is known of a run. Times are in seconds since it was asked for."""

    call: Call[Answer]
    steps: list[Step] = field(default_factory=list)
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    answer: Answer | None = None
    error: ClientError | None = None
    first_token: float | None = None
    ended: float | None = None
    stopped: bool = False
    _asked: float = field(default_factory=time.monotonic)
    _before: set[str] = field(default_factory=lambda: {START})
    _now: set[str] = field(default_factory=set)
    _writer: str = ""

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._asked

    @property
    def working(self) -> list[str]:
        """The nodes at work."""
        return [step.node for step in self.steps if step.ended is None]

    def take(self, event: Event[Answer]) -> None:
        """Note what happened."""
        match event:
            case NodeEvent(node, "started"):
                self._start(node)
            case NodeEvent(node, _):
                self._finish(node)
            case Token():
                self._write(event)
            case Headers(values):
                self.headers = values
            case Result(value):
                self.answer = value
                self.taken.update((node, END) for node in self._now)

    def end(self, error: ClientError | None = None) -> None:
        """Note that nothing more will happen."""
        self.error = error
        self.ended = self.elapsed

    def _start(self, node: str) -> None:
        if self._now and not self.working:
            self._before, self._now = self._now, set()
        self.taken.update((before, node) for before in self._before)
        self._now.add(node)
        self.steps.append(Step(node, self.elapsed))
        self._writer = ""

    def _finish(self, node: str) -> None:
        for step in reversed(self.steps):
            if step.node == node and step.ended is None:
                step.ended = self.elapsed
                return

    def _write(self, token: Token) -> None:
        if self.first_token is None:
            self.first_token = self.elapsed
        if token.node != self._writer:  # a new version takes the place of the one before
            self.text, self._writer = "", token.node
        self.text += token.text


async def follow(
    connect: Callable[[], AsyncClient], call: Call[Answer], stop: asyncio.Event
) -> AsyncGenerator[Run[Answer], None]:
    """The run now and then, and at last when it is over.

    An error of the miner or on the way to it ends the run and is in it. Setting `stop` closes the
    connection, on which the miner ends its run.
    """
    run = Run(call)
    yield run
    taking = asyncio.ensure_future(_take_all(run, connect))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not (taking.done() or stopping.done()):
            await asyncio.wait((taking, stopping), timeout=LOOK, return_when=FIRST_COMPLETED)
            if not taking.done():
                yield run
        run.stopped = not taking.done()
    finally:
        taking.cancel()
        stopping.cancel()
        await asyncio.gather(taking, stopping, return_exceptions=True)
    run.end(None if run.stopped else taking.result())
    yield run


async def _take_all(run: Run[Answer], connect: Callable[[], AsyncClient]) -> ClientError | None:
    try:
        async with connect() as client, aclosing(client.stream(run.call)) as events:
            async for event in events:
                run.take(event)
    except ClientError as error:
        return error
    return None

"""Putting a data set to one miner, at a pace."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.evaluate.asking import NO_CONNECTION, Answered, Asker
from tools.evaluate.dataset import Question

GONE_AFTER = 5
"""Questions in a row without a connection, after which the miner counts as gone."""


class Interrupted(Exception):
    """The evaluation is to stop before anything was measured."""


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `concurrency` questions in work, and at most `per_minute` begun a minute."""

    concurrency: int = 1
    per_minute: float | None = None

    def begin(self, place: int) -> float:
        """Seconds after the start at which the question at this place may be asked."""
        return place * 60 / self.per_minute if self.per_minute else 0.0


@dataclass
class Run:
    """What has been measured so far, in the order in which the answers came.

    `ended_early` says why not all questions were asked; it is empty if they were.
    """

    answered: list[Answered] = field(default_factory=list)
    seconds: float = 0.0
    ended_early: str = ""


async def run(
    asker: Asker,
    questions: Sequence[Question],
    pace: Pace,
    stop: asyncio.Event,
    tell: Callable[[Run], None],
) -> Run:
    """Ask all questions, or as many as can be before `stop` is set or the miner is gone.

    `tell` is called after every answer.
    """
    measured = Run()
    began = time.monotonic()
    waiting = iter(enumerate(questions))

    async def work() -> None:
        for place, question in waiting:
            if measured.ended_early:
                return
            await asyncio.sleep(began + pace.begin(place) - time.monotonic())
            measured.answered.append(await asker.ask(question))
            measured.seconds = time.monotonic() - began
            if _gone(measured.answered):
                measured.ended_early = f"the miner gave {NO_CONNECTION} {GONE_AFTER} times in a row"
            tell(measured)

    if not await finished_before(stop, *(work() for _ in range(pace.concurrency))):
        measured.ended_early = measured.ended_early or "interrupted"
    return measured


async def finished_before(stop: asyncio.Event, *works: Coroutine[None, None, None]) -> bool:
    """Do all works at once; `False` if `stop` was set before they were done, and ended them.

    What one raises ends the others and is raised here.
    """
    together = asyncio.gather(*works)
    stopping = asyncio.ensure_future(stop.wait())
    futures: set[asyncio.Future[Any]] = {together, stopping}
    try:
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        if not together.done():
            return False
        await together
        return True
    finally:
        for future in futures:
            future.cancel()
        await asyncio.gather(*futures, return_exceptions=True)


def _gone(answered: Sequence[Answered]) -> bool:
    last = answered[-GONE_AFTER:]
    return len(last) == GONE_AFTER and all(one.error == NO_CONNECTION for one in last)

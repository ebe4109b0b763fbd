"""Putting a data set to one miner, at a pace."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tools.evaluate.asking import NO_CONNECTION, Answered, Asker
from tools.evaluate.dataset import Question

GONE_AFTER = 5
"""Questions in a row without a connection, after which the miner counts as gone."""
INTERRUPTED = "interrupted"


@dataclass
class Run:
    """What has been measured so far, in the order in which the answers came.

    `ended_early` says why not all questions were asked; it is empty if they were.
    """

    answered: list[Answered] = field(default_factory=list)
    seconds: float = 0.0
    ended_early: str = ""


async def run(asker: Asker, questions: Sequence[Question], tell: Callable[[Run], None]) -> Run:
    """Ask all questions, or as many as can be before the miner is gone.

    A cancellation ends it as well, and is raised only where nothing was answered before. `tell` is
    called after every answer.
    """
    how, measured = asker.conditions, Run()
    began = time.monotonic()
    waiting = iter(enumerate(questions))
    pause = 60 / how.rate if how.rate else 0.0

    async def work() -> None:
        for place, question in waiting:
            if measured.ended_early:
                return
            await asyncio.sleep(began + place * pause - time.monotonic())
            measured.answered.append(await asker.ask(question))
            measured.seconds = time.monotonic() - began
            if _gone(measured.answered):
                measured.ended_early = f"the miner gave {NO_CONNECTION} {GONE_AFTER} times in a row"
            tell(measured)

    try:
        async with asyncio.TaskGroup() as works:
            for _ in range(how.concurrency):
                works.create_task(work())
    except asyncio.CancelledError:
        if not measured.answered:
            raise
        measured.ended_early = measured.ended_early or INTERRUPTED
    return measured


def _gone(answered: Sequence[Answered]) -> bool:
    last = answered[-GONE_AFTER:]
    return len(last) == GONE_AFTER and all(one.error == NO_CONNECTION for one in last)

"""From targets and questions to a report."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nodes.comparer import Comparer
from tools.client import AsyncClient, Unusable
from tools.evaluate.asking import Asker, MinerError
from tools.evaluate.comparing import compare
from tools.evaluate.dataset import Question
from tools.evaluate.judging import Judge
from tools.evaluate.launching import launched
from tools.evaluate.report import Conditions, Measured, Report
from tools.evaluate.running import Interrupted, Pace, Run, run
from tools.evaluate.summary import summarize

INTERRUPTED = "interrupted"
Progress = Callable[[str], AbstractContextManager[Callable[[Run], None]]]


@dataclass(frozen=True, slots=True)
class Target:
    """A miner to ask: one at `address`, or without it one to launch with the strategy `name`."""

    name: str
    address: str = ""
    key: str = ""


async def evaluate(
    targets: Sequence[Target],
    questions: Sequence[Question],
    conditions: Conditions,
    *,
    judge: Judge | None,
    env_file: Path,
    stop: asyncio.Event,
    progress: Progress,
) -> Report:
    """Ask all targets all questions, one target after the other.

    A target that cannot be asked ends the evaluation, as does `stop`; the report holds what was
    measured before, and says so in `failure`.
    """
    began_at, runs, failure = datetime.now(UTC), [], ""
    for target in targets:
        try:
            async with _at_its_address(target, env_file, stop) as reached:
                measured = await _measure(
                    reached, questions, conditions, judge=judge, stop=stop, progress=progress
                )
        except (MinerError, Unusable) as error:
            failure = str(error)
        except Interrupted:
            failure = INTERRUPTED
        else:
            runs.append(measured)
            failure = measured.ended_early
        if failure:
            break
    return Report(
        began_at=began_at,
        conditions=conditions,
        runs=runs,
        comparison=compare({one.name: one.answered for one in runs}),
        failure=failure,
    )


@asynccontextmanager
async def _at_its_address(
    target: Target, env_file: Path, stop: asyncio.Event
) -> AsyncIterator[Target]:
    if target.address:
        yield target
        return
    async with launched(target.name, env_file, stop) as miner:
        yield Target(target.name, miner.address, miner.key)


async def _measure(
    target: Target,
    questions: Sequence[Question],
    conditions: Conditions,
    *,
    judge: Judge | None,
    stop: asyncio.Event,
    progress: Progress,
) -> Measured:
    async with (
        AsyncClient(target.address, target.key, timeout=conditions.timeout) as client,
        Comparer.open() as comparer,
    ):
        asker = Asker(
            client,
            comparer,
            form=conditions.form,
            task=conditions.task,
            timeout=conditions.timeout,
            judge=judge,
        )
        identity = await asker.identify()
        with progress(target.name) as tell:
            pace = Pace(conditions.concurrency, conditions.rate)
            found = await run(asker, questions, pace, stop, tell)
    if not found.answered:
        raise Interrupted
    return Measured(
        name=target.name,
        address=target.address,
        provider=identity.provider,
        model=identity.model,
        ended_early=found.ended_early,
        summary=summarize(
            found.answered,
            window=conditions.window,
            temperature=conditions.temperature,
            seconds=found.seconds,
        ),
        answered=found.answered,
    )

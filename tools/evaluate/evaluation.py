"""From targets and questions to a report."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nodes.comparer import Comparer
from tools.client import AsyncClient, Unusable
from tools.evaluate.asking import Asker, Conditions, MinerError
from tools.evaluate.comparing import compare
from tools.evaluate.dataset import Question
from tools.evaluate.judging import Judge
from tools.evaluate.report import Measured, Report
from tools.evaluate.running import INTERRUPTED, Run, run
from tools.evaluate.summary import summarize
from tools.model_file import ModelUnavailable
from tools.own_miner import own_miner, own_settings
from tools.supervisor import ChildFailed

Progress = Callable[[str], AbstractContextManager[Callable[[Run], None]]]


@dataclass(frozen=True, slots=True)
class Target:
    """A miner to ask: one at `address`, or without it one to launch with the strategy `name`."""

    name: str
    address: str = ""
    key: str = ""


def evaluate(
    targets: Sequence[Target],
    questions: Sequence[Question],
    conditions: Conditions,
    *,
    judge: Judge | None,
    env_file: Path,
    progress: Progress,
) -> Report:
    """Ask all targets all questions, one target after the other.

    A target that cannot be asked ends the evaluation, as does a `KeyboardInterrupt`; the report
    holds what was measured before, and says so in `failure`.
    """
    began_at, runs, failure = datetime.now(UTC), list[Measured](), ""
    for target in targets:
        try:
            with _at_its_address(target, env_file) as reached:
                runs.append(asyncio.run(_measure(reached, questions, conditions, judge, progress)))
            failure = runs[-1].ended_early
        except (ChildFailed, MinerError, ModelUnavailable, Unusable) as error:
            failure = str(error)
        except KeyboardInterrupt:
            failure = INTERRUPTED
        if failure:
            break
    return Report(
        began_at=began_at,
        conditions=conditions,
        runs=runs,
        comparison=compare({one.name: one.answered for one in runs}),
        failure=failure,
    )


@contextmanager
def _at_its_address(target: Target, env_file: Path) -> Iterator[Target]:
    if target.address:
        yield target
        return
    with (
        own_settings(env_file, COMPLETE_STRATEGY=target.name) as own,
        own_miner(f"the miner for {target.name}", own) as address,
    ):
        yield Target(target.name, address, own["MINER_API_KEY"])


async def _measure(
    target: Target,
    questions: Sequence[Question],
    conditions: Conditions,
    judge: Judge | None,
    progress: Progress,
) -> Measured:
    async with (
        AsyncClient(target.address, target.key, timeout=conditions.timeout) as client,
        Comparer.open() as comparer,
    ):
        asker = Asker(client, comparer, conditions, judge)
        told = await asker.identify()
        with progress(target.name) as tell:
            found = await run(asker, questions, tell)
    return Measured(
        name=target.name,
        address=target.address,
        provider=told.llm_provider,
        model=told.model,
        ended_early=found.ended_early,
        summary=summarize(
            found.answered,
            window=conditions.window,
            temperature=conditions.temperature,
            seconds=found.seconds,
        ),
        answered=found.answered,
    )

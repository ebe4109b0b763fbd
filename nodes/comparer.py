"""Groups of equal final answers; formulas are compared in a worker process with a time limit."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from nodes.answers import FinalAnswer, same

LIMIT_SECONDS = 2.0
START_SECONDS = 15.0  # importing the maths library, on a busy machine
_ROOT = Path(__file__).resolve().parents[1]


class Comparer:
    """Compares final answers. The worker process is started at the first need.

    A comparison of formulas that takes longer than `limit_seconds` ends its worker, and counts as
    unequal. Belongs to one event loop.
    """

    def __init__(self, *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._limit = limit_seconds
        self._worker: Process | None = None
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        """A comparer whose worker process, if one was needed, is ended at the end."""
        comparer = cls()
        try:
            yield comparer
        finally:
            await comparer.close()

    async def groups(self, answers: Sequence[FinalAnswer | None]) -> list[int | None]:
        """For each answer the number of its group, in the order in which these appear.

        Answers that name their unit are looked at first, so that `5` is in the group of `5 hours`
        where nobody says `5 minutes`, and else in one of its own. Equality is made transitive by
        comparing with the first member of each group.
        """
        firsts: list[FinalAnswer] = []
        found: dict[int, int] = {}
        present = [(place, answer) for place, answer in enumerate(answers) if answer]
        for place, answer in sorted(present, key=lambda each: not each[1].unit):
            equal = [at for at, first in enumerate(firsts) if await self._same(first, answer)]
            if not equal or (len(equal) > 1 and not answer.unit):
                firsts.append(answer)
                equal = [len(firsts) - 1]
            found[place] = equal[0]
        appearing = dict.fromkeys(found[place] for place, _ in present)
        order = {group: rank for rank, group in enumerate(appearing)}
        return [order[found[place]] if place in found else None for place in range(len(answers))]

    async def close(self) -> None:
        """End the worker process."""
        async with self._turn:
            await self._end()

    async def _same(self, one: FinalAnswer, other: FinalAnswer) -> bool:
        known = same(one, other)
        return await self._calculated(one.value, other.value) if known is None else known

    async def _calculated(self, one: str, other: str) -> bool:
        async with self._turn:
            try:
                if self._worker is None:
                    async with asyncio.timeout(START_SECONDS):
                        await self._start()
                async with asyncio.timeout(self._limit):
                    return await self._asked(json.dumps([one, other]))
            except (TimeoutError, ConnectionError, EOFError):
                await self._end()
                return False
            except asyncio.CancelledError:
                await self._end()  # its answer would be taken for the next pair's
                raise

    async def _start(self) -> None:
        command = (sys.executable, "-m", "nodes.formula_worker")
        self._worker = await asyncio.create_subprocess_exec(
            *command, cwd=_ROOT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        await self._line(self._worker)

    async def _asked(self, question: str) -> bool:
        worker = self._worker
        if worker is None or worker.stdin is None:
            raise EOFError
        worker.stdin.write(f"{question}\n".encode())
        await worker.stdin.drain()
        return bool(json.loads(await self._line(worker)))

    async def _line(self, worker: Process) -> bytes:
        line = await worker.stdout.readline() if worker.stdout else b""
        if not line:
            raise EOFError
        return line

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()

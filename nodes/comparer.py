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
START_SECONDS = 30.0  # importing the maths library, on a busy machine
MOST_KNOWN = 1000
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
        self._running: set[asyncio.Task[bool]] = set()
        self._known: dict[tuple[str, str], bool] = {}
        self._closed = False

    @property
    def worker(self) -> int | None:
        """The process id of the worker; `None` while there is none."""
        return self._worker.pid if self._worker else None

    @classmethod
    @asynccontextmanager
    async def open(cls, *, limit_seconds: float = LIMIT_SECONDS) -> AsyncIterator[Self]:
        """A comparer whose worker process, if one was needed, is ended at the end."""
        comparer = cls(limit_seconds=limit_seconds)
        try:
            yield comparer
        finally:
            await comparer.close()

    async def groups(
        self, answers: Sequence[FinalAnswer | None], *, within: float | None = None
    ) -> list[int | None]:
        """For each answer the number of its group, in the order in which these appear.

        Answers that name their unit are looked at first, so that `5` is in the group of `5 hours`
        where nobody says `5 minutes`, and else in one of its own. Equality is made transitive by
        comparing with the first member of each group. Formulas that could not be compared
        `within` that many seconds count as unequal.
        """
        until = None if within is None else asyncio.get_running_loop().time() + within
        firsts: list[FinalAnswer] = []
        found: dict[int, int] = {}
        present = [(place, answer) for place, answer in enumerate(answers) if answer]
        for place, answer in sorted(present, key=lambda each: not each[1].unit):
            equal = [at for at, one in enumerate(firsts) if await self._same(one, answer, until)]
            alike = [at for at in equal if bool(firsts[at].unit) is bool(answer.unit)]
            if not alike and len(equal) != 1:
                firsts.append(answer)
                alike = [len(firsts) - 1]
            found[place] = (alike or equal)[0]
        appearing = dict.fromkeys(found[place] for place, _ in present)
        order = {group: rank for rank, group in enumerate(appearing)}
        return [order[found[place]] if place in found else None for place in range(len(answers))]

    async def close(self) -> None:
        """End the worker process, and what waits for it."""
        self._closed = True
        await self._end()
        await asyncio.gather(*self._running)
        await self._end()  # one that was being started when the first look was taken

    async def _same(self, one: FinalAnswer, other: FinalAnswer, until: float | None) -> bool:
        known = same(one, other)
        pair = one.value, other.value
        if known is not None or pair in self._known:
            return self._known[pair] if known is None else known
        # Goes on when its caller leaves, whose answer would be taken for the next pair's.
        task = asyncio.create_task(self._calculated(pair))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            async with asyncio.timeout_at(until):
                return await asyncio.shield(task)
        except TimeoutError:
            return False

    async def _calculated(self, pair: tuple[str, str]) -> bool:
        async with self._turn:
            if self._closed:
                return False
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            try:
                worker = self._worker or await self._started()
                async with asyncio.timeout(self._limit):
                    self._known[pair] = json.loads(await _said(worker, json.dumps(pair)))
            except (TimeoutError, ConnectionError, EOFError):
                self._known[pair] = False
                await self._end()
            return self._known[pair]

    async def _started(self) -> Process:
        command = (sys.executable, "-m", "nodes.formula_worker")
        self._worker = await asyncio.create_subprocess_exec(
            *command, cwd=_ROOT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        async with asyncio.timeout(START_SECONDS):
            await _said(self._worker, json.dumps(["x", "x"]))
        return self._worker

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()


async def _said(worker: Process, question: str) -> bytes:
    """The worker's line for a line. Raises `EOFError` and `ConnectionError` when it has ended."""
    if worker.stdin is None or worker.stdout is None:
        raise EOFError
    worker.stdin.write(f"{question}\n".encode())
    await worker.stdin.drain()
    line = await worker.stdout.readline()
    if not line:
        raise EOFError
    return line

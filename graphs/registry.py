"""The machines by the name of their component."""

from collections.abc import Callable
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from graphs import (
    aggregate,
    complete,
    feedback,
    human_feedback,
    internet_search,
    refine,
    summary,
)
from nodes.miner import Miner
from nodes.state import Request, Result

AnyMachine = CompiledStateGraph[Any, None, Request, Result]

BUILDERS: dict[str, Callable[[Miner], AnyMachine]] = {
    "complete": complete.build,
    "feedback": feedback.build,
    "refine": refine.build,
    "human_feedback": human_feedback.build,
    "internet_search": internet_search.build,
    "summary": summary.build,
    "aggregate": aggregate.build,
}
COMPONENTS = tuple(BUILDERS)
MOST_STEPS = 60  # far above what the loops' own bounds allow


class Machines:
    """Every machine, compiled once for one miner."""

    def __init__(self, miner: Miner) -> None:
        self._machines = {name: build(miner) for name, build in BUILDERS.items()}

    async def run(self, component: str, request: Request) -> Result:
        """Run one machine on one request.

        Raises what the steps raise that the answer cannot do without: `nodes.errors.MinerError`,
        and for `human_feedback` also `memory.MemoryStoreError`.
        """
        final = await self._machines[component].ainvoke(
            request, config={"recursion_limit": MOST_STEPS}
        )
        return Result.model_validate(final)

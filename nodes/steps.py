"""Binding a node to its miner, and what every later step has in common."""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog
from langgraph.config import get_config

from nodes.errors import DeadlinePassed, MinerError
from nodes.miner import Miner
from nodes.state import State, Timing, Update

log = structlog.get_logger(__name__)

S = TypeVar("S", bound=State)
Node = Callable[[Miner, S], Awaitable[Update]]
S_contra = TypeVar("S_contra", bound=State, contravariant=True)


class BoundNode(Protocol[S_contra]):
    """A node that knows its miner, in the form LangGraph takes."""

    def __call__(self, state: S_contra) -> Awaitable[Update]: ...


def step(miner: Miner, node: Node[S]) -> BoundNode[S]:
    """A step the run cannot do without: its errors end the run."""

    async def run(state: S) -> Update:
        started = time.monotonic()
        return _timed(await node(miner, state), started)

    return run


def later_step(miner: Miner, node: Node[S], expected_tokens: Callable[[S], int]) -> BoundNode[S]:
    """A step that may improve an answer already there.

    It is entered only if an answer of `expected_tokens` is expected before the deadline. When it
    is not entered, or fails, the run is halted: the best answer so far stands.
    """

    async def run(state: S) -> Update:
        if not miner.model.fits(deadline(state), expected_tokens(state)):
            return {"halted": True, "stopped_by_deadline": True}
        started = time.monotonic()
        try:
            return _timed(await node(miner, state), started)
        except MinerError as error:
            log.warning("step failed; the answer so far stands", reason=str(error))
            return {
                "halted": True,
                "stopped_by_deadline": isinstance(error, DeadlinePassed),
                "fallback": state.fallback or "a later step failed",
            }

    return run


def _timed(update: Update, started: float) -> Update:
    name = get_config()["metadata"]["langgraph_node"]
    return update | {"timings": [Timing(node=name, seconds=time.monotonic() - started)]}


def deadline(state: State) -> float:
    """The deadline of a run that has begun."""
    if state.deadline is None:
        raise ValueError("the run has not begun: its first node sets the deadline")
    return state.deadline

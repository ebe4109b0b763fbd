"""Binding a node to its miner, and what the steps around a model call have in common."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Protocol, TypedDict, TypeVar, Unpack

import structlog
from langgraph.config import get_config, get_stream_writer
from langgraph.runtime import get_runtime

from nodes.context import Parts, compose
from nodes.errors import DeadlinePassed, MinerError
from nodes.foreign import defused, restored, without_marks
from nodes.llm.spans import span
from nodes.llm.turns import JsonSchema, Reply
from nodes.miner import Miner
from nodes.state import Options, State, Timing, Turn, Update

log = structlog.get_logger(__name__)

S = TypeVar("S", bound=State)
ANSWERED: ContextVar[Callable[[], None]] = ContextVar("answered", default=lambda: None)
"""Called by a run that has its answer, and only keeps it still."""
REVISING = {"writes": "revision"}  # metadata of nodes that write an answer again
Changed = Mapping[str, object]  # any of the updates in `nodes.state`
Node = Callable[[Miner, S], Awaitable[Changed]]
S_contra = TypeVar("S_contra", bound=State, contravariant=True)


class BoundNode(Protocol[S_contra]):
    """A node that knows its miner, in the form LangGraph takes."""

    def __call__(self, state: S_contra) -> Awaitable[Changed]: ...


class AskOptions(TypedDict, total=False):
    """What `Model.ask` takes beside the conversation."""

    limit: int | None
    temperature: float | None
    schema: JsonSchema | None
    keep_partial: bool
    shown: bool


def required(miner: Miner, node: Node[S]) -> BoundNode[S]:
    """A step the run cannot do without: its errors end the run."""

    async def run(state: S) -> Changed:
        return await _run(miner, node, state)

    return run


def best_effort(miner: Miner, node: Node[S], tokens: int | None = None) -> BoundNode[S]:
    """A step that may improve an answer already there.

    It is entered only if an answer of `tokens` tokens, or else one as long as the first of the
    run, is expected before the deadline. When it is not entered, or fails, the run is halted: the
    best answer so far stands.
    """

    async def run(state: S) -> Changed:
        expected = first_length(state) if tokens is None else miner.model.with_thoughts(tokens)
        if not miner.model.fits(deadline(state), expected):
            return Update(halted="deadline")
        try:
            return await _run(miner, node, state)
        except MinerError as error:
            log.warning("step failed; the answer so far stands", reason=str(error))
            late = isinstance(error, DeadlinePassed)
            return Update(halted="deadline" if late else "failure", fallbacks=[f"{_node()} failed"])

    return run


async def ask(
    miner: Miner,
    state: State,
    turns: Sequence[Turn],
    *,
    until: float | None = None,
    **options: Unpack[AskOptions],
) -> Reply:
    """One answer of the model before `until`, by default the deadline of the run.

    See `Model.ask`; `until` is on the clock of `time.monotonic()`.
    """
    sent = [_defused(turn) for turn in turns]
    reply = await miner.model.ask(_node(), sent, deadline=until or deadline(state), **options)
    return replace(reply, text=restored(without_marks(reply.text)))


async def write(miner: Miner, state: State, parts: Parts) -> tuple[Reply, Update]:
    """Compose a prompt and have it answered, with the update that most steps make of that.

    What had come when time ran out is an answer too, marked as truncated.
    """
    prompt = await compose(miner, parts)
    reply = await ask(miner, state, prompt.turns, keep_partial=True)
    return reply, Update(
        prompt=prompt.turns,
        cut=[*state.cut, *(part for part in prompt.cut if part not in state.cut)],
        answer=reply.text,
        truncated=reply.truncated,
        rounds=state.rounds + 1,
        calls=[reply.call],
    )


def options() -> Options:
    """How this run is to be made."""
    return get_runtime(Options).context or Options()


def tell(**found: object) -> None:
    """What a step has found, for whoever streams the run in the mode `custom`."""
    get_stream_writer()({"node": _node(), **found})


def first_length(state: State) -> int:
    """Tokens of the first answer of a run, with its reasoning."""
    return state.calls[0].completion_tokens if state.calls else 0


def deadline(state: State) -> float:
    """The deadline of a run that has begun."""
    if state.deadline is None:
        raise ValueError("the run has not begun: its first node sets the deadline")
    return state.deadline


async def _run(miner: Miner, node: Node[S], state: S) -> Changed:
    name, started = _node(), time.monotonic()
    with span(name):
        update = await node(miner, state)
    return {**update, "timings": [Timing(node=name, seconds=time.monotonic() - started)]}


def _defused(turn: Turn) -> Turn:
    content = defused(turn.content)
    safe = content == turn.content
    return turn if safe else Turn(role=turn.role, content=content, recalled=turn.recalled)


def _node() -> str:
    name: str = get_config()["metadata"]["langgraph_node"]
    return name

"""The machines by the name of their component."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, cast

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
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
from nodes.notebook import Output, output_of
from nodes.state import Options, Request, Result
from nodes.steps import ANSWERED
from nodes.vote import plan

__all__ = ["Output", "output_of"]  # what a run comes to for who keeps a document beside answers

AnyMachine = CompiledStateGraph[Any, Any, Request, Result]
BY_SETTINGS = Options()

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


CONFIG: RunnableConfig = {"recursion_limit": 60}  # far above what the loops' own bounds allow


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """A node began (`started`) or ended."""

    node: str
    state: Literal["started", "finished"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an answer as the model writes it, and whether it is a first or a later one.

    `call` numbers the calls of the model whose tokens are told: each begins a text anew, also
    where a call that broke off is made again.
    """

    node: str
    kind: Literal["draft", "revision"]
    call: int
    text: str


class Machines:
    """Every machine, compiled once for one miner."""

    def __init__(self, miner: Miner) -> None:
        self._settings = miner.settings
        self._machines = {name: build(miner) for name, build in BUILDERS.items()}

    def graph(self, component: str) -> AnyMachine:
        """The compiled machine itself, for drawing and for stepping through."""
        return self._machines[component]

    def writes_once(self, component: str, options: Options) -> bool:
        """Whether the tokens of a run are those of its answer."""
        return component == "complete" and plan(self._settings, options).strategy == "draft"

    async def run(
        self,
        component: str,
        request: Request,
        options: Options = BY_SETTINGS,
        *,
        answered: Callable[[], None] = lambda: None,
    ) -> Result:
        """Run one machine on one request; `answered` is called as soon as it only has to keep the
        answer.

        Raises what the steps raise that the answer cannot do without: `nodes.errors.MinerError`,
        and for `human_feedback` also `memory.MemoryStoreError`.
        """
        ANSWERED.set(answered)
        return Result.model_validate(
            await self._machines[component].ainvoke(request, config=CONFIG, context=options)
        )

    async def stream(
        self, component: str, request: Request, options: Options = BY_SETTINGS
    ) -> AsyncGenerator[NodeEvent | Token | Result, None]:
        """Run one machine and tell what happens as it does; the last item is the result.

        Raises what `run` raises. Closing the iterator ends the run, down to the model call.
        """
        final: dict[str, Any] = {}
        texts = _Texts()
        stream = self._machines[component].astream(
            request,
            config=CONFIG,
            context=options,
            stream_mode=["tasks", "messages", "values"],
        )
        async with aclosing(cast(AsyncGenerator[Any, None], stream)) as run:
            async for mode, chunk in run:
                if mode == "values":
                    final = chunk
                elif mode == "tasks":
                    yield NodeEvent(chunk["name"], "started" if "input" in chunk else "finished")
                elif token := texts.token(*chunk):
                    yield token
        yield Result.model_validate(final)


class _Texts:
    """The answers that a run is writing, one for each call of the model."""

    def __init__(self) -> None:
        self._calls: dict[str | None, int] = {}

    def token(self, message: BaseMessage, about: Mapping[str, Any]) -> Token | None:
        """A piece of a message as a token, if there is any text in it."""
        if not message.text:
            return None
        call = self._calls.setdefault(message.id, len(self._calls) + 1)
        return Token(about["langgraph_node"], about.get("writes", "draft"), call, message.text)

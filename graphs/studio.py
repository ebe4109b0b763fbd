"""The machines for LangGraph Studio: `langgraph dev` finds them through `langgraph.json`.

One miner serves all of them, opened from the settings and closed with the server. Studio asks
for a machine again and again, so the factories only hand out what was compiled at the opening.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from langgraph.constants import START
from langgraph.graph import StateGraph
from langgraph.types import Overwrite
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from graphs.forms import FORMS, Input
from graphs.registry import BUILDERS, CONFIG, AnyMachine
from memory import MemoryStoreError, StoreLocked
from nodes.errors import SearchUnavailable
from nodes.miner import Miner
from nodes.state import Request
from settings import ENV_FILE, Settings, SettingsError

log = structlog.get_logger(__name__)

ACCUMULATED = ("fallbacks", "calls", "timings")


class Studio:
    """What this process has open: nothing, or one miner and its machines."""

    def __init__(self) -> None:
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._machines: dict[str, AnyMachine] = {}

    async def machine(self, component: str) -> AnyMachine:
        """The compiled machine. The first call opens the miner; others wait for that one.

        Raises `HTTPException` with one line, as long as the miner cannot be opened.
        """
        return (await self.machines())[component]

    async def machines(self) -> dict[str, AnyMachine]:
        """All of them, by component. Raises as `machine` does."""
        async with self._opening:
            if not self._machines:
                miner = await self._open()
                self._machines = {
                    name: for_threads(build(miner)) for name, build in BUILDERS.items()
                }
        return self._machines

    async def close(self) -> None:
        """Close the miner, if it is open."""
        await self._stack.aclose()

    async def _open(self) -> Miner:
        try:
            settings = await asyncio.to_thread(Settings.load)
            return await self._stack.enter_async_context(Miner.open(settings))
        except (SettingsError, MemoryStoreError, SearchUnavailable) as error:
            raise HTTPException(503, await asyncio.to_thread(_advice, error)) from None


def for_threads(machine: AnyMachine) -> AnyMachine:
    """The machine as Studio needs it, where runs follow each other on one thread.

    A thread keeps the state that its last run ended with, which the miner's own requests never
    meet: here every run begins with its input alone, in the form that Studio shows for it.
    Its steps and its end show the whole state, where the miner returns the result.
    """
    builder: StateGraph[Any, Any, Any, Any] = machine.builder
    asked, told, options = FORMS[machine.name]
    blank: dict[str, Any] = builder.state_schema().model_dump()
    blank |= {name: Overwrite([]) for name in ACCUMULATED}

    def begin(given: object) -> dict[str, Any]:
        return blank | _fields(asked, given)

    # The start may then write, and the stream show, every channel.
    for form in (asked, told):
        builder.schemas[form] = builder.schemas[builder.state_schema]
    builder.input_schema, builder.output_schema, builder.context_schema = asked, told, options
    studied = builder.compile(name=machine.name)
    studied.nodes[START].mapper = begin
    return studied.with_config(CONFIG)


def _fields(asked: type[Input], given: object) -> dict[str, Any]:
    try:
        request = asked.model_validate(given).to_request()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "input"
        raise ValueError(f"{name}: {first['msg']}") from None
    return {name: getattr(request, name) for name in Request.model_fields}


def _advice(error: Exception) -> str:
    if isinstance(error, StoreLocked):
        return (
            f"{error}. Stop the miner that runs on it, or give Studio a folder of its own: "
            "DATA_DIR=data/studio langgraph dev"
        )
    if isinstance(error, SettingsError) and not ENV_FILE.exists():
        return f"{error}. There is no .env yet: `python run.py` writes one at its first start"
    return str(error)


def _factory(component: str) -> Callable[[], Awaitable[AnyMachine]]:
    async def machine() -> AnyMachine:
        return await studio.machine(component)

    return machine


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Open the miner with the server. Where it cannot be, say so: the next run tries again."""
    try:
        await studio.machines()
    except HTTPException as error:
        log.error("no machine can run yet", reason=error.detail)
    try:
        yield
    finally:
        await studio.close()


studio = Studio()
app = Starlette(lifespan=lifespan)

complete = _factory("complete")
feedback = _factory("feedback")
refine = _factory("refine")
human_feedback = _factory("human_feedback")
internet_search = _factory("internet_search")
summary = _factory("summary")
aggregate = _factory("aggregate")

"""A real miner in front of a scripted backend, and what its machines did."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from graphs.registry import CONFIG, Machines
from nodes.miner import Miner
from nodes.state import Request, Result
from scripted import Recorded, Scripted
from settings import Settings
from support import make_settings

WINDOW = 32_768


def settings_for(
    data_dir: Path, backend: Scripted, provider: str = "vllm", **overrides: object
) -> Settings:
    """Settings of a miner that asks `backend` as `provider`, and looks again at its answers."""
    chosen: dict[str, object] = {
        "llm_provider": provider,
        "deadline_seconds": 20,
        "complete_strategy": "check",
    }
    if provider == "openai":
        chosen |= {"openai_base_url": backend.base_url, "openai_api_key": "sk-test"}
    else:
        chosen |= {"vllm_api_base": backend.base_url}
    return make_settings(data_dir, **(chosen | overrides))


@dataclass
class Room:
    """A miner, its machines, and the nodes that the last run went through."""

    miner: Miner
    backend: Scripted
    path: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machines = Machines(self.miner)

    async def run(self, component: str, **fields: object) -> Result:
        """Run one machine on a request of these fields; the user is `ann` unless they say."""
        # The model checks what the fields hold.
        request = Request(**({"cid": "ann"} | fields))  # type: ignore[arg-type]
        self.path, final = [], {}
        async for mode, chunk in self.machines.graph(component).astream(
            request, config=CONFIG, stream_mode=["updates", "values"]
        ):
            if mode == "values":
                final = chunk
            else:
                self.path += list(chunk)
        return Result.model_validate(final)

    async def complete(self, task: str = "Say something.", **fields: object) -> Result:
        return await self.run("complete", task=task, **fields)

    async def tell(self, *sayings: str, cid: str = "ann") -> Result:
        """Run `human_feedback` on what a user says."""
        return await self.run("human_feedback", queries=list(sayings), cid=cid)

    async def knows(self, *contents: str, category: str = "other", cid: str = "ann") -> None:
        """Put entries into the user's playbook."""
        for content in contents:
            await self.miner.playbook.add(cid, content, category)

    async def known(self, cid: str = "ann") -> list[str]:
        return [entry.content for entry in await self.miner.playbook.all(cid)]

    @property
    def asked(self) -> list[Recorded]:
        return self.backend.requests

    def messages(self, call: int = -1) -> list[dict[str, str]]:
        """The messages of one of the calls so far."""
        messages: list[dict[str, str]] = self.backend.requests[call].body["messages"]
        return messages


@asynccontextmanager
async def machine_room(settings: Settings, backend: Scripted) -> AsyncIterator[Room]:
    """A miner with these settings, closed at the end of the block."""
    async with Miner.open(settings) as miner:
        yield Room(miner, backend)

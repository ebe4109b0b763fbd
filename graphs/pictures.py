"""The machines as Mermaid, for `docs/machines.md`: `python -m graphs.pictures`."""

import asyncio
import sys
import tempfile
from pathlib import Path

import structlog

from graphs.registry import COMPONENTS, Machines
from nodes.miner import Miner
from settings import Settings


def picture(machines: Machines, component: str) -> str:
    """One machine as a Mermaid flowchart."""
    drawn = machines.graph(component).get_graph().draw_mermaid(with_styles=False)
    lines = [line.strip().rstrip(";") for line in drawn.splitlines() if line.strip()]
    return "\n".join([lines[0], *(f"    {line}" for line in lines[1:])])


def section(machines: Machines) -> str:
    """All machines, as `docs/machines.md` shows them."""
    return "\n\n".join(
        f"**{component}**\n\n```mermaid\n{picture(machines, component)}\n```"
        for component in COMPONENTS
    )


async def _print() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(
            None,
            llm_provider="local",
            local_api_base="http://127.0.0.1:1/v1",  # drawing needs no model
            miner_api_key="drawing",
            data_dir=Path(folder),
        )
        async with Miner.open(settings) as miner:
            sys.stdout.write(section(Machines(miner)) + "\n")


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(_print())

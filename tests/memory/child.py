"""A process of its own over a playbook: `child.py DOING DATA_DIR [CHROMA_URL [DATABASE_URL]]`."""

import asyncio
import os
import sys
from pathlib import Path

from memory import Playbook, Replace, StoreLocked
from memory.turns import open_turns
from settings import Settings
from support import make_settings

USER = "the-user-of-both"
COUNTS = 15


async def add_forever(settings: Settings) -> None:
    """Add entries, each written to stdout once it was acknowledged."""
    async with Playbook.open(settings) as playbook:
        for number in range(settings.max_playbook_nodes):
            entry = await playbook.add(USER, f"preference {number}", "topic", "x" * 500)
            say(entry.node_id)


async def count_up(settings: Settings) -> None:
    """Read the entry's number and write the next one, over and over, each time in a turn."""
    async with Playbook.open(settings) as playbook:
        say("open")
        await asyncio.to_thread(sys.stdin.readline)
        for _ in range(COUNTS):
            async with playbook.writing(USER) as writer:
                [entry] = await writer.all()
                await writer.apply([Replace(entry.node_id, str(int(entry.content) + 1))])


async def die_in_turn(settings: Settings) -> None:
    """Take a turn and never give it back."""
    async with open_turns(settings, shared=True) as turns, turns.hold(USER):
        say("held")
        os.abort()


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    doing = {task.__name__: task for task in (add_forever, count_up, die_in_turn)}
    [_, name, folder, *url] = sys.argv
    shared = dict(zip(("chroma_url", "database_url"), url, strict=False))
    options: dict[str, object] = dict(shared) or {"max_playbook_nodes": 1000}
    try:
        asyncio.run(doing[name](make_settings(Path(folder), **options)))
    except StoreLocked as error:
        sys.exit(str(error))

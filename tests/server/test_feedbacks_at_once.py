"""One user whose feedbacks come all at once, to one miner or to two that share their stores."""

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from running_miner import KEY, client_of, miner_process, miner_settings
from scripted import Json, Recorded, Scripted, Text
from stores import chroma

SAYINGS = [f"Never mention the number {number}, please." for number in range(24)]


def learn(request: Recorded) -> Text:
    if not request.schema_name:
        return Text("no")
    [said] = re.findall(
        r"Never mention the number \d+", request.prompt.partition("The user says:")[2]
    )[:1]
    return Json({"preferences": [{"quote": said, "content": said, "action": "add", "about": 0}]})


@pytest.mark.parametrize("miners", [1, 2])
async def test_all_are_learnt(tmp_path: Path, backend: Scripted, miners: int) -> None:
    backend.default(learn)
    async with AsyncExitStack() as running:
        url = await running.enter_async_context(chroma(tmp_path / "chroma"))
        settings = miner_settings(tmp_path / "data", backend, chroma_url=url, deadline_seconds=60)
        started = [
            await running.enter_async_context(miner_process(settings)) for _ in range(miners)
        ]
        clients = [
            await running.enter_async_context(client_of(miner.address, KEY)) for miner in started
        ]
        answers = await asyncio.gather(
            *(
                clients[number % miners].post(
                    "/human_feedback", json={"cid": "c", "human_feedback": said}, timeout=60
                )
                for number, said in enumerate(SAYINGS)
            )
        )
        assert [answer.status_code for answer in answers] == [200] * len(SAYINGS)
        assert all(answer.json()["actions_applied"][0]["success"] for answer in answers)
        entries = (await clients[0].get("/playbook/c")).json()["entries"]
    assert sorted(entry["content"] for entry in entries) == sorted(SAYINGS)

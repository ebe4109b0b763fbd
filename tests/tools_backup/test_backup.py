"""A backup of a miner at work holds all that it remembered, and a restore gives it back."""

import asyncio
import gzip
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from pages import block
from running_miner import KEY, client_of, miner_settings, serving
from scripted import Scripted
from settings import ROOT

USERS = [f"user-{number}" for number in range(30)] + ["é", "a/b", "日本"]


async def backup(*arguments: str | Path) -> tuple[int, str]:
    """Run the program; gives its exit code and what it said."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tools.backup"),
        *(str(argument) for argument in arguments),
        cwd=ROOT,
        env={"MINER_API_KEY": KEY, "PATH": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await program.communicate()
    assert program.returncode is not None
    return program.returncode, said.decode()


async def live(client: httpx.AsyncClient, user: str) -> None:
    """What a user leaves behind: a preference with a history, another, and two messages."""
    name = {"cid": user, "task": f"Where does {user} live?", "input": ""}
    path = httpx.URL(f"/playbook/{user.replace('/', '%2F')}")
    added = await client.post(path, json={"content": f"{user} likes French"})
    node_id = added.json()["node_id"]
    await client.patch(f"{path}/{node_id}", json={"content": f"{user} likes German"})
    await client.post(path, json={"content": "Be brief", "applies": "topic"})
    assert (await client.post("/complete", json=name)).is_success


async def everything(client: httpx.AsyncClient, users: list[str]) -> dict[str, Any]:
    """What a miner tells of users, by path."""
    paths = []
    for user in users:
        quoted = user.replace("/", "%2F")
        paths += [f"/playbook/{quoted}/export", f"/conversations/{quoted}"]
    return {path: (await client.get(path)).json() for path in paths}


async def test_a_backup_of_a_miner_at_work_is_put_back_whole(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default("In Lyon.")
    file = tmp_path / "kept.backup"
    limits = {"rate_limit": "100000/minute"}
    with serving(miner_settings(tmp_path / "one", backend, **limits)) as one:
        async with client_of(one) as client:
            await asyncio.gather(*(live(client, user) for user in USERS))
            expected = await everything(client, USERS)
            writing = asyncio.create_task(_write_on(client))
            code, said = await backup(file, "--url", one)
            assert code == 0, said
            writing.cancel()
    assert file.stat().st_mode & 0o777 == 0o600
    with serving(miner_settings(tmp_path / "two", backend, **limits)) as two:
        async with client_of(two) as client:
            for _ in range(2):  # it can be repeated
                code, said = await backup("--restore", file, "--url", two)
                assert code == 0, said
            assert await everything(client, USERS) == expected
            late = await client.get("/playbook/late-0")
            assert all(entry["content"] == "written on" for entry in late.json()["entries"])


async def _write_on(client: httpx.AsyncClient) -> None:
    for number in range(100_000):
        user = f"late-{number % 5}"
        await client.post(f"/playbook/{user}", json={"content": "written on"})
        await client.delete(f"/users/{user}")
        await client.post("/complete", json={"cid": user, "task": "t", "input": ""})


async def test_what_is_newer_stays(tmp_path: Path, backend: Scripted) -> None:
    backend.default("In Lyon.")
    file = tmp_path / "kept.backup"
    with serving(miner_settings(tmp_path, backend)) as address:
        async with client_of(address) as client:
            await live(client, "a")
            before = (await client.get("/playbook/a/export")).json()
            assert (await backup(file, "--url", address))[0] == 0
            await live(client, "a")
            newer = (await client.get("/conversations/a")).json()
            code, said = await backup("--restore", file, "--url", address)
            assert (code, "1 conversations there are newer" in said) == (0, True)
            assert (await client.get("/conversations/a")).json() == newer
            after = (await client.get("/playbook/a/export")).json()
            assert after["entries"][:2] == before["entries"]
            assert len(after["entries"]) == 4


async def test_no_part_of_a_backup_is_taken_for_the_whole(
    tmp_path: Path, backend: Scripted
) -> None:
    row = {"conversation": {"cid": "a", "messages": []}}
    whole = json.dumps(row) + "\n"
    damaged = [
        gzip.compress(whole.encode()),
        gzip.compress((whole + '{"end": {"playbooks": 0, "conversations": 2}}\n').encode()),
        gzip.compress(b"nonsense"),
        gzip.compress(whole.encode())[:-12],
        b"nonsense",
    ]
    file = tmp_path / "cut.backup"
    with serving(miner_settings(tmp_path / "data", backend)) as address:
        for content in damaged:
            await asyncio.to_thread(file.write_bytes, content)
            code, said = await backup("--restore", file, "--url", address)
            assert (code, len(said.splitlines())) == (1, 1)
        async with client_of(address) as client:
            assert (await client.get("/conversations")).json()["total"] == 0


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("nonsense", "line 1"),
        ('{}\n{"playbook": {"cid": "a"}}', "line 2: playbook.entries"),
        ('{"conversation": {"cid": "", "messages": []}}', "conversation.cid"),
        ('{"conversation": {"cid": "a", "messages": [{"role": "system"}]}}', "messages.0.role"),
    ],
)
async def test_a_wrong_line_is_named(
    tmp_path: Path, backend: Scripted, body: str, named: str
) -> None:
    with serving(miner_settings(tmp_path, backend)) as address:
        async with client_of(address) as client:
            refused = await client.post("/restore", content=body)
            assert (refused.status_code, refused.json()["error"]) == (422, "invalid_request")
            assert named in refused.json()["detail"]


async def test_a_miner_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    code, said = await backup(tmp_path / "file", "--url", "http://127.0.0.1:1")
    assert (code, len(said.splitlines())) == (1, 1)


async def test_the_commands_of_the_page_work(tmp_path: Path, backend: Scripted) -> None:
    with serving(miner_settings(tmp_path, backend)) as address:
        async with client_of(address) as client:
            await client.post("/playbook/a", json={"content": "Be brief"})
            for words in ("tools.backup miner", "tools.backup --restore"):
                _, _, name, *rest, file = shlex.split(block("docs/operators.md", words))
                assert name == "tools.backup"
                code, said = await backup(*rest, tmp_path / file, "--url", address)
                assert code == 0, said
                found = (await client.get("/playbook/a")).json()["entries"]
                assert [entry["content"] for entry in found] == ["Be brief"]
                await client.delete("/playbook/a")

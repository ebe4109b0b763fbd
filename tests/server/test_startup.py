"""What the operator reads when the miner cannot start: one line."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from running_miner import miner_process, miner_settings
from scripted import Scripted
from settings import ENV_FILE_VARIABLE, ROOT

PROGRAM = "import uvicorn; uvicorn.run('server.app:create_app', factory=True, log_config=None)"


async def test_a_second_process_on_the_same_data_says_so(tmp_path: Path, backend: Scripted) -> None:
    settings = miner_settings(tmp_path / "data", backend)
    async with miner_process(settings), miner_process(settings, wait=False) as second:
        assert await second.ended() == 3
        [line] = second.logged().splitlines()
    assert "cannot start: " in line
    assert str(tmp_path / "data") in line


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("API_PORT", "99999", "API_PORT='99999' is wrong"),
        ("MINER_API_KEY", "change-me", "MINER_API_KEY is wrong"),
        ("MINER_API_KEY", "", "MINER_API_KEY is not set"),
        ("REDIS_URL", "http://:a-secret@redis", "REDIS_URL is wrong"),
    ],
)
async def test_a_wrong_setting_is_named(
    tmp_path: Path, setting: str, value: str, told: str
) -> None:
    chosen = {"MINER_API_KEY": "a-key", "LLM_PROVIDER": "local", "DATA_DIR": str(tmp_path)}
    chosen |= {ENV_FILE_VARIABLE: os.devnull}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **chosen, setting: value},
        stderr=asyncio.subprocess.PIPE,
    )
    _, logged = await process.communicate()
    assert process.returncode
    [line] = logged.decode().splitlines()
    assert line.startswith("cannot start: ")
    assert told in line
    assert "a-secret" not in line


async def test_an_unreachable_backend_is_one_line_and_the_miner_starts(
    tmp_path: Path, backend: Scripted
) -> None:
    settings = miner_settings(tmp_path / "data", backend)
    backend.stop()
    try:
        async with miner_process(settings) as miner:
            lines = miner.logged().splitlines()
    finally:
        backend.start()
    assert len(lines) == 1
    assert "backend does not answer" in lines[0]

"""Backends that fail in all ways: each caller gets an answer of the contract, and in time."""

from pathlib import Path

import pytest

from benchmarks.faults import load
from benchmarks.faulty_backend import KINDS, MODEL, faulty_backend
from benchmarks.miner_process import KEY
from running_miner import serving
from support import make_settings

SHORT, USUAL = 3.0, 25.0  # seconds; the short one is for backends that never end an answer
ALL_ANSWERED = ("plain", "failing")
OVERRUN = 4.0  # seconds, on a busy machine


@pytest.mark.parametrize("kind", KINDS)
async def test_callers_of_a_failing_backend_get_answers_in_time(tmp_path: Path, kind: str) -> None:
    deadline = USUAL if kind in ALL_ANSWERED else SHORT
    async with faulty_backend(kind) as (backend, asked):
        settings = make_settings(
            tmp_path,
            miner_api_key=KEY,
            llm_provider="vllm",
            vllm_api_base=backend,
            model_name=MODEL,
            complete_strategy="draft",
            deadline_seconds=deadline,
            log_level="error",
        )
        with serving(settings) as address:
            seen = await load(address, callers=4, requests=12, most_seconds=60)
    assert asked.calls
    assert set(seen.answers) <= {"200", "502", "503", "504"}
    assert seen.late(deadline + OVERRUN) == 0
    assert seen.answers.total() == 12
    if kind in ALL_ANSWERED:
        assert seen.answers == {"200": 12}

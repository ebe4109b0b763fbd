"""Sudden death under load: what was acknowledged is there afterwards."""

from pathlib import Path

import pytest

from benchmarks.kill import killable, kills
from support import require


@pytest.mark.parametrize("shared", [False, True])
async def test_what_was_acknowledged_is_there_after_kill_9(tmp_path: Path, *, shared: bool) -> None:
    try:
        with killable(tmp_path, shared=shared) as miners:
            told, missing = await kills(miners, rounds=1, callers=4, least=20)
    except FileNotFoundError as error:
        require(available=False, reason=str(error))
        raise
    assert told >= 20
    assert not missing

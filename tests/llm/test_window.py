"""The window where the backend does not report one."""

from pathlib import Path

import pytest

from nodes.llm.model import Model
from scripted import Scripted
from support import make_settings


@pytest.mark.parametrize(
    ("told", "reported", "used"),
    [(None, None, 8192), (32_000, None, 32_000), (2_000, 4_321, 2_000), (32_000, 4_321, 4_321)],
)
async def test_the_setting_stands_in_for_a_window_that_is_not_reported(
    tmp_path: Path, backend: Scripted, told: int | None, reported: int | None, used: int
) -> None:
    backend.max_model_len = reported
    settings = make_settings(
        tmp_path,
        llm_provider="vllm",
        vllm_api_base=backend.base_url,
        max_context_tokens=told,
    )
    async with Model.open(settings) as model:
        assert model.context_length == used

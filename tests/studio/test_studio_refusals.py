"""What `langgraph dev` says while the machines cannot run."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from langgraph_sdk.errors import InternalServerError
from studio_server import clone, scripted, studio_server, variables_for

from memory import sole_owner

pytestmark = pytest.mark.timeout(300)  # a start takes seconds, more on a busy machine


async def test_a_folder_in_use_is_told_in_one_line_until_it_is_free(tmp_path: Path) -> None:
    folder = clone(tmp_path / "clone")
    with ExitStack() as owner, scripted() as backend:
        owner.enter_context(sole_owner(folder / "data"))
        with studio_server(folder, **variables_for(backend)) as server:
            told = await server.error_of("complete", task="Say something.")
            async with server.client() as client:
                with pytest.raises(InternalServerError) as undrawn:
                    await client.assistants.get_graph(await server.assistant("complete"))
            owner.close()
            ended = await server.run("complete", task="Say something.")

    assert f"{folder / 'data'} is in use by another process" in told
    assert told.endswith("DATA_DIR=data/studio langgraph dev")
    assert told in server.output
    assert str(undrawn.value) in told
    assert ended["answer"]


async def test_without_settings_it_says_where_they_come_from(tmp_path: Path) -> None:
    with studio_server(clone(tmp_path / "clone")) as server:
        told = await server.error_of("complete", task="Say something.")

    assert "MINER_API_KEY is not set" in told
    assert "`python run.py` writes one" in told

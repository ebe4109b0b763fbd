"""A node is changed under a running `langgraph dev`: the next run shows it."""

from pathlib import Path

import pytest
from studio_server import StudioServer, clone, eventually, scripted, studio_server, variables_for

pytestmark = pytest.mark.timeout(300)  # a start takes seconds, more on a busy machine

SAYS_OFF = '    return {"answer": OFF}'
"""How `internet_search` answers that search is off."""


async def answer(server: StudioServer) -> str:
    return str((await server.run("internet_search", queries=["anything"]))["answer"])


def write(file: Path, before: str, after: str, server: StudioServer) -> None:
    """Change a line of `file`, and wait until the server has taken it in."""
    starts = server.output.count("Application started up")
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    eventually(lambda: server.output.count("Application started up") > starts)


async def test_a_changed_node_shows_in_the_next_run_and_a_blocking_one_is_refused(
    tmp_path: Path,
) -> None:
    folder = clone(tmp_path / "clone")
    node = folder / "nodes" / "research.py"
    changed = '    return {"answer": "Changed. " + OFF}'
    with scripted() as backend, studio_server(folder, **variables_for(backend)) as server:
        told = await answer(server)

        write(node, SAYS_OFF, changed, server)
        assert await answer(server) == f"Changed. {told}"

        write(node, changed, f'    __import__("time").sleep(0.01)\n{changed}', server)
        await server.error_of("internet_search", queries=["anything"])
        assert "Blocking call to time.sleep" in server.output

"""The machines' pictures, and the path of a run where there is none."""

from pathlib import Path

from graphs.registry import COMPONENTS
from settings import ROOT
from tools.playground.client import Answer, NodeEvent, Token
from tools.playground.pictures import Machine, path_alone, read
from tools.playground.runs import Run


def run(*nodes: str) -> Run:
    """A run whose last node still works."""
    told = Run("complete", {})
    for node in nodes:
        for event in (NodeEvent(node, "started"), NodeEvent(node, "finished")):
            told.take(event)
    told.take(NodeEvent(nodes[-1], "started"))
    return told


def test_the_readme_shows_every_machine() -> None:
    machines = read(ROOT / "README.md")
    assert set(machines) == set(COMPONENTS)
    for machine in machines.values():
        assert {"__start__", "__end__"} < set(machine.nodes)
        assert machine.drawn().startswith("```mermaid\n%%{init: ")


def test_a_missing_readme_is_no_error(tmp_path: Path) -> None:
    assert read(tmp_path / "README.md") == {}


def test_only_what_the_picture_has_is_marked() -> None:
    machine = read(ROOT / "README.md")["complete"]
    style = machine.path(run("recall", "draft", "}body{display:none"), "here")
    assert '#here g.node[id*="-flowchart-draft-"]' in style
    assert '#here path[id$="-L_recall_draft_0"]' in style
    assert "body" not in style
    assert "-flowchart-check-" not in style


def test_a_machine_that_is_not_known_is_drawn_as_the_path_alone() -> None:
    told = run("look", "speak", "<script>")
    assert Machine().drawn() == ""
    drawn = path_alone(told).drawn()
    assert "look --> speak" in drawn
    assert "script" not in drawn


def test_parallel_steps_lead_from_the_same_to_the_same() -> None:
    told = Run("complete", {})
    for together in ("a", "bc", "d"):
        for node in together:
            told.take(NodeEvent(node, "started"))
        for node in together:
            told.take(NodeEvent(node, "finished"))
    told.take(Answer({}))
    assert set(told.taken) == {
        ("__start__", "a"),
        ("a", "b"),
        ("a", "c"),
        ("b", "d"),
        ("c", "d"),
        ("d", "__end__"),
    }


def test_a_later_version_takes_the_place_of_an_earlier_one() -> None:
    told = run("draft")
    told.take(Token("draft", "draft", "one "))
    told.take(Token("draft", "draft", "two"))
    assert told.text == "one two"
    told.take(NodeEvent("revise", "started"))
    assert told.text == "one two"
    told.take(Token("revise", "revision", "three"))
    assert told.text == "three"

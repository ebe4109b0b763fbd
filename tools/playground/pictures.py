"""The machines' pictures, which the README has from the code, with the path of a run on them."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.playground.runs import END, START, Run

_SECTION = re.compile(r"<!-- machines -->\n(.*?)<!-- /machines -->", re.DOTALL)
_MACHINE = re.compile(r"\*\*(\w+)\*\*\n+```mermaid\n(.*?)```", re.DOTALL)
_EDGE = re.compile(r"^\s*(\w+)(?:\(.*?\))* (-->|-\.->) (\w+)", re.MULTILINE)
_NAME = re.compile(r"\w+")

SPACING = {"nodeSpacing": 36, "rankSpacing": 34, "padding": 10}
COLOURS = {
    "primaryColor": "#f1f5f9",
    "primaryBorderColor": "#94a3b8",
    "primaryTextColor": "#334155",
    "lineColor": "#94a3b8",
}
LOOK = json.dumps({"theme": "base", "flowchart": SPACING, "themeVariables": COLOURS})
TAKEN = "fill:#99f6e4!important;stroke:#0f766e!important;stroke-width:2px!important"
WORKING = "fill:#fde68a!important;stroke:#b45309!important;stroke-width:3px!important"
TAKEN_EDGE = "stroke:#0f766e!important;stroke-width:3px!important"


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to another; `arrow` is Mermaid's, dotted for a choice."""

    source: str
    arrow: str
    target: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as a drawing; without edges it is one that is not known."""

    edges: tuple[Edge, ...] = ()

    @property
    def nodes(self) -> list[str]:
        """Every node once, in the order of the edges."""
        return list(dict.fromkeys(node for edge in self.edges for node in _ends(edge)))

    def drawn(self) -> str:
        """Markdown that shows the machine as Mermaid; empty for one that is not known."""
        if not self.edges:
            return ""
        nodes = (f"{node}{_shape(node)}" for node in self.nodes)
        edges = (f"{edge.source} {edge.arrow} {edge.target}" for edge in self.edges)
        return "\n".join(["```mermaid", f"%%{{init: {LOOK}}}%%", "graph TD", *nodes, *edges, "```"])

    def path(self, run: Run, picture: str) -> str:
        """A style sheet that shows the path of `run` on the element with the id `picture`.

        The picture itself stays, so that it neither flickers nor moves while the run goes on.
        """
        reached = {node for edge in run.taken for node in edge}
        taken = [node for node in self.nodes if node in reached]
        working = [node for node in self.nodes if node in run.working]
        edges = [edge for edge in self.edges if _ends(edge) in run.taken]
        rules = [
            *_rule(picture, map(_node_selector, taken), TAKEN),
            *_rule(picture, map(_node_selector, working), WORKING),
            *_rule(picture, map(_edge_selector, edges), TAKEN_EDGE),
        ]
        return f"<style>{''.join(rules)}</style>"


def path_alone(run: Run) -> Machine:
    """The path of a run as a machine, for one that is not known."""
    return Machine(
        tuple(
            Edge(source, "-->", target)
            for source, target in run.taken
            if _NAME.fullmatch(source) and _NAME.fullmatch(target)
        )
    )


def read(readme: Path) -> dict[str, Machine]:
    """The machines that the README shows, by component; none where it is missing."""
    try:
        section = _SECTION.search(readme.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    found = _MACHINE.findall(section.group(1)) if section else []
    return {name: Machine(tuple(_edges(mermaid))) for name, mermaid in found}


def _edges(mermaid: str) -> list[Edge]:
    return [Edge(*found) for found in _EDGE.findall(mermaid)]


def _ends(edge: Edge) -> tuple[str, str]:
    return edge.source, edge.target


def _shape(node: str) -> str:
    return f'(["{node.strip("_")}"])' if node in (START, END) else f'["{node}"]'


# The ids are those that Mermaid gives to what it draws.
def _node_selector(node: str) -> str:
    return f'g.node[id*="-flowchart-{node}-"] .label-container'


def _edge_selector(edge: Edge) -> str:
    return f'path[id$="-L_{edge.source}_{edge.target}_0"]'


def _rule(picture: str, selectors: Iterable[str], style: str) -> list[str]:
    scoped = [f"#{picture} {selector}" for selector in selectors]
    inner = [f"{selector} path" for selector in scoped if selector.endswith("container")]
    return [f"{','.join([*scoped, *inner])}{{{style}}}"] if scoped else []

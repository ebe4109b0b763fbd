"""A machine as a picture, drawn by matplotlib alone: layers from left to right.

Each node stands right of all that lead to it; edges that lead back are drawn as dashed arcs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import matplotlib.pyplot as plt
from langchain_core.runnables.graph import Graph
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

WIDTH, HEIGHT = 1.95, 0.75
BOX_WIDTH, BOX_HEIGHT = 1.45, 0.45
SWEEPS = 8
LINE, VISITED, UNVISITED = "#555555", "#ffd479", "#f2f2f2"

MARKER = 8  # pixels from the middle of a point to its edge

Edge = tuple[str, str]
Point = tuple[float, float]
# Where a text may stand beside its point: offset in points, and which end of it lies there.
BESIDE: list[tuple[Point, str, str]] = [
    ((far * x, far * y), ("right", "center", "left")[x + 1], ("top", "center", "bottom")[y + 1])
    for far in (7, 14, 22)
    for x, y in ((1, 0), (1, 1), (1, -1), (-1, 0), (-1, 1), (-1, -1), (0, 1), (0, -1))
]


def draw(graph: Graph, path: Collection[str] = (), title: str = "") -> Figure:
    """The picture of `machine.get_graph()`, with the nodes of `path` filled."""
    layout = _Layout([(edge.source, edge.target) for edge in graph.edges])
    places = layout.places()
    rows = max(len(layer) for layer in layout.layers)
    figure, axes = plt.subplots(
        figsize=(0.68 * WIDTH * len(layout.layers), 1 + 0.75 * HEIGHT * rows)
    )
    for chain in layout.chains.values():
        _arrow(axes, [places[node] for node in chain])
    for source, target in layout.back:
        _arc(axes, places[source], places[target])
    for node in graph.nodes:
        _box(axes, places[node], node, filled=node in path)
    axes.set_title(title, loc="left")
    axes.set_aspect("equal")
    axes.axis("off")
    axes.margins(0.05, 0.25)
    figure.tight_layout()
    plt.close(figure)  # the notebook shows the returned figure, and would show it twice
    return figure


def label(axes: Axes, points: Sequence[Point], texts: Sequence[str], size: float = 7) -> None:
    """Write a text beside each point where it covers neither a point nor another text.

    Where there is no such place, the one that covers least is taken.
    """
    figure = axes.figure
    figure.canvas.draw()
    taken = [_around(x, y, MARKER) for x, y in axes.transData.transform(points)]
    for point, text in zip(points, texts, strict=True):
        written = axes.annotate(
            text, point, xytext=(0, 0), textcoords="offset points", fontsize=size
        )
        places = {place: _placed(written, place) for place in BESIDE}
        best = min(places, key=lambda place: _covered(places[place], taken, axes.bbox))
        taken.append(_placed(written, best))


def _placed(written: Annotation, place: tuple[Point, str, str]) -> Bbox:
    """Where a text lies in pixels, once it is put there."""
    offset, horizontal, vertical = place
    written.set(ha=horizontal, va=vertical)
    written.xyann = offset
    return written.get_window_extent()


def _covered(box: Bbox, taken: Sequence[Bbox], inside: Bbox) -> float:
    """How many square pixels of others, or of what is outside, a box covers."""
    others = (_common(box, other) for other in taken)
    return sum(others) + box.width * box.height - _common(box, inside)


def _common(one: Bbox, other: Bbox) -> float:
    common = Bbox.intersection(one, other)
    return 0.0 if common is None else float(common.width * common.height)


def _around(x: float, y: float, half: float) -> Bbox:
    return Bbox.from_extents(x - half, y - half, x + half, y + half)


@dataclass
class _Layout:
    edges: Sequence[Edge]
    depth: dict[str, int] = field(default_factory=dict)
    back: list[Edge] = field(default_factory=list)
    chains: dict[Edge, list[str]] = field(default_factory=dict)
    layers: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.back = _leading_back(self.edges)
        forward = [edge for edge in self.edges if edge not in self.back]
        self.depth = _depths(forward)
        self.layers = [[] for _ in range(1 + max(self.depth.values()))]
        for node, depth in self.depth.items():
            self.layers[depth].append(node)
        for edge in forward:
            self.chains[edge] = self._chain(*edge)
        for _ in range(SWEEPS):
            self._order()

    def places(self) -> Mapping[str, Point]:
        """The middle of every node, and of every layer that a long edge crosses."""
        return {
            node: (WIDTH * depth, HEIGHT * (row - (len(layer) - 1) / 2))
            for depth, layer in enumerate(self.layers)
            for row, node in enumerate(layer)
        }

    def _chain(self, source: str, target: str) -> list[str]:
        """An edge as the places it goes through, one in each layer."""
        between = range(self.depth[source] + 1, self.depth[target])
        through = [f"{source}-{target}-{depth}" for depth in between]
        for depth, name in zip(between, through, strict=True):
            self.layers[depth].append(name)
        return [source, *through, target]

    def _order(self) -> None:
        """Put every node at the mean height of those before it, then of those behind it."""
        steps = [step for chain in self.chains.values() for step in pairwise(chain)]
        for layer in self.layers[1:]:
            self._align(layer, [(target, source) for source, target in steps])
        for layer in reversed(self.layers[:-1]):
            self._align(layer, steps)

    def _align(self, layer: list[str], steps: Sequence[Edge]) -> None:
        height = {node: y for node, (_, y) in self.places().items()}
        beside = {node: [height[far] for near, far in steps if near == node] for node in layer}
        middle = {node: sum(ys) / len(ys) if ys else height[node] for node, ys in beside.items()}
        layer.sort(key=lambda node: middle[node])


def _leading_back(edges: Sequence[Edge]) -> list[Edge]:
    """The edges that close a circle, found by walking from the start."""
    found: list[Edge] = []
    done: set[str] = set()

    def walk(node: str, above: frozenset[str]) -> None:
        for source, target in edges:
            if source == node and target in above:
                found.append((source, target))
            elif source == node and target not in done:
                walk(target, above | {target})
        done.add(node)

    walk("__start__", frozenset({"__start__"}))
    return found


def _depths(forward: Sequence[Edge]) -> dict[str, int]:
    depths = {"__start__": 0}
    for _ in forward:  # a longest way has no more steps than there are edges
        for source, target in forward:
            if source in depths:
                depths[target] = max(depths.get(target, 0), depths[source] + 1)
    return depths


def _arrow(axes: Axes, points: Sequence[Point]) -> None:
    first, *others = points
    vertices, codes = [(first[0] + BOX_WIDTH / 2, first[1])], [Path.MOVETO]
    for place, (x, y) in enumerate(others):
        before, end = vertices[-1], x - (BOX_WIDTH / 2 if place == len(others) - 1 else 0)
        bend = (end - before[0]) / 2
        vertices += [(before[0] + bend, before[1]), (end - bend, y), (end, y)]
        codes += [Path.CURVE4] * 3
    axes.add_patch(_line(path=Path(vertices, codes)))


def _arc(axes: Axes, source: Point, target: Point) -> None:
    if source == target:
        x, top = source[0], source[1] + BOX_HEIGHT / 2
        loop = [(x + 0.3, top), (x + 0.3, top + 0.4), (x - 0.3, top + 0.4), (x - 0.3, top)]
        axes.add_patch(_line(path=Path(loop, [Path.MOVETO] + [Path.CURVE4] * 3), dashed=True))
        return
    start, end = (source[0], source[1] + BOX_HEIGHT / 2), (target[0], target[1] + BOX_HEIGHT / 2)
    rise = 0.35 + 0.12 * abs(source[0] - target[0])
    top = max(start[1], end[1]) + rise
    over = [start, (start[0], top), (end[0], top), end]
    axes.add_patch(_line(path=Path(over, [Path.MOVETO] + [Path.CURVE4] * 3), dashed=True))


def _line(path: Path, *, dashed: bool = False) -> FancyArrowPatch:
    return FancyArrowPatch(
        path=path,
        arrowstyle="-|>",
        mutation_scale=9,
        color=LINE,
        linewidth=0.9,
        linestyle="--" if dashed else "-",
    )


def _box(axes: Axes, place: Point, node: str, *, filled: bool) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (place[0] - BOX_WIDTH / 2, place[1] - BOX_HEIGHT / 2),
            BOX_WIDTH,
            BOX_HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=VISITED if filled else UNVISITED,
            edgecolor=LINE,
        )
    )
    axes.text(*place, node.strip("_"), ha="center", va="center", fontsize=8)

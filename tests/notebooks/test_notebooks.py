"""The notebooks run from end to end, and are committed without what a run leaves in them."""

import os
import random
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from notebooks import drawing
from pages import block
from settings import ROOT, Settings

mpl.use("Agg")
FOLDER = ROOT / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))
PICTURES = {"01_first_calls.ipynb": 9, "02_playbook.ipynb": 2, "03_strategies.ipynb": 3}
RECORDED = "recorded.json"
CELL_SECONDS = 300
NOTEBOOK_SECONDS = 600


def read(name: str) -> NotebookNode:
    return nbformat.read(FOLDER / name, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def executed(name: str, data_dir: Path) -> NotebookNode:
    """The notebook after a run in its own folder, by this Python, on the embedded model."""
    names = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in names}
    own = {"LLM_PROVIDER": "local", "DATA_DIR": str(data_dir)}
    notebook = read(name)
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute(env=kept | own)
    return notebook


def outputs(notebook: NotebookNode) -> list[dict[str, Any]]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def printed(notebook: NotebookNode) -> str:
    return "".join(output["text"] for output in outputs(notebook) if "text" in output)


def test_all_notebooks_are_known_here() -> None:
    assert set(NAMES) == set(PICTURES)


@pytest.mark.timeout(NOTEBOOK_SECONDS)
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_to_its_end_and_shows_its_pictures(name: str, model_data_dir: Path) -> None:
    notebook = executed(name, model_data_dir)

    pictures = [one for one in outputs(notebook) if "image/png" in one.get("data", {})]
    assert len(pictures) == PICTURES[name]
    assert "Traceback" not in printed(notebook)
    # Of what is fetched and started in a first cell, nothing is told but what was asked for.
    first = [output["text"] for output in code_cells(notebook)[0].outputs if "text" in output]
    lines = "".join(first).splitlines()
    assert not [line for line in lines if line and not line.startswith('{"question"')]
    left = [path.name for path in FOLDER.iterdir() if path.suffix in (".jsonl", ".json", ".html")]
    assert left == [RECORDED]


def test_labels_cover_neither_each_other_nor_a_point() -> None:
    places = random.Random(1)
    points = [(places.gauss(0, 1), places.gauss(0, 1)) for _ in range(16)]
    figure, axes = plt.subplots(figsize=(10, 6))
    axes.scatter(*zip(*points, strict=True))
    axes.margins(x=0.2, y=0.1)
    drawing.label(axes, points, [f"Explain shell command {n} by its options" for n in range(16)])
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == 16
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    pixels = axes.transData.transform(points)
    assert not [box for box in boxes if any(box.contains(x, y) for x, y in pixels)]
    assert all(axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 for box in boxes)
    plt.close(figure)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_committed_without_outputs_counts_and_paths(name: str) -> None:
    notebook = read(name)

    assert [cell.outputs for cell in code_cells(notebook) if cell.outputs] == []
    assert {cell.execution_count for cell in code_cells(notebook)} == {None}
    assert [cell.metadata for cell in notebook.cells if cell.metadata] == []
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert set(notebook.metadata.language_info) == {"name"}
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert not [path for path in (str(ROOT), str(Path.home()), sys.prefix, "/tmp") if path in text]


def test_nbstripout_finds_nothing_to_strip() -> None:
    command = [sys.executable, "-m", "nbstripout", "--verify", *(FOLDER / name for name in NAMES)]

    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert found.returncode == 0, found.stdout + found.stderr


def test_the_filter_keeps_outputs_out_of_git(tmp_path: Path) -> None:
    """What `notebooks/README.md` tells to type once, in a clone with this one's attributes."""
    words = block("notebooks/README.md", "nbstripout").split()
    installing = [sys.executable, "-m", *words]
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(installing, cwd=tmp_path, check=True)
    notebook = read(NAMES[0])
    text = nbformat.v4.new_output("stream", text="left by a run")
    code_cells(notebook)[0].outputs = [text]
    nbformat.write(notebook, tmp_path / "run.ipynb")

    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)

    staged = ["git", "show", ":run.ipynb"]
    kept = subprocess.run(staged, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "left by a run" in (tmp_path / "run.ipynb").read_text()
    assert "left by a run" not in kept.stdout

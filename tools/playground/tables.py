"""Tables of texts that a person fills in."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from tools.playground import formulas

PROBLEMS, HALVES = ["Problem", "Suggestion"], ["50%", "50%"]  # the table of feedbacks

Rows = list[list[Any]]


def table(
    elem_id: str,
    headers: Sequence[str],
    widths: Sequence[str | int],
    *,
    label: str | None = None,
    read_only: Sequence[int] = (),
    visible: bool = True,
) -> gr.Dataframe:
    """A table whose cells break their lines; one with a label begins with an empty row."""
    editable = len(read_only) < len(headers)
    return gr.Dataframe(
        headers=list(headers),
        column_count=len(headers),
        column_widths=list(widths),
        row_count=int(bool(label)),
        static_columns=list(read_only),
        label=label,
        show_label=bool(label),
        interactive=editable,
        datatype="str" if editable else "markdown",
        latex_delimiters=formulas.DELIMITERS,
        visible=visible,
        type="array",
        wrap=True,
        elem_id=elem_id,
    )


def example(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A table as the browser takes it."""
    return {"headers": list(headers), "data": rows, "metadata": None}


def filled(rows: Rows) -> list[list[str]]:
    """The rows in which something stands."""
    texts = [[str(cell or "").strip() for cell in row] for row in rows]
    return [row for row in texts if any(row)]

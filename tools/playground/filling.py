"""Handing texts on to the fields of a tab, without losing what somebody has typed into them."""

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency


def fill(
    button: gr.Button, texts: Sequence[Block], fields: Sequence[Block], tab: str
) -> Dependency:
    """On a click put `texts` into `fields`, which stay where a person does not want that."""
    return _filling(button, [*texts, *fields], fields, f"(...given) => pg.fill({tab!r}, ...given)")


def offer(title: str, values: Sequence[Any], fields: Sequence[Block], tab: str) -> Dependency:
    """A button that fills the fields with an example."""
    button = gr.Button(title, size="sm", scale=0, min_width=120)
    example = json.dumps(values)
    script = f"(...present) => pg.fill({tab!r}, ...{example}, ...present)"
    return _filling(button, fields, fields, script)


def _filling(
    button: gr.Button, given: Sequence[Block], fields: Sequence[Block], script: str
) -> Dependency:
    return button.click(None, list(given), list(fields), js=script, api_visibility="private")

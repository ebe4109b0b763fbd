"""How what happens on the page is wired, and what its own script (page.js) does on the way."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

Trigger = Callable[..., Dependency]
"""What a component offers for an event, such as `button.click`."""
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""How events run of which nothing is to be seen but what they change."""
Given = dict[Block, Any]
"""What stands in the fields of the page that a handler asked for."""


def when(trigger: Trigger, condition: str) -> Trigger:
    """The event that something happens while the browser finds this condition to be true."""
    count = gr.Number(0, visible="hidden")
    trigger(None, count, count, js=f"(count) => count + Number({condition})", **QUIET)
    return count.change


def agreed(button: gr.Button, question: str, where: str = "body") -> Trigger:
    """The event that a click is confirmed, or needs not be since nothing is `where`."""
    return when(button.click, f"pg.agreed({json.dumps(question)}, {json.dumps(where)})")


def fill(
    button: gr.Button, texts: Sequence[Block], fields: Sequence[Block], tab: str
) -> Dependency:
    """On a click put `texts` into `fields`, which stay where a person does not want that."""
    script = f"(...given) => pg.fill({tab!r}, ...given)"
    return button.click(None, [*texts, *fields], [*fields], js=script, api_visibility="private")


def offer(title: str, values: Sequence[Any], fields: Sequence[Block], tab: str) -> Dependency:
    """A button that fills the fields with an example."""
    button = gr.Button(title, size="sm", scale=0, min_width=120)
    script = f"(...present) => pg.fill({tab!r}, ...{json.dumps(values)}, ...present)"
    return button.click(None, [*fields], [*fields], js=script, api_visibility="private")

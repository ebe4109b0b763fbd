"""A chain of ten rounds over one document; every second answer of its model leaves parts out."""

import itertools

import httpx

from orchestrator import Json, ask, body
from scripted import Recorded, Scripted

ROUNDS = 10
SECTION = """\
## Section {number}

Ship {number} came in on the tide of day {number}, with salt for the {number} houses by the quay.
Nobody had heard of it before, and its captain paid {number} silver coins for a berth.

"""
DOCUMENT = "# The harbour book\n\n" + "".join(
    SECTION.format(number=number) for number in range(1, 60)
)
MARKS = itertools.cycle(
    [
        "[... the other sections remain unchanged ...]",
        "<!-- ... rest of the document as before ... -->",
        "(… restliche Abschnitte unverändert …)",
        "...",
    ]
)


def line_of(turn: int) -> str:
    return f"In round {turn} a clerk wrote this line into the book."


class Editor:
    """Adds a line to the beginning, and in every second answer leaves out what it did not touch."""

    def __init__(self) -> None:
        self.document = DOCUMENT
        self.turns = 0

    def __call__(self, request: Recorded) -> str:
        if "dealt with?" in request.prompt:
            return "OPEN: none"
        if "reviewer" in request.prompt:
            return "Strengths: clear. Weaknesses: a line is missing. Suggestions: add it."
        self.turns += 1
        added = line_of(self.turns)
        head, rest = self.document.split("\n\n", 1)
        self.document = f"{head}\n\n{added}\n\n{rest}"
        told = self.document
        if self.turns % 2 == 0:
            told = f"{head}\n\n{added}\n\n{rest[:250]}\n{next(MARKS)}"
            told = told.replace(rest[:250], rest[: rest[:250].rindex("\n")])
        if "careful editor" in request.prompt:
            return told
        return f"I added a line.\n<notebook>\n{told}\n</notebook>"


async def test_ten_rounds_lose_no_line_that_no_task_asked_to_change(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    assert len(DOCUMENT) >= 10_000
    editor = Editor()
    shared_backend.default(editor)
    output = {"immediate_response": "Here it is.", "notebook": DOCUMENT}
    last: Json = {"task": "Write", "input": [], "output": output, "component": "complete"}
    for number in range(ROUNDS):
        component = "refine" if number % 2 else "complete"
        wanted = f"Add line {number + 1} at the beginning."
        sent = body(cid, wanted, [wanted], [last], use_conversation_history=False)
        if component == "refine":
            last_review = await ask(client, "feedback", sent)
            sent["previous_outputs"] = [last, last_review]
        last = await ask(client, component, sent)
        kept = last["output"]["notebook"].splitlines()
        assert set(DOCUMENT.splitlines()) <= set(kept)
        assert line_of(editor.turns) in kept
    assert last["output"]["notebook"] == editor.document
    assert editor.turns >= ROUNDS

"""Earlier outputs, their documents and the queries as parts of a prompt."""

from collections.abc import Sequence

from nodes.context import Material
from nodes.foreign import one_line
from nodes.state import PreviousOutput, Request

OUTPUT_HEADING = "Output"  # what an output to revise stands under in the prompt
INSTRUCTION = """\
A document that you write or change, such as code, a story or a report, stands as a whole between \
the tags <notebook> and </notebook>, each on its own line, after a short note."""
INSTRUCTED = "For this answer, the caller asks you to follow these instructions:\n{}"
MERGE_INSTRUCTION = """\
Several documents are given. If the task concerns them, write one that replaces them all."""


def system_of(request: Request, *parts: str) -> str:
    """The parts of a system prompt, and under them what is asked of this answer alone."""
    asked = INSTRUCTED.format(request.instructions) if request.instructions.strip() else ""
    return "\n\n".join(filter(None, [*parts, asked]))


def of_queries(request: Request, single: str = "") -> list[Material]:
    """The queries, numbered where there are several, so that none is passed over.

    `single` is the heading of an only one.
    """
    if len(request.queries) <= 1:
        return [Material(single, query) for query in request.queries]
    return [Material(f"Query {number}", query) for number, query in enumerate(request.queries, 1)]


def closing_of(request: Request) -> str:
    """What reminds the model of all queries, where there are several."""
    if len(request.queries) <= 1:
        return ""
    return f"Answer all {len(request.queries)} queries, each under its number."


def asked_of(request: Request, preferences: Sequence[str]) -> str:
    """All that was asked, the task first, with what the user prefers."""
    said = [f"{each.problem} {each.suggestion}".strip() for each in request.feedbacks]
    return "\n\n".join(filter(None, [request.task, *request.queries, *said, *preferences]))


def of_outputs(outputs: Sequence[PreviousOutput]) -> list[Material]:
    """What earlier components said and wrote; a document that was handed on is told once."""
    found, documents = [], told_under(outputs)
    for number, output in enumerate(outputs, 1):
        if output.immediate_response.strip():
            said = output.immediate_response
            found.append(Material(heading(number, output), said, foreign=True))
        if output.carries_document and (told := documents.pop(output.notebook, "")):
            found.append(Material(told, output.notebook, foreign=True, ahead=True))
    return found


def document_instruction(request: Request) -> str:
    """What to tell the model of documents; nothing to callers who keep none."""
    if not request.canvas:
        return ""
    several = len(set(request.documents)) > 1
    return f"{INSTRUCTION} {MERGE_INSTRUCTION}" if several else INSTRUCTION


def heading(number: int, output: PreviousOutput) -> str:
    """What an earlier output stands under in a prompt."""
    component = one_line(output.component)
    return f"Earlier output {number}" + (f" ({component})" if component else "")


def told_under(outputs: Sequence[PreviousOutput]) -> dict[str, str]:
    """The headings of the documents in a prompt: one each, however often it was handed on."""
    found: dict[str, str] = {}
    for number, output in enumerate(outputs, 1):
        if output.carries_document:
            found.setdefault(output.notebook, f"{heading(number, output)}, its document")
    return found

"""Earlier outputs and queries as parts of a prompt."""

from collections.abc import Sequence

from nodes.context import Material
from nodes.notebook import carries_document, heading, told_under
from nodes.state import PreviousOutput, Request


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


def of_outputs(outputs: Sequence[PreviousOutput]) -> list[Material]:
    """What earlier components said and wrote; a document that was handed on is told once."""
    found, documents = [], told_under(outputs)
    for number, output in enumerate(outputs, 1):
        if output.immediate_response.strip():
            said = output.immediate_response
            found.append(Material(heading(number, output), said, foreign=True))
        if carries_document(output) and (told := documents.pop(output.notebook, "")):
            found.append(Material(told, output.notebook, foreign=True, ahead=True))
    return found

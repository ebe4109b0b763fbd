"""The unified contract's rules for `immediate_response` and `notebook`, applied after the graph."""

from collections.abc import Iterable
from dataclasses import dataclass

from nodes.documents import Settled, answer_in, is_solution, joined, revision_in
from nodes.materials import OUTPUT_HEADING, asked_of, told_under
from nodes.state import LONGEST_NOTEBOOK, LONGEST_RESPONSE, NO_UPDATE, Request, Result

DOCUMENT_NOTE = "The document is in the notebook."
REWRITTEN_NOTE = "The revised document is in the notebook."
UNCHANGED_NOTE = "The document is unchanged."
KEPT_NOTE = "The document stays as it was, since what was written in its place may not replace it:"
SEEN_IN_PART = "it was written by a model whose window showed only parts of the document"


@dataclass(frozen=True, slots=True)
class Output:
    """What the unified contract calls an output."""

    immediate_response: str
    notebook: str


def output_of(component: str, request: Request, result: Result) -> Output:
    """The answer of a run and the document to hand on."""
    documents = request.documents
    if result.document:
        return _bounded(result.answer, result.document)
    if not _writes(component, result):
        return _bounded(result.answer, handed_on(documents))
    settled = _seen(_settled(component, request, result, documents), request, result, documents)
    if settled.document is None:
        old = request.output if request.output_is_document else handed_on(documents)
        return _bounded(_said(settled, documents, result), old)
    if not documents and is_solution(settled.document, asked_of(request, result.preferences)):
        return _bounded(joined(settled.note, settled.document), NO_UPDATE)
    note = REWRITTEN_NOTE if request.output_is_document else DOCUMENT_NOTE
    note = UNCHANGED_NOTE if settled.document in documents else note
    return _bounded(settled.note or note, settled.document)


def handed_on(documents: list[str]) -> str:
    """The earlier document to hand on where this run wrote none: the latest."""
    return documents[-1] if documents else NO_UPDATE


def _writes(component: str, result: Result) -> bool:
    """Whether an answer may bring a document; the other components speak about them."""
    return component in {"complete", "refine"} or (
        component == "aggregate" and result.strategy == "judge"
    )


def _settled(component: str, request: Request, result: Result, documents: list[str]) -> Settled:
    asked, cut = asked_of(request, result.preferences), bool(result.truncated)
    if request.output_is_document:
        return revision_in(result.answer, request.output, asked, cut=cut)
    tagged = component == "aggregate"
    return answer_in(result.answer, documents, asked, cut=cut, tagged=tagged)


def _seen(settled: Settled, request: Request, result: Result, documents: list[str]) -> Settled:
    """The same, but without a new document that was made from parts of the old one."""
    new = settled.document
    if new is None or new in documents or set(result.cut).isdisjoint(_headings(request)):
        return settled
    return Settled(joined(settled.note, new), None, SEEN_IN_PART)


def _said(settled: Settled, documents: list[str], result: Result) -> str:
    if settled.reason:
        return joined(f"{KEPT_NOTE} {settled.reason}.", settled.note)
    return settled.note or (UNCHANGED_NOTE if documents else result.answer)


def _headings(request: Request) -> Iterable[str]:
    """What the documents that may be replaced stand under in a prompt."""
    told = told_under(request.previous_outputs).values()
    return [OUTPUT_HEADING] if request.output_is_document else told


def _bounded(immediate_response: str, notebook: str) -> Output:
    return Output(immediate_response[:LONGEST_RESPONSE], notebook[:LONGEST_NOTEBOOK])

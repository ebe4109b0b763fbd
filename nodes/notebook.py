"""The document that a caller keeps beside the conversation, in the manner of a canvas.

The model marks a document by tags, which even small models hardly miss, and the rules of the
unified contract are applied here and nowhere else. A document is never lost because a tag was:
what stands in no tags is still the answer, and an earlier document is handed on unchanged.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nodes.state import PreviousOutput, Request, Result

NO_UPDATE = "no update"
LONGEST_RESPONSE = 50_000
LONGEST_NOTEBOOK = 100_000
DOCUMENT_NOTE = "The document is in the notebook."
REWRITTEN_NOTE = "The revised document is in the notebook."
SAME_LINES = 0.5  # an untagged answer that repeats this share of a document's lines is its edit
FEWEST_LINES = 3  # shorter documents repeat each other by chance

INSTRUCTION = """\
If the task is to write or to change a document, such as code, a story or a report, first write \
a short note of one or two sentences, and then the whole document between the tags <notebook> and \
</notebook>. Write the tags on lines of their own and nothing after them. For any other task do \
not use the tags."""
MERGE_INSTRUCTION = """\
Several documents are given. If the task concerns them, write one that replaces them all."""

_OPEN = re.compile(r"^[ \t*`]*<\s*notebook\s*>[ \t*`]*\n?|<\s*notebook\s*>[ \t]*\n?", re.I | re.M)
_CLOSE = re.compile(r"\n?[ \t*`]*<\s*/\s*notebook\s*>[ \t*`]*", re.I)


def instruction(request: Request) -> str:
    """What to tell the model of documents; nothing to callers who keep none."""
    if not request.canvas:
        return ""
    several = len(set(earlier_documents(request.previous_outputs))) > 1
    return f"{INSTRUCTION} {MERGE_INSTRUCTION}" if several else INSTRUCTION


@dataclass(frozen=True, slots=True)
class Output:
    """What the unified contract calls an output."""

    immediate_response: str
    notebook: str


def output_of(request: Request, result: Result) -> Output:
    """The answer of a run and the document to hand on, by the contract's notebook rules."""
    if result.document:
        return _bounded(result.answer, result.document)
    if request.output_is_document:
        # Half of a revision must not take the place of the whole document.
        return (
            _bounded(result.answer, request.output)
            if result.truncated
            else _bounded(REWRITTEN_NOTE, result.answer)
        )
    documents = earlier_documents(request.previous_outputs)
    note, document = split(result.answer)
    if document is None:
        edited = _edited(result.answer, documents)
        note, document = (DOCUMENT_NOTE, edited) if edited else (result.answer, None)
    if document and result.truncated and len(documents) == 1:
        return _bounded(result.answer, documents[0])
    if document:
        return _bounded(note or DOCUMENT_NOTE, document)
    return _bounded(note, handed_on(documents))


def split(text: str) -> tuple[str, str | None]:
    """A remark and the document between the tags; `None` where there is no tag at all.

    One missing tag is put where the text begins or ends. Of several documents the first tag and
    the last one count, so that a document may speak of the tags itself.
    """
    opening = _OPEN.search(text)
    closings = list(_CLOSE.finditer(text, opening.end() if opening else 0))
    if opening is None and not closings:
        return text.strip(), None
    begin = opening.end() if opening else 0
    end = closings[-1].start() if closings else len(text)
    before = text[: opening.start()] if opening else ""
    after = text[closings[-1].end() :] if closings else ""
    document = text[begin:end].strip("\n")
    note = "\n\n".join(part.strip() for part in (before, after) if part.strip())
    if not document.strip() or document.strip().lower() == NO_UPDATE:
        return note, None
    return note, document


def earlier_documents(outputs: Sequence[PreviousOutput]) -> list[str]:
    """The documents that earlier outputs carry, oldest first."""
    return [output.notebook for output in outputs if carries_document(output)]


def carries_document(output: PreviousOutput) -> bool:
    """Whether an earlier output carries a document; `human_feedback` puts its actions there."""
    text = output.notebook.strip()
    return bool(text) and text.lower() != NO_UPDATE and output.component != "human_feedback"


def handed_on(documents: Sequence[str]) -> str:
    """The earlier document to hand on where this run wrote none: the latest."""
    return documents[-1] if documents else NO_UPDATE


def _edited(text: str, documents: Sequence[str]) -> str | None:
    written = {line.strip() for line in text.splitlines() if line.strip()}
    for document in reversed(documents):
        lines = {line.strip() for line in document.splitlines() if line.strip()}
        if len(lines) >= FEWEST_LINES and len(lines & written) >= SAME_LINES * len(lines):
            return text
    return None


def _bounded(immediate_response: str, notebook: str) -> Output:
    return Output(immediate_response[:LONGEST_RESPONSE], notebook[:LONGEST_NOTEBOOK])

"""The document that a caller keeps beside the conversation, in the manner of a canvas.

The model marks a document by tags, which even small models hardly miss, and the rules of the
unified contract are applied here and nowhere else. A document is never lost because a tag was:
what stands in no tags is still the answer, and an earlier document is handed on unchanged.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nodes.final_answers import read_final_answer
from nodes.state import PreviousOutput, Request, Result, Truncation

NO_UPDATE = "no update"
LONGEST_RESPONSE = 50_000
LONGEST_NOTEBOOK = 100_000
DOCUMENT_NOTE = "The document is in the notebook."
REWRITTEN_NOTE = "The revised document is in the notebook."
UNCHANGED_NOTE = "The document is unchanged."
SAME_LINES = 0.5  # an untagged answer that shares this much of its and a document's lines edits it
FEWEST_LINES = 3  # shorter documents repeat each other by chance
MOST_FENCES = 20
WRITERS = frozenset({"complete", "refine"})  # the others speak about documents, or set their own

INSTRUCTION = """\
If the task is to write or to change a document, such as code, a story or a report, first write \
a short note of one or two sentences, and then the whole document between the tags <notebook> and \
</notebook>. Write the tags on lines of their own and nothing after them. For any other task do \
not use the tags."""
MERGE_INSTRUCTION = """\
Several documents are given. If the task concerns them, write one that replaces them all."""

_TAG = re.compile(r"<[ \t]{0,3}(/?)[ \t]{0,3}notebook[ \t]{0,3}>", re.IGNORECASE)
_FENCE = re.compile(r"^```[^\n`]*$", re.MULTILINE)
_BLANK = " \t\r"


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


@dataclass(frozen=True, slots=True)
class Written:
    """An answer taken apart: the remark, and the document.

    The document is `None` where the answer marks none, and empty where it says `no update`.
    `whole` tells whether its end was marked.
    """

    note: str
    document: str | None = None
    whole: bool = True


def output_of(component: str, request: Request, result: Result) -> Output:
    """The answer of a run and the document to hand on, by the contract's notebook rules."""
    if result.document:
        return _bounded(result.answer, result.document)
    if component not in WRITERS:
        return _bounded(result.answer, handed_on(request))
    if request.output_is_document:
        return _revised(request.output, result)
    found = written(request, result.answer, result.truncated)
    if found.document is None and not result.truncated:
        found = _edit(result.answer, carried(request))
    if not found.document:
        said = UNCHANGED_NOTE if carried(request) else result.answer
        return _bounded(found.note or said, handed_on(request))
    if not found.note and not carried(request) and read_final_answer(found.document):
        # Small models put the answer to a question between the tags, too.
        return _bounded(found.document, NO_UPDATE)
    return _bounded(found.note or DOCUMENT_NOTE, _as_it_was(found.document, request))


def written(request: Request, answer: str, truncated: Truncation) -> Written:
    """The remark and the document of an answer, which is no document if half of one is all there
    is and an earlier one is whole."""
    found = split(answer)
    if found.document and truncated and not found.whole and carried(request):
        return Written("\n\n".join(part for part in (found.note, found.document) if part))
    return found


def _as_it_was(document: str, request: Request) -> str:
    """The earlier document that this one repeats, if it does: space around it was lost."""
    same = (old for old in carried(request) if old.strip() == document.strip())
    return next(same, document)


def split(text: str) -> Written:
    """A remark and the document between the tags.

    Of several the first opening and the last closing tag count, so that a document may speak of
    the tags itself; those that begin or end a line go before those in a sentence, which count
    only as a pair. Where one tag is missing, the document begins or ends with the text.
    """
    opening, closing = _markers(text)
    if opening is None and closing is None:
        return Written(text.strip())
    document = text[
        opening.inner if opening else 0 : closing.inner if closing else len(text)
    ].strip("\r\n")
    before, after = (
        text[: opening.outer].strip() if opening else "",
        text[closing.outer :].strip() if closing else "",
    )
    note = "\n\n".join(part for part in _unfenced(before, after) if part)
    if document.strip().lower() in ("", NO_UPDATE):
        return Written(note, "")
    return Written(note, document, closing is not None)


def earlier_documents(outputs: Sequence[PreviousOutput]) -> list[str]:
    """The documents that earlier outputs carry, oldest first."""
    return [output.notebook for output in outputs if carries_document(output)]


def carried(request: Request) -> list[str]:
    """The documents that came with a request, oldest first."""
    return earlier_documents(request.previous_outputs)


def carries_document(output: PreviousOutput) -> bool:
    """Whether an earlier output carries a document; `human_feedback` puts its actions there."""
    text = output.notebook.strip()
    return bool(text) and text.lower() != NO_UPDATE and output.component != "human_feedback"


def handed_on(request: Request) -> str:
    """The earlier document to hand on where this run wrote none: the latest."""
    documents = carried(request)
    return documents[-1] if documents else NO_UPDATE


def _revised(document: str, result: Result) -> Output:
    # The editor was asked for nothing but the document, so that tags are the exception.
    found = split(result.answer)
    if found.document is None or (found.document and _TAG.search(document)):
        found = Written("", result.answer, whole=False)
    if result.truncated and not found.whole:
        return _bounded(result.answer, document)
    new = (found.document or "").strip()
    if new.lower() in ("", NO_UPDATE) or new == document.strip():
        return _bounded(found.note or UNCHANGED_NOTE, document)
    return _bounded(found.note or REWRITTEN_NOTE, found.document or document)


@dataclass(frozen=True, slots=True)
class _Tag:
    """A tag in a text. `outer` is where the remark ends or goes on, `inner` where the document
    begins or ends; `edge` tells whether nothing of the remark shares the line."""

    closes: bool
    outer: int
    inner: int
    edge: bool
    alone: bool


def _tags(text: str) -> Iterator[_Tag]:
    for match in _TAG.finditer(text):
        begin = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        end = len(text) if end < 0 else end
        before = text[begin : match.start()].strip(_BLANK)
        after = text[match.end() : end].strip(_BLANK)
        decorated = before == after and not before.strip("*`")
        if match.group(1):
            yield _Tag(
                closes=True,
                outer=end if decorated else match.end(),
                inner=begin if decorated or not before else match.start(),
                edge=decorated or not after,
                alone=decorated or not (before or after),
            )
        else:
            yield _Tag(
                closes=False,
                outer=begin if decorated else match.start(),
                inner=end if decorated or not after else match.end(),
                edge=decorated or not before,
                alone=decorated or not (before or after),
            )


def _markers(text: str) -> tuple[_Tag | None, _Tag | None]:
    tags = list(_tags(text))
    openings = [tag for tag in tags if not tag.closes]
    opening = next((tag for tag in openings if tag.edge), openings[0] if openings else None)
    closings = [tag for tag in tags if tag.closes and (not opening or tag.inner >= opening.inner)]
    closing = next((tag for tag in reversed(closings) if tag.edge), None)
    if opening and opening.edge:
        return opening, closing or (closings[-1] if closings else None)
    if opening:
        return (opening, closing) if closing else (None, None)
    if closing and (closing.alone or not text[closing.outer :].strip()):
        return None, closing
    return None, None


def _unfenced(before: str, after: str) -> tuple[str, str]:
    """The remark around the tags without the code fence that they stand in, if they do."""
    head, _, opened = before.rpartition("\n")
    closed, _, tail = after.partition("\n")
    if opened.strip().startswith("```") and closed.strip() == "```":
        return head.strip(), tail.strip()
    return before, after


def _edit(text: str, documents: Sequence[str]) -> Written:
    """An untagged answer that repeats most of an earlier document, as its edit."""
    whole, fenced = _lines(text), list(_fenced(text))
    for document in reversed(documents):
        old = _lines(document)
        for note, code in fenced:
            inner = _lines(code)
            if _repeats(inner, old) and len(inner & old) == len(whole & old):
                return Written(note, code)
        if _repeats(whole, old):
            return Written("", text)
    return Written(text.strip())


def _fenced(text: str) -> Iterator[tuple[str, str]]:
    """The code in each of the first fences, and before it what stands around it."""
    marks = list(itertools.islice(_FENCE.finditer(text), 2 * MOST_FENCES))
    for opening, closing in zip(marks[::2], marks[1::2], strict=False):
        around = (text[: opening.start()].strip(), text[closing.end() :].strip())
        yield "\n\n".join(filter(None, around)), text[opening.end() : closing.start()].strip("\n")


def _repeats(lines: set[str], old: set[str]) -> bool:
    same = len(lines & old)
    return len(old) >= FEWEST_LINES and same >= SAME_LINES * max(len(old), len(lines))


def _lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines() if line.strip()}


def _bounded(immediate_response: str, notebook: str) -> Output:
    return Output(immediate_response[:LONGEST_RESPONSE], notebook[:LONGEST_NOTEBOOK])

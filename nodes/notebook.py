"""The document that a caller keeps beside the conversation, in the manner of a canvas.

The model marks a document by tags, which even small models hardly miss, and the rules of the
unified contract are applied here and nowhere else. A document is never lost because a tag was:
what stands in no tags is still the answer, and an earlier document is handed on unchanged.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nodes.answers.final_answers import read_final_answer
from nodes.context import CUT_MARK
from nodes.documents import says_nothing
from nodes.documents.tags import TAG, Written, split
from nodes.foreign import one_line
from nodes.remarks import asks_for_less, much_shorter, replaces, said_instead
from nodes.state import PreviousOutput, Request, Result, Truncation

NO_UPDATE = "no update"
LONGEST_RESPONSE = 50_000
LONGEST_NOTEBOOK = 100_000
DOCUMENT_NOTE = "The document is in the notebook."
REWRITTEN_NOTE = "The revised document is in the notebook."
UNCHANGED_NOTE = "The document is unchanged."
SEEN_IN_PART_NOTE = (
    "The document is too long for the model's window, which showed only parts of it, so that it "
    "stays as it was."
)
OUTPUT_HEADING = "Output"  # what an output to revise stands under in the prompt
MOST_LINES, MOST_CHARACTERS = 10, 2_000  # more is a document, though it ends with an answer
MOST_WORDS = 4  # of a final answer that stands alone
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

_FENCE = re.compile(r"^```[^\n`]*$", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*(?:#{1,6}[ \t]|```|~~~)", re.MULTILINE)
_STATEMENT = re.compile(
    r"^[ \t>*_-]*(?:(?:so|thus|therefore|hence),?[ \t]+)?(?:the[ \t]+)?(?:(?:final|correct)[ \t]+)?"
    r"answer\b[*_ \t]*(?:is\b|:)|^####[ \t]*[-$\d]|\\boxed\{",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\[[^\W\d][^\]\n]*\]|\([^\W\d][^)\n]*\)|<[^\W\d][^>\n]*>|[\s.…*_-]*")


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


def output_of(component: str, request: Request, result: Result) -> Output:
    """The answer of a run and the document to hand on, by the contract's notebook rules."""
    if result.document:
        return _replaced(request, result, result.answer, result.document)
    if component not in WRITERS:
        return _bounded(result.answer, handed_on(request))
    if request.output_is_document:
        return _revised(request, result)
    found = written(request, result.answer, result.truncated)
    if found.document is None and not result.truncated:
        found = _edit(result.answer, carried(request))
    if not found.document:
        said = UNCHANGED_NOTE if carried(request) else result.answer
        return _bounded(found.note or said, handed_on(request))
    if not found.note and not carried(request) and _is_solution(found.document):
        # Small models put the answer to a question between the tags, too.
        return _bounded(found.document, NO_UPDATE)
    return _replaced(request, result, found.note or DOCUMENT_NOTE, found.document)


def written(request: Request, answer: str, truncated: Truncation) -> Written:
    """The remark and the document of an answer.

    Half a document, or a remark between the tags, is no document where there is an earlier one.
    """
    found = split(answer)
    half = truncated and not found.whole
    if found.document and carried(request) and (half or _is_remark(found.document, request)):
        return Written(_joined(found.note, found.document), "")
    return found


def _is_solution(text: str) -> bool:
    """Whether a text is a question's answer: a few lines, of which the last alone states it."""
    lines = [line for line in text[: MOST_CHARACTERS + 1].splitlines() if line.strip()]
    if len(text) > MOST_CHARACTERS or not 0 < len(lines) <= MOST_LINES:
        return False
    if _HEADING.search("\n".join(lines[:-1])):
        return False
    last = lines[-1]
    if not _STATEMENT.search(last) and (len(lines) > 1 or len(last.split()) > MOST_WORDS):
        return False
    return not any(map(_STATEMENT.search, lines[:-1])) and bool(read_final_answer(last))


def _is_remark(text: str, request: Request) -> bool:
    """Whether a text between the tags is anything but a new form of the earlier documents."""
    documents = carried(request)
    old = min(documents, key=len)
    if said_instead(text, old) or (_is_solution(text) and not any(map(_is_solution, documents))):
        return True
    line = text.strip()
    if "\n" in line:
        return False
    if "\n" in old.strip() and _PLACEHOLDER.fullmatch(line):
        return True
    return much_shorter(line, old) and not asks_for_less(request)


def _replaced(request: Request, result: Result, note: str, document: str) -> Output:
    """The new document in the notebook, unless the model saw only parts of the earlier one."""
    same = next((old for old in carried(request) if old.strip() == document.strip()), None)
    if same is not None:
        return _bounded(note, same)  # space around it was lost
    headings = told_under(request.previous_outputs).values()
    if not carried(request) or not _in_part(result, headings, document, carried(request)):
        return _bounded(note, document)
    said = "" if note == DOCUMENT_NOTE else note
    return _bounded(_joined(SEEN_IN_PART_NOTE, said, document), handed_on(request))


def _in_part(
    result: Result, headings: Iterable[str], document: str, earlier: Sequence[str]
) -> bool:
    """Whether a document was made from parts of those under `headings`, or is only parts."""
    mark = CUT_MARK.strip()
    marked = mark in document and not any(mark in old for old in earlier)
    return marked or not set(result.cut).isdisjoint(headings)


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


def heading(number: int, output: PreviousOutput) -> str:
    """What an earlier output stands under in a prompt."""
    component = one_line(output.component)
    return f"Earlier output {number}" + (f" ({component})" if component else "")


def told_under(outputs: Sequence[PreviousOutput]) -> dict[str, str]:
    """The headings of the documents in a prompt: one each, however often it was handed on."""
    found: dict[str, str] = {}
    for number, output in enumerate(outputs, 1):
        if carries_document(output):
            found.setdefault(output.notebook, f"{heading(number, output)}, its document")
    return found


def handed_on(request: Request) -> str:
    """The earlier document to hand on where this run wrote none: the latest."""
    documents = carried(request)
    return documents[-1] if documents else NO_UPDATE


def _revised(request: Request, result: Result) -> Output:
    document = request.output
    # The editor was asked for nothing but the document, so that tags are the exception.
    found = split(result.answer)
    if found.document is None or (found.document and TAG.search(document)):
        found = Written("", result.answer, whole=False)
    if result.truncated and not found.whole:
        return _bounded(result.answer, document)
    new = (found.document or "").strip()
    if says_nothing(new) or new == document.strip():
        return _bounded(found.note or UNCHANGED_NOTE, document)
    if _in_part(result, [OUTPUT_HEADING], new, [document]):
        return _bounded(_joined(SEEN_IN_PART_NOTE, found.note, new), document)
    if not replaces(new, request, truncated=False):
        return _bounded(_joined(found.note, new), document)
    return _bounded(found.note or REWRITTEN_NOTE, found.document or document)


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


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _bounded(immediate_response: str, notebook: str) -> Output:
    return Output(immediate_response[:LONGEST_RESPONSE], notebook[:LONGEST_NOTEBOOK])

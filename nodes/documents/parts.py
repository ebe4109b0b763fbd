"""A part of a document, put into its place in the whole where that is certain."""

from dataclasses import dataclass

from nodes.documents.conventions import reindented
from nodes.documents.elisions import filled
from nodes.documents.patches import before_patch, is_patch, patched

PATCH = "it is a patch that does not fit the document exactly"
ELIDED = "it leaves out a part whose place is not certain"


@dataclass(frozen=True, slots=True)
class Merged:
    """The document that a text stands for; where that is not certain, why not.

    `is_part` tells that `new` was only a part, `said` is what stands in front of a patch.
    """

    text: str
    reason: str = ""
    is_part: bool = False
    said: str = ""


def merged(new: str, old: str, request: str) -> Merged:
    """The whole document that `new` stands for, if it is a patch of `old` or leaves parts out."""
    marked = is_patch(new) and not is_patch(old)
    if marked or _is_bare_hunk(new):
        made = patched(new, old)
        if made is not None:
            return Merged(made, is_part=True, said=before_patch(new))
        if marked:
            return Merged(old, PATCH, is_part=True)
    text = reindented(new, old, request)
    whole = filled(text, old, request)
    return Merged(old, ELIDED, True) if whole is None else Merged(whole, is_part=whole != text)


def _is_bare_hunk(text: str) -> bool:
    """Whether each line begins as in a hunk, and some add or remove."""
    lines = [line for line in text.splitlines() if line.strip()]
    signs = {line[0] for line in lines}
    return len(lines) > 1 and signs <= set(" +-") and len(signs) > 1

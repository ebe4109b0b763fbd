"""Reading a document off an answer that marks it by tags, as models write them."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from nodes.documents.whole import says_nothing

TAG = re.compile(
    r"(?:<|&lt;)[ \t]{0,3}(/?)[ \t]{0,3}notebook(?:[ \t][^<>\n]{0,200})?(?:>|&gt;|\Z)",
    re.IGNORECASE,
)
_BLANK = " \t\r"


@dataclass(frozen=True, slots=True)
class Written:
    """An answer taken apart: the remark, and the document.

    The document is `None` where the answer marks none, and empty where it says `no update`.
    `whole` tells whether its end was marked.
    """

    note: str
    document: str | None = None
    whole: bool = True


def split(text: str) -> Written:
    """A remark and the document between the tags.

    Of several the first opening and the last closing tag count, so that a document may speak of
    the tags itself; those that begin or end a line go before those in a sentence, which count
    only as a pair. Where one tag is missing, the document begins or ends with the text. Of two
    documents one after the other the last counts, and the first is part of the remark.
    """
    tags = _paired(list(_tags(text)), text)
    blocks = _blocks(text, tags)
    opening, closing = blocks[-1] if len(blocks) > 1 else _markers(text, tags)
    if opening is None and closing is None:
        return Written(text.strip())
    document = text[
        opening.inner if opening else 0 : closing.inner if closing else len(text)
    ].strip("\r\n")
    before, after = (
        _untagged(text[: opening.outer], blocks[:-1]).strip() if opening else "",
        text[closing.outer :].strip() if closing else "",
    )
    note = "\n\n".join(part for part in _unfenced(before, after) if part)
    if says_nothing(document):
        return Written(note, "")
    return Written(note, document, closing is not None)


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
    for match in TAG.finditer(text):
        begin = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        end = len(text) if end < 0 else end
        before = text[begin : match.start()].strip(_BLANK)
        after = text[match.end() : end].strip(_BLANK)
        decorated = before == after and not before.strip("*`")
        # On each side the end of the line, that of the tag, and what stands between them.
        left, right = (begin, match.start(), before), (end, match.end(), after)
        (line, tag, remark), (own_line, own_tag, document) = (
            (right, left) if match[1] else (left, right)
        )
        yield _Tag(
            closes=bool(match[1]),
            outer=line if decorated else tag,
            inner=own_line if decorated or not document else own_tag,
            edge=decorated or not remark,
            alone=decorated or not (before or after),
        )


def _paired(tags: list[_Tag], text: str) -> list[_Tag]:
    """The tags, where an opening one stands in the place of the closing one as that."""
    last = tags[-1] if len(tags) > 1 else None
    if last is None or not last.alone or text[last.inner :].strip():
        return tags
    if any(tag.closes for tag in tags):
        return tags
    return [*tags[:-1], replace(last, closes=True, outer=last.inner, inner=last.outer)]


def _blocks(text: str, tags: list[_Tag]) -> list[tuple[_Tag, _Tag]]:
    """The documents that stand one after the other, each between tags on lines of their own.

    None where the tags are not paired, or one of the documents is empty.
    """
    open_tags: list[_Tag] = []
    blocks: list[tuple[_Tag, _Tag]] = []
    for tag in [each for each in tags if each.alone]:
        if not tag.closes:
            open_tags.append(tag)
        elif not open_tags:
            return []
        else:
            opening = open_tags.pop()
            if not open_tags:
                blocks.append((opening, tag))
    whole = not open_tags and all(text[a.inner : b.inner].strip() for a, b in blocks)
    return blocks if whole else []


def _untagged(text: str, blocks: list[tuple[_Tag, _Tag]]) -> str:
    """The text before the last of several documents, without the tags of those before it."""
    kept, at = "", 0
    for tag in itertools.chain.from_iterable(blocks):
        kept += text[at : min(tag.inner, tag.outer)]
        at = max(tag.inner, tag.outer)
    return kept + text[at:]


def _markers(text: str, tags: list[_Tag]) -> tuple[_Tag | None, _Tag | None]:
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

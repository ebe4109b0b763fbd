"""Telling a new text from what a model only says in its place."""

import re

from nodes.state import Request

SHORTEST_SHARE = 0.3  # a text much shorter than the one it stands for is a remark, or half of it

_SAID_INSTEAD = re.compile(
    r"\W{0,3}(?:sorry\b|as an ai\b"
    r"|(?:i'm|i’m|i am) (?:(?:very|so|really) )?(?:sorry|afraid|unable|not able)\b"
    r"|i (?:can't|can’t|cannot|could not|couldn't|won't|am not able to)\b"
    r"|(?:i've|i’ve|i have)(?: now| already)? "
    r"(?:revised|rewritten|updated|changed|edited|improved|corrected|made|addressed|fixed|done"
    r"|added|removed|included|incorporated)\b)",
    re.IGNORECASE,
)
_LESS = re.compile(
    r"\b(?:shorter|shorten\w*|(?:be|keep \w+|make \w+) short|too (?:long|much|many)|brief\w*"
    r"|concis\w*|condens\w*|compress\w*|compact|trim\w*|cut|terse\w*|fewer|reduc\w*|remov\w*|delet\w*|strip|summar\w*|wordy"
    r"|verbos\w*|long-winded|redundan\w*|one[- ](?:line|word|sentence|paragraph))\b",
    re.IGNORECASE,
)


def much_shorter(text: str, old: str) -> bool:
    return len(text) < SHORTEST_SHARE * len(old)


def asks_for_less(request: Request) -> bool:
    """Whether somebody may want the text under work to become much shorter.

    What a caller who keeps a document asks is asked of it; else it is what the text answers.
    """
    said = [f"{each.problem} {each.suggestion}" for each in request.feedbacks]
    said += [request.task, *request.queries] if request.canvas else []
    return any(_LESS.search(each) for each in said)


def said_instead(text: str, old: str) -> bool:
    """Whether a line in the place of `old` speaks of the work, or refuses it."""
    line = text.strip()
    return "\n" not in line and bool(_SAID_INSTEAD.match(line)) and not _SAID_INSTEAD.match(old)


def replaces(text: str, request: Request, *, truncated: bool) -> bool:
    """Whether a revision may stand in the place of the output under work.

    One that was cut must be as long as the output; a whole one may be shorter, where that is
    asked for by far.
    """
    old = request.output.strip()
    if truncated:
        return len(text.strip()) >= len(old)
    if said_instead(text, old):
        return False
    return not much_shorter(text, old) or asks_for_less(request)

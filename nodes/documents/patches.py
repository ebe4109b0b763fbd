"""Patches as models write them, applied where every edit has one certain place.

They are applied by their text: models miscount the lines of their hunks, which the libraries for
diffs refuse, and lose indentation and spaces at line ends, which the old document gives back.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_EDITS = 500
MOST_PLACES = 100  # where the rarest line of an edit may stand

_HUNK = re.compile(r"@@(?: -(\d{1,7})(?:,\d+)? \+\d+(?:,\d+)? @@.*| ?(.*))|```(?:diff|patch)")
_SEARCH, _MIDDLE, _REPLACE = (re.compile(rf"{mark}{{5,9}}(?!{mark}).*") for mark in "<=>")
_STARTS = re.compile(r"@@|--- |diff |\*\*\* |<{5,9}|```|~~~")
_ENDS_HUNK = ("diff ", "*** ", "```", "index ")


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines to find, those to put there, and the line or the heading they are said to be near."""

    before: list[str]
    after: list[str]
    line: int = 0
    scope: str = ""


def is_patch(text: str) -> bool:
    """Whether a text has the marks of a patch."""
    lines = text.splitlines()
    headed = any(line.startswith("+++ ") for line in lines)
    return any(
        _SEARCH.fullmatch(line) or _HUNK.fullmatch(line) or (headed and line.startswith("--- "))
        for line in lines
    )


def before_patch(text: str) -> str:
    """What stands in front of a patch."""
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if _STARTS.match(line)), 0)
    return "\n".join(lines[:first]).strip()


def patched(text: str, old: str) -> str | None:
    """`old` with the edits of a text; `None` where there are none, or one has no certain place."""
    lines = text.splitlines()
    marked = any(_SEARCH.fullmatch(line) for line in lines)
    edits = list(_blocks(lines) if marked else _hunks(lines))
    if not edits or len(edits) > MOST_EDITS:
        return None
    return _applied(edits, old.split("\n"))


def _blocks(lines: Sequence[str]) -> Iterator[Edit]:
    """What stands in SEARCH/REPLACE blocks; one without its end has no place."""
    before: list[str] = []
    after: list[str] = []
    target: list[str] | None = None
    for line in lines:
        if target is None:
            if _SEARCH.fullmatch(line):
                before, after = [], []
                target = before
        elif target is before and _MIDDLE.fullmatch(line):
            target = after
        elif _REPLACE.fullmatch(line):
            yield Edit(before, after)
            target = None
        else:
            target.append(line)
    if target is not None:
        yield Edit([], [])


def _hunks(lines: Sequence[str]) -> Iterator[Edit]:
    """What stands in the hunks of a unified diff; without any head, all lines are one."""
    bare = not any(_HUNK.fullmatch(line) for line in lines)
    hunk: list[str] | None = [] if bare else None
    line_number, scope = 0, ""
    for at, line in enumerate([*lines, "@@"]):
        head = _HUNK.fullmatch(line)
        if head is None and not line.startswith(_ENDS_HUNK) and not _names_file(lines, at):
            if hunk is not None:
                hunk.append(line)
            continue
        if hunk and (edit := _hunk(hunk, line_number, scope)).before != edit.after:
            yield edit
        hunk = [] if head or bare or line.startswith("+++ ") else None
        if head:
            line_number, scope = int(head[1] or 0), (head[2] or "").removesuffix("@@").strip()


def _names_file(lines: Sequence[str], at: int) -> bool:
    """Whether a line is of the pair `---` and `+++`; a removed comment may look like one."""
    minus = at if lines[at : at + 1] and lines[at].startswith("--- ") else at - 1
    pair = lines[max(0, minus) : minus + 2]
    return len(pair) > 1 and pair[0].startswith("--- ") and pair[1].startswith("+++ ")


def _hunk(lines: list[str], line_number: int, scope: str) -> Edit:
    while lines and not lines[-1].strip():
        lines.pop()
    kept = [line for line in lines if not line.startswith("\\")]
    texts = [line[1:] if line[:1] in {" ", "+", "-"} else line for line in kept]
    pairs = list(zip(kept, texts, strict=True))
    return Edit(
        [text for line, text in pairs if not line.startswith("+")],
        [text for line, text in pairs if not line.startswith("-")],
        line_number,
        scope,
    )


def _applied(edits: Sequence[Edit], old: list[str]) -> str | None:
    places: dict[str, list[int]] = {}
    for at, line in enumerate(old):
        places.setdefault(line.strip(), []).append(at)
    found = []
    for edit in edits:
        place = _place(edit, old, places)
        if place is None:
            return None
        stop = place + len(edit.before)
        new = _fitted(edit, old[place:stop])
        if new is None:
            return None
        found.append((place, stop, new))
    made: list[str] = []
    end = 0
    for begin, stop, new in sorted(found, key=lambda each: each[:2]):
        if begin < end:
            return None
        made += [*old[end:begin], *new]
        end = stop
    return "\n".join([*made, *old[end:]])


def _place(edit: Edit, old: list[str], places: dict[str, list[int]]) -> int | None:
    """Where an edit's lines stand: the only place, or of several the one that it names."""
    wanted = [line.strip() for line in edit.before]
    solid = [at for at, line in enumerate(wanted) if line]
    if not solid:
        return None
    rarest = min(solid, key=lambda at: len(places.get(wanted[at], ())))
    starts = [at - rarest for at in places.get(wanted[rarest], ())]
    if len(starts) > MOST_PLACES:
        return None
    size = len(wanted)
    loose = [at for at in starts if at >= 0 and _stripped(old[at : at + size]) == wanted]
    found = [at for at in loose if old[at : at + size] == edit.before] or loose
    if len(found) > 1:
        scope = places.get(edit.scope, []) if edit.scope else []
        after_scope = [at for at in found if len(scope) == 1 and at > scope[0]][:1]
        found = [at for at in found if at == edit.line - 1] or after_scope
    return found[0] if len(found) == 1 else None


def _fitted(edit: Edit, found: list[str]) -> list[str] | None:
    """The new lines, indented as the old ones are that were found; `None` where that is unclear."""
    shifts: dict[str, str] = {}
    for line, is_now in zip(edit.before, found, strict=True):
        if line.strip() and shifts.setdefault(_indent(line), _indent(is_now)) != _indent(is_now):
            return None
    same = all(given == stands for given, stands in shifts.items())
    known = dict(zip(edit.before, found, strict=True))
    made = []
    for line in edit.after:
        given = _indent(line)
        if line in known or not line.strip() or (same and given not in shifts):
            made.append(known.get(line, line))
        elif given in shifts:
            made.append(shifts[given] + line[len(given) :])
        else:
            return None
    return made


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _stripped(lines: Sequence[str]) -> list[str]:
    return [line.strip() for line in lines]

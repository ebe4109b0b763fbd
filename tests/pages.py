"""The documentation as tests read it: its pages, and the blocks of code on them."""

import re
from dataclasses import dataclass
from pathlib import Path

from settings import ROOT

PAGES: dict[str, Path] = {
    path.relative_to(ROOT).as_posix(): path
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.md")])
}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `page` is its file's name below the clone, `language` may be empty."""

    page: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in its order."""
    text = PAGES[page].read_text(encoding="utf-8")
    return [Block(page, language, block) for language, block in _BLOCK.findall(text)]


def block(page: str, holding: str, language: str | None = None) -> str:
    """The text of the only block of a page that holds these words, in this language if given."""
    [found] = [
        block.text
        for block in blocks(page)
        if holding in block.text and language in (None, block.language)
    ]
    return found


def commands(page: str, language: str = "sh") -> list[str]:
    """The lines of a page's blocks in a shell's language."""
    return [
        line
        for block in blocks(page)
        if block.language == language
        for line in block.text.splitlines()
    ]

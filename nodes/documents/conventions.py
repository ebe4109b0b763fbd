"""The conventions of an old document, kept by a new form of it."""

import html
import math
import re
import textwrap

from nodes.documents.words import FORMAT

_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|#39|#x27);")
_INDENT = re.compile(r"^([ \t]+)(?=\S)", re.MULTILINE)
_MARKED_UP = re.compile(r"</\w+>")
BOM = "\ufeff"


def adapted(new: str, old: str, request: str) -> str:
    """`new` with the line ends, entities and outer space of `old`, unless they are asked for."""
    text = new.removeprefix(BOM).replace("\r\n", "\n")
    plain = old.removeprefix(BOM).replace("\r\n", "\n")
    text = _unescaped(text, plain)
    if FORMAT.search(request):
        return text + "\n" if plain.endswith("\n") and not text.endswith("\n") else text
    text = text.strip("\n")
    body = plain.strip("\n")
    begin = plain.index(body) if body else 0
    text = plain[:begin] + text + plain[begin + len(body) :]
    if 2 * old.count("\r\n") > old.count("\n"):
        text = text.replace("\n", "\r\n")
    return BOM + text if old.startswith(BOM) else text


def _unescaped(text: str, old: str) -> str:
    if not _ENTITY.search(text) or _ENTITY.search(old):
        return text
    plain = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if not _MARKED_UP.search(old):
        return plain
    # Markup may be given its first entity; escaped as a whole, it is nearer to the old one undone.
    lines = set(old.split("\n"))
    nearer = len(lines & set(plain.split("\n"))) - len(lines & set(text.split("\n")))
    return plain if nearer > 0 else text


def reindented(text: str, old: str, request: str) -> str:
    """A text indented by tabs or spaces as `old` is, unless the request speaks of that."""
    if FORMAT.search(request):
        return text
    if textwrap.dedent(old) == old and "\n" in old:
        text = textwrap.dedent(text)
    new_by, old_by = _unit(text), _unit(old)
    if new_by == old_by or not new_by or not old_by or "\t" not in {new_by, old_by}:
        return text
    return _INDENT.sub(lambda found: _again(found[1], new_by, old_by), text)


def _again(indent: str, new_by: str, old_by: str) -> str:
    return indent.replace(new_by, old_by) if set(indent) == set(new_by) else indent


def _unit(text: str) -> str:
    """What one level is indented by; empty where nothing is, or not by one of both."""
    indents = set(_INDENT.findall(text))
    if not indents:
        return ""
    if all(set(indent) == {"\t"} for indent in indents):
        return "\t"
    if any("\t" in indent for indent in indents):
        return ""
    return " " * math.gcd(*(len(indent) for indent in indents))

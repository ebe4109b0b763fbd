"""Texts and bodies made to cost much: for parsers, regular expressions, tokenizers and copies."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

LONGEST = 150_000  # characters of a pattern
FIELD = 100_000  # of one field
SHORT = 10_000
MEBIBYTE = 2**20
BODY = 10 * MEBIBYTE - 1024
WHEN = "2026-01-01T00:00:00Z"

Request = tuple[str, str, bytes]
"""Name, path and body."""


def _run(unit: str) -> Callable[[], str]:
    return lambda: (unit * (LONGEST // len(unit) + 1))[:LONGEST]


def _nested(opening: str, closing: str) -> Callable[[], str]:
    depth = LONGEST // (len(opening) + len(closing))
    return lambda: opening * depth + closing * depth


def _counted(line: str) -> Callable[[], str]:
    """Lines that differ by their number."""
    return lambda: "".join(line.format(number) for number in range(LONGEST // len(line)))[:LONGEST]


PATTERNS: Mapping[str, Callable[[], str]] = {
    "digits": _run("7"),
    "zeros": _run("0"),
    "digits and dots": _run("1.1"),
    "digits and commas": _run("1,234,"),
    "numbers": _counted("{} "),
    "exponents": _run("9e9"),
    "powers": _run("9^"),
    "signs": _run("-+"),
    "sums": _run("1+"),
    "quotients": _run("1/"),
    "fractions": _run(r"\frac{1}{"),
    "boxes": _run(r"\boxed{"),
    "closed boxes": _nested(r"\boxed{", "}"),
    "roots": _nested(r"\sqrt{", "}"),
    "dollars": _run("$"),
    "formulas": _run("$x$ "),
    "parentheses": _nested("(", ")"),
    "open parentheses": _run("("),
    "brackets": _nested("[", "]"),
    "open brackets": _run("["),
    "braces": _nested('{"a":', "}"),
    "braces and commas": _run("{,"),
    "json list": lambda: json.dumps(list(range(20_000)))[:LONGEST],
    "quotes": _run('"'),
    "odd quotes": _run("\"'“”«»"),
    "quoted words": _run('"a" '),
    "backslashes": _run("\\"),
    "spaces": _run(" "),
    "spaces and a letter": lambda: " " * (LONGEST - 1) + "x",
    "tabs": _run("\t"),
    "line ends": _run("\n"),
    "windows line ends": _run("\r\n"),
    "blank lines with spaces": _run("   \n"),
    "lines of one letter": _run("a\n"),
    "one word": _run("a"),
    "words": _run("word "),
    "words in capitals": _run("WORD "),
    "many words": _counted("word{} "),
    "sentences": _run("It is so. "),
    "questions": _run("Why? "),
    "colons": _run("a:"),
    "labels": _run("PROBLEM: "),
    "labelled lines": _run("PROBLEM: x\nSUGGESTION: y\n"),
    "labels in bold": _run("**PROBLEM:** "),
    "numbered lines": _counted("{}. do it\n"),
    "bullets": _run("- "),
    "nested bullets": lambda: "".join(" " * depth + "- x\n" for depth in range(540)),
    "stars": _run("*"),
    "bold": _run("**a** "),
    "underscores": _run("_a_"),
    "headings": _run("# a\n"),
    "hashes": _run("#"),
    "table": _run("| a | b |\n"),
    "table rules": _run("|---"),
    "pipes": _run("|"),
    "fences": _run("```\n"),
    "fences and names": _run("```python\nx\n"),
    "backticks": _run("`"),
    "tildes": _run("~~~\n"),
    "tags": _nested("<b>", "</b>"),
    "open tags": _run("<b>"),
    "angles": _run("<"),
    "comments": _run("<!--"),
    "think": _run("<think>"),
    "closed think": _run("<think>a</think>"),
    "end of think": _run("</think>"),
    "notebooks": _run("<notebook>"),
    "notebook parts": _run("<notebook>a</notebook>\n"),
    "template tokens": _run("<|im_end|>"),
    "half template tokens": _run("<|"),
    "instructions": _run("[INST] "),
    "marks of ours": _run("<text-000000>\n"),
    "elisions": _run("[...]\n"),
    "ellipses": _run("…"),
    "dots": _run("."),
    "commented elisions": _run("// ... rest of the code\n"),
    "diff": _run("@@ -1,1 +1,1 @@\n-a\n+b\n"),
    "search and replace": _run("<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"),
    "search marks": _run("<<<<<<< SEARCH\n"),
    "functions": _counted("def f{}():\n    pass\n"),
    "limits": _run("5 words "),
    "limits in a row": _run("99999999-words-"),
    "hyphens": _run("a-"),
    "apostrophes": _run("a'"),
    "addresses": _run("http://a.b/c?d=e&"),
    "mails": _run("a@b."),
    "dates": _run("2026-01-01 "),
    "units": _run("5 km/h "),
    "answers": _run("The answer is 5. "),
    "answers cut short": _run("The answer is "),
    "finals": _run("Final answer: A\n"),
    "choices": _run("(A) "),
    "passes": _run("PASS\nREVISE: "),
    "entities": _run("&amp;"),
    "emoji": _run("\U0001f600"),
    "families": _run("\U0001f468\u200d"),
    "accents": _run("a\u0301"),
    "accents alone": _run("\u0301"),
    "chinese": _run("中文"),
    "chinese stops": _run("好。"),
    "arabic": _run("سلام "),
    "thai": _run("ภาษาไทย"),
    "cyrillic": _run("слово "),
    "full width digits": _run("\uff17"),
    "roman numerals": _run("XIV "),
    "superscripts": _run("²"),
    "capital sharp s": _run("ẞ"),
    "dotted i": _run("İ"),
    "zero width": _run("\u200b"),
    "direction marks": _run("\u202e"),
    "control characters": _run("\x01"),
    "nul": _run("\0"),
    "private use": _run("\ue000"),
}


def requests_of(text: str) -> Iterator[Request]:
    """A request for each place where a text can come in."""
    field, short = text[:FIELD], text[:SHORT]
    yield _flat("complete, input", "complete", input=field)
    yield _flat("complete, task", "complete", task=short, input=field)
    yield _flat("feedback, output", "feedback", output=field)
    yield _flat("refine, output", "refine", output=field, feedbacks=[_fault("Make it better.")])
    faults = [_fault(text[:3000])] * 50
    yield _flat("refine, feedbacks", "refine", output="A draft.", feedbacks=faults)
    yield _flat("refine, all", "refine", input=field, output=field, feedbacks=[_fault(field)])
    yield "human_feedback", "/human_feedback", _json({"cid": "h", "human_feedback": short or "x"})
    for component in ("complete", "refine", "feedback", "aggregate", "summary"):
        yield _unified(component, text, outputs=3)
    yield _unified("aggregate", text, outputs=20)
    yield _unified("human_feedback", text, outputs=0)
    turns = [{"role": "user", "content": field}]
    yield "chat", "/v1/chat/completions", _json({"model": "complete", "messages": turns})
    turns = [{"role": role, "content": field} for role in ("user", "assistant", "user")]
    yield "chat, refine", "/v1/chat/completions", _json({"model": "refine", "messages": turns})
    version = {"version": 1, "content": text[:2000], "evidence": short, "at": WHEN}
    entries = [
        {"node_id": f"{number:032x}", "created_at": WHEN, "versions": [version]}
        for number in range(50)
    ]
    yield "import", "/playbook/imported/import", _json({"cid": "imported", "entries": entries})
    yield _flat("complete with this playbook", "complete", cid="imported")


def _flat(name: str, component: str, **fields: object) -> Request:
    asked: dict[str, object] = {"cid": "u", "task": "Do it", "input": "Please"}
    return name, f"/{component}", _json(asked | fields)


def _unified(component: str, text: str, *, outputs: int) -> Request:
    output = {"immediate_response": text[:50_000], "notebook": text[:FIELD]}
    before = {"task": "t", "input": [{"user_query": "q"}], "output": output, "component": "summary"}
    body = {
        "cid": "u",
        "task": "Do it",
        "input": [{"user_query": text[:SHORT].strip() or "Do it"}],
        "previous_outputs": [before] * outputs,
    }
    return f"unified {component}, {outputs} outputs", f"/{component}", _json(body)


def _fault(problem: str) -> dict[str, str]:
    return {"problem": problem, "suggestion": problem[:1000]}


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()


_BEFORE = b'{"cid": "c", "task": "t", "input": "i", "more": '
UNITS: Mapping[str, tuple[bytes, bytes, bytes]] = {
    # name: beginning, unit, end
    "empty lists": (b"[", b"[],", b"0]"),
    "empty objects": (b"[", b"{},", b"0]"),
    "empty strings": (b"[", b'"",', b"0]"),
    "words": (b"[", b'"word",', b"0]"),
    "digits": (b"[", b"1,", b"1]"),
    "decimals": (b"[", b"1.5,", b"1]"),
    "one number": (b"", b"7", b""),
    "open lists": (b"", b"[", b""),
    "lists in objects": (b"[", b'{"a":[]},', b"0]"),
    "pairs of one name": (b"{", b'"a":1,', b'"a":1}'),
    "escaped quotes": (b'"', b'\\"', b'"'),
    "escaped letters": (b'"', b"\\u0041", b'"'),
    "line ends and half a pair": (b'"\\ud83d', b"\\n", b'"'),
    "letters and half a pair": (b'"\\ud83d', b"\\u0041", b'"'),
    "halves of pairs": (b'"', b"\\ud83d", b'"'),
    "backslashes and half a pair": (b'"\\ud83d', b"\\\\", b'"'),
    "brackets in a string": (b'"', b"[", b'"'),
    "strings in strings": (b'"', b'\\"[,]\\",', b'"'),
    "spaces": (b"0", b" ", b""),
    "what is no utf-8": (b'"', b"\xff", b'"'),
}
MANY_NAMES = "pairs of many names"


def BODIES() -> Iterator[Request]:  # noqa: N802
    """Bodies of 10 MiB whose structure is what costs."""
    bodies = {name: _filled(*parts) for name, parts in UNITS.items()}
    names = b",".join(b'"%07d":1' % number for number in range(BODY // 12))
    bodies[MANY_NAMES] = _BEFORE + b"{" + names + b"}}"
    for name, body in bodies.items():
        yield name, "/complete", body
    for name in ("empty lists", "empty objects", "decimals"):
        inside = bodies[name].replace(b'"input": "i", "more": ', b'"input": [{"user_query": "q"}, ')
        yield f"{name} as input", "/complete", inside[:-1] + b"]}"
        turns = bodies[name].replace(_BEFORE, b'{"model": "complete", "messages": ')
        yield f"{name} as messages", "/v1/chat/completions", turns
        entries = bodies[name].replace(_BEFORE, b'{"cid": "c", "entries": ')
        yield f"{name} as entries", "/playbook/c/import", entries
    for unit in (b"{}\n", b'{"conversation":{"cid":"r","messages":[]}}\n'):
        yield f"lines {unit!r}", "/restore", unit * (BODY // len(unit))


def _filled(beginning: bytes, unit: bytes, end: bytes) -> bytes:
    return _BEFORE + beginning + unit * (BODY // len(unit)) + end + b"}"

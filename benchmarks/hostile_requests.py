"""What carries the hostile texts to a miner, and bodies and answers whose structure is hostile."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

FIELD = 100_000  # of one field
SHORT = 10_000
MEBIBYTE = 2**20
BODY = 10 * MEBIBYTE - 1024
WHEN = "2026-01-01T00:00:00Z"

Request = tuple[str, str, bytes]
"""Name, path and body."""


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


ASKING = (
    _flat("complete", "complete"),
    _flat("human_feedback", "human_feedback", human_feedback="Answer in French from now on."),
    (
        "streamed chat",
        "/v1/chat/completions",
        _json(
            {"model": "complete", "stream": True, "messages": [{"role": "user", "content": "a"}]}
        ),
    ),
)


def _events(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


_CHUNK = b'{"choices":[{"index":0,"delta":{"content":%b}}]}'
ANSWERS: Mapping[str, bytes] = {
    # what a backend sends in place of a stream or a body
    name: beginning + unit * (MEBIBYTE // len(unit)) + end
    for name, (beginning, unit, end) in {
        "one open list": (b"data: ", b"[", b""),
        "open lists, an event each": (b"", _events(b"["), b""),
        "open objects, an event each": (b"", b'data: {"a":\n', b""),
        "lists that go on, an event each": (b"", _events(b"[1,"), b""),
        "strings that go on, an event each": (b"", _events(b'{"a": "b'), b""),
        "values in a row": (b"data: ", b'{"a":1}', b"\n\n"),
        "events in events": (b"", b"data: ", b"\n\n"),
        "lines of spaces": (b"data: x\n", b" \n", b""),
        "no line end": (b"data: ", b"x", b""),
        "empty events": (b"", b"data:\n\n", b""),
        "comments": (b"", b": ping\n\n", b""),
        "a letter each": (b"", _events(_CHUNK % b'"a"'), b"data: [DONE]\n\n"),
        "half a pair each": (b"", _events(_CHUNK % b'"\\ud83d"'), b"data: [DONE]\n\n"),
        "letters, encoded twice": (
            b"",
            _events(json.dumps((_CHUNK % b'"a"').decode()).encode()),
            b"",
        ),
        "letters in python's form": (
            b"",
            _events(b"{'choices': [{'delta': {'content': 'a'}}]}"),
            b"",
        ),
        "parts of parts": (
            b"",
            _events(_CHUNK % b'[{"text":[{"text":["a"]}]}]'),
            b"data: [DONE]\n\n",
        ),
        "choices": (b'{"choices":[', b'{"index":1},', b"0]}"),
        "names twice": (b'{"choices":[{"message":{', b'"content":"a",', b'"content":"b"}}]}'),
        "a body of open lists": (b'{"choices":', b"[", b""),
        "a long error": (b'{"error":{"message":"', b"context length 8192 ", b'"}}'),
        "nul": (b"", b"\0", b""),
        "no utf-8": (b"data: ", b"\xff", b"\n\n"),
    }.items()
}
"""By name, a mebibyte each."""

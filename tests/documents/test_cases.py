"""What becomes of a caller's document, case by case, over a real socket."""

import httpx
import pytest

from documents.cases import CASES, Case
from orchestrator import NO_UPDATE, Json, ask, body
from scripted import Scripted, Text


def earlier(document: str) -> Json:
    output = {"immediate_response": "Here it is.", "notebook": document or NO_UPDATE}
    return {"task": "Write", "input": [], "output": output, "component": "complete"}


def test_the_corpus_is_large_and_has_every_kind() -> None:
    assert len(CASES) >= 80
    kinds = {name.split("-")[0] for name in CASES}
    assert kinds >= {"elision", "patch", "part", "whole", "around", "about", "cut", "conventions"}
    sizes = sorted(len(case.old) for case in CASES.values() if case.old)
    assert sizes[0] <= 20
    assert sizes[-1] >= 50_000


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_the_caller_gets_the_document_that_is_meant(
    client: httpx.AsyncClient, shared_backend: Scripted, case: Case
) -> None:
    reason = "length" if case.truncated else "stop"
    shared_backend.when("Which one does the task better", "2", "1")
    shared_backend.when("dealt with?", "OPEN: none").default(Text(case.output, reason))
    previous = [earlier(case.old)] if case.old else []
    sent = body("kept", case.task, [case.task], previous, use_conversation_history=False)
    output = (await ask(client, case.component, sent))["output"]
    assert output["notebook"] == case.notebook
    for words in case.said:
        assert words in output["immediate_response"]
    for words in case.unsaid:
        assert words not in output["immediate_response"]

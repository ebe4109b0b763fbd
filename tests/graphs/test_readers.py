"""What is read off a model's text: feedbacks, preferences, verdicts.

These are the steps' rules for free text, which a graph test can only sample.
"""

import asyncio
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.check import read_pick, read_verdict
from nodes.labelled import read_feedbacks
from nodes.refine import read_open

_WORD = re.compile(r"[^\W_]+")
LABELS = ("PROBLEM:", "SUGGESTION:", "**Problem:**", "Fix:", "1.", "-", "|", "\n", "\n\n", "---")
PIECES = st.lists(
    st.one_of(
        st.sampled_from(LABELS), st.text(string.ascii_letters + " .,()*_\"'{}[]", max_size=30)
    ),
    max_size=30,
)
LAYOUTS = {
    "labelled": "PROBLEM: It is dull.\nSUGGESTION: Add a joke.",
    "numbered": "1. Problem: It is dull.\n   Suggestion: Add a joke.",
    "in brackets": "(1) Problem: It is dull.\n    Suggestion: Add a joke.",
    "bullets": "- Problem: It is dull.\n- Suggestion: Add a joke.",
    "bold": "**Problem 1:** It is dull.\n**Suggestion 1:** Add a joke.",
    "bold, colon outside": "* **Issue**: It is dull.\n* **Fix**: Add a joke.",
    "headings": "### Problem: It is dull.\n#### Suggestion: Add a joke.",
    "quoted": "> *Problem*: It is dull.\n> *Suggestion*: Add a joke.",
    "dashes": "Problem – It is dull.\nSuggestion – Add a joke.",
    "inline": "Problem: It is dull. Suggestion: Add a joke.",
    "inline, bar": "PROBLEM: It is dull. | SUGGESTION: Add a joke.",
    "inline, brackets": "Problem: It is dull. (Suggestion: Add a joke.)",
    "table": "| # | Problem | Suggestion |\n|---|---|---|\n| 1 | It is dull. | Add a joke. |",
    "over lines": "PROBLEM: It\nis dull.\nSUGGESTION: Add\na joke.\n\nThat is all.",
    "on the next line": "Problem:\n- It is dull.\nSuggestion:\n- Add a joke.",
    "after words": "Here is my review.\n\nPROBLEM: It is dull.\n\nSUGGESTION: Add a joke.",
    "json": '[{"problem": "It is dull.", "suggestion": "Add a joke."}]',
    "json in a fence": '```json\n{"feedbacks": [{"problem": "It is dull.", "suggestion": '
    '"Add a joke."}]}\n```',
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_honest_layouts_of_a_review_are_read(text: str) -> None:
    [item] = read_feedbacks(text)
    assert (item.problem, item.suggestion) == ("It is dull.", "Add a joke.")


def test_several_faults_are_read_in_their_order() -> None:
    text = "Problem: a\nSuggestion: b\n---\nProblem: c\n\nProblem: d; Fix: e\nSuggestion: f"
    pairs = [(item.problem, item.suggestion) for item in read_feedbacks(text)]
    assert pairs == [("a", "b"), ("c", ""), ("d", "e f")]


@pytest.mark.parametrize("text", ["It is fine.", "The problem with it: none", "Fix: it", "", "||"])
def test_no_fault_is_made_of_what_is_none(text: str) -> None:
    assert read_feedbacks(text) == []


@given(PIECES)
def test_nothing_in_a_feedback_is_invented(pieces: list[str]) -> None:
    text = " ".join(pieces)
    said = _WORD.findall(text)
    for item in read_feedbacks(text):
        assert item.problem.strip()
        assert set(_WORD.findall(f"{item.problem} {item.suggestion}")) <= set(said)


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    read_feedbacks(text)
    read_open(text, 3)
    read_verdict(text)
    read_pick(text)


HARD = {
    "spaces": "Problem: a" + " " * 100_000 + "b",
    "stars": "* " * 50_000,
    "bars": "| " * 50_000,
    "lines": "\n" * 100_000,
    "thoughts": "<think>" * 10_000,
    "verdicts": "revise " * 20_000,
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD.keys())
async def test_no_text_keeps_a_reader_busy(text: str) -> None:
    async with asyncio.timeout(10):
        for reader in (
            read_feedbacks,
            read_verdict,
        ):
            reader(text)
            await asyncio.sleep(0)

"""Reviews whose layout could mislead a reader: what they say is kept whole and nothing is added."""

import pytest

from machine_room import Room
from nodes.labelled import read_feedbacks

ONE = [("It is dull.", "Add a joke.")]
READ: dict[str, list[tuple[str, str]]] = {
    "PROBLEM: It says 'Solution: 42' without proof. SUGGESTION: Prove it.": [
        ("It says 'Solution: 42' without proof.", "Prove it.")
    ],
    "Problem: It says 'Solution: 42' without proof. Suggestion: Prove it.": [
        ("It says 'Solution: 42' without proof.", "Prove it.")
    ],
    "PROBLEM: The code raises\nError: division by zero\nSUGGESTION: Check b.": [
        ("The code raises Error: division by zero", "Check b.")
    ],
    "Problem: The code raises\nError: division by zero\nSuggestion: Check b.": [
        ("The code raises Error: division by zero", "Check b.")
    ],
    "PROBLEM: It prints SUGGESTION: x.\nSUGGESTION: Stop it.": [
        ("It prints SUGGESTION: x.", "Stop it.")
    ],
    "PROBLEM: Bad.\n```\nProblem: a\nSuggestion: b\n```\nSUGGESTION: Mend it.": [
        ("Bad. ``` Problem: a Suggestion: b ```", "Mend it.")
    ],
    "```\nPROBLEM: It is dull.\nSUGGESTION: Add a joke.\n```": ONE,
    "PROBLEM：It is dull.\nSUGGESTION：Add a joke.": ONE,
    "[PROBLEM]: It is dull.\n[SUGGESTION]: Add a joke.": ONE,
    "[PROBLEM] It is dull.\n[SUGGESTION] Add a joke.": ONE,
    "PROBLEM\nIt is dull.\nSUGGESTION\nAdd a joke.": ONE,
    "### Problem 1\nIt is dull.\n\n### Suggestion 1\nAdd a joke.": ONE,
    "**Problem 1**\nIt is dull.\n**Suggestion:** Add a joke.": ONE,
    "Problem: It is dull. **Suggestion:** Add a joke.": ONE,
    "1. PROBLEM: It is dull SUGGESTION: Add a joke.": [("It is dull", "Add a joke.")],
    "PROBLEM: It is dull.\nFix: Add a joke.": ONE,
    "Issue 1: a\nFix: b\nIssue 2: c\nFix: d": [("a", "b"), ("c", "d")],
    '{"problem": "a", "suggestion": "b"}\n{"problem": "c", "suggestion": "d"}': [
        ("a", "b"),
        ("c", "d"),
    ],
    'Here:\n```json\n{"problem": "a", "suggestion": "b"},\n{"problem": "c", "fix": "d"}\n```': [
        ("a", "b"),
        ("c", "d"),
    ],
    "PROBLEM: <what is wrong>\nSUGGESTION: <what to do about it>\n"
    "PROBLEM: It is dull.\nSUGGESTION: Add a joke.": ONE,
    "PROBLEM: It is dull.\nSUGGESTION: None": [("It is dull.", "")],
    "PROBLEM: None\nSUGGESTION: None": [],
    "Problem 1: No issues found.": [],
    '[{"problem": null, "suggestion": null}]': [],
}
HARD = {
    "suggestions": "SUGGESTION: " * 8_000,
    "fixes": f"PROBLEM: {'a. Fix ' * 10_000}",
    "stars": "*" * 100_000,
    "underscores": f"PROBLEM: {'_' * 90_000}a",
    "digits": "1" * 100_000,
    "fences": "```\n" * 25_000,
    "objects": '{"problem": "a", "suggestion": "b"}\n' * 2_500,
    "open objects": '{"a":' * 20_000,
}


@pytest.mark.parametrize("text", READ)
def test_a_review_is_read_as_it_was_meant(text: str) -> None:
    assert [(item.problem, item.suggestion) for item in read_feedbacks(text)] == READ[text]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", HARD.values(), ids=HARD.keys())
def test_no_review_keeps_the_reader_busy(text: str) -> None:
    read_feedbacks(text)


async def test_a_form_left_unfilled_is_asked_for_again(room: Room) -> None:
    room.backend.reply("PROBLEM: <what is wrong>", "PROBLEM: It is dull.\nSUGGESTION: Add a joke.")
    result = await room.run("feedback", task="Write a tale.", output="A tale.")
    assert [(item.problem, item.suggestion) for item in result.feedbacks] == ONE

"""Reviews in the layouts that models choose: read as they were meant, and nothing invented."""

import json
from pathlib import Path

import pytest

from machine_room import Room
from nodes.labelled import read_feedbacks

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases/layouts.jsonl").read_text("utf-8").splitlines()
]


def test_the_corpus_is_large() -> None:
    assert len(ROWS) >= 100


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_review_is_read_in_its_layout(row: dict[str, object]) -> None:
    found = read_feedbacks(str(row["text"]))
    assert [[item.problem, item.suggestion] for item in found] == row["items"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "PROBLEM: There are no significant problems.\nSUGGESTION: None needed.",
            "There are no significant problems.",
        ),
        ("Problem: Keine Fehler gefunden.\nVorschlag: Keine", "Keine Fehler gefunden."),
        ("The output is correct and complete.", "The output is correct and complete."),
        ("我没看。没有问题。", "我没看。没有问题。"),
    ],
)
async def test_where_nothing_is_wrong_one_item_says_so(room: Room, text: str, said: str) -> None:
    room.backend.reply(text)
    result = await room.run("feedback", task="Write a tale.", output="A tale.")
    assert [(item.problem, item.suggestion) for item in result.feedbacks] == [(said, "")]
    assert len(room.asked) == 1

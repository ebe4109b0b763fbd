"""What is kept of conversations, and how it meets what the miner remembers."""

import pytest

from tools.client.answers import Entry, Message
from tools.playground.entries import Change, Loaded
from tools.playground.talks import (
    TALKS_KEPT,
    Turn,
    joined,
    kept,
    last_exchange,
    remembered,
    turns_of,
)

A, B, C = ("user", "a"), ("user", "b"), ("user", "c")
A_, B_, C_ = ("assistant", "A"), ("assistant", "B"), ("assistant", "C")


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ([], [], []),
        ([], [A, A_], [A, A_]),
        ([A, A_], [], [A, A_]),
        ([A, A_, B, B_], [B, B_], [A, A_, B, B_]),
        ([A, A_], [A, A_, B, B_], [A, A_, B, B_]),
        ([A, A_, B], [A, A_], [A, A_, B]),
        ([B], [A, A_], [A, A_, B]),
        ([C, C_], [A, A_], [C, C_]),
    ],
    ids=["none", "there", "here", "cut", "elsewhere", "unanswered", "new", "asked anew"],
)
def test_the_turns_of_both_are_joined(
    here: list[Turn], there: list[Turn], expected: list[Turn]
) -> None:
    assert joined(here, there) == expected


def test_a_question_is_shown_as_it_was_typed() -> None:
    told = [
        Message(role="user", content="Answer the user\n\nWhat is it?"),
        Message(role="user", content="Another task\n\nWhat is it?"),
        Message(role="assistant", content="Answer the user\n\nIt is."),
    ]
    assert [text for _, text in remembered(told)] == [
        "What is it?",
        "Another task\n\nWhat is it?",
        "Answer the user\n\nIt is.",
    ]


def test_the_newest_conversations_are_kept() -> None:
    talks = []
    for number in range(TALKS_KEPT + 2):
        talks = kept(talks, f"user-{number}", [A, A_])
    talks = kept(talks, "user-5", [A, A_, B])
    assert len(talks) == TALKS_KEPT
    assert turns_of(talks, "user-5") == [A, A_, B]
    assert turns_of(talks, "user-0") == []
    assert turns_of(kept(talks, "user-5", []), "user-5") == []


def test_the_last_exchange_is_the_last_that_was_answered() -> None:
    assert last_exchange([A, A_, B, B_, C]) == ("b", "B")
    assert last_exchange([A]) == ("", "")


ENTRY = Entry(node_id="n1", content="Answer in French", category="language", evidence="said")
OTHER = Entry(node_id="n2", content="Be brief", category="style")
LOADED = Loaded("http://miner", "ann", [ENTRY, OTHER])


def test_a_table_says_what_is_to_be_changed() -> None:
    rows = LOADED.rows()
    assert LOADED.changes(rows) == ()
    rows[0][1], rows[1][1] = "Answer in German", ""
    rows += [["", "Use lists", ""], ["", "", ""]]
    changes = LOADED.changes(rows)
    assert changes == (
        Change(OTHER),
        Change(ENTRY, "Answer in German", "language"),
        Change(None, "Use lists", ""),
    )
    calls = [change.call("ann") for change in changes]
    assert [(call.method, call.path) for call in calls] == [
        ("DELETE", "/playbook/ann/n2"),
        ("PATCH", "/playbook/ann/n1"),
        ("POST", "/playbook/ann"),
    ]


def test_changes_outlive_a_new_look_at_the_playbook() -> None:
    rows = LOADED.rows()
    rows[0][1] = "Answer in German"
    rows.append(["", "Use lists", "format"])
    changes = LOADED.changes(rows)
    third = Entry(node_id="n3", content="Learnt meanwhile")
    anew = Loaded("http://miner", "ann", [ENTRY, OTHER, third])
    assert [row[1] for row in anew.rows(changes)] == [
        "Answer in German",
        "Be brief",
        "Learnt meanwhile",
        "Use lists",
    ]
    assert anew.changes(anew.rows(changes)) == changes

"""Reading what people said: statements, quotes, extractions; and holding the one to the other."""

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.confirm import read_yes
from nodes.preferences.extraction import Preference, read_json, read_lines
from nodes.preferences.forgetting import PHRASES, orders_to_forget_all
from nodes.preferences.grounding import ground
from nodes.preferences.quotes import find_quote, same_text
from nodes.preferences.statements import statements

CASES = Path(__file__).parent / "cases" / "statements.jsonl"
STATED = [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]
SAID = "I only want answers in French. Never  mention “the weather”, please!"


@pytest.mark.parametrize("case", STATED, ids=[case["text"] for case in STATED])
def test_a_statement_can_be_understood_alone(case: dict[str, list[str]]) -> None:
    assert [one.text for one in statements(str(case["text"]))] == case["statements"]


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("answers in French", "answers in French"),
        ("ANSWERS in french.", "answers in French"),
        ('never mention "the weather"', "Never  mention “the weather”"),
        ("I only want answer in French", "I only want answers in French"),
        ("Never mentoin the weather", "Never  mention “the weather”"),
    ],
)
def test_a_quote_is_found_in_spite_of_small_slips(quote: str, found: str) -> None:
    span = find_quote(quote, SAID, taken=[])
    assert span
    assert found in SAID[max(0, span[0] - 3) : span[1] + 3]


@pytest.mark.parametrize("quote", ["eve", "use many emojis", "", "…", "in Spanish only"])
def test_what_was_not_said_is_not_found(quote: str) -> None:
    assert find_quote(quote, SAID, taken=[]) is None


def test_a_quote_is_found_where_no_other_one_is() -> None:
    assert find_quote("short", "short titles, short texts", taken=[(0, 5)]) == (14, 19)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Answer in French", "answer  in french.", True),
        ("“Yes” is enough", '"Yes" is enough!', True),
        ("Use C", "Use C++", False),
        ("No emojis", "Emojis", False),
    ],
)
def test_texts_are_the_same_but_for_case_and_marks(one: str, other: str, same: bool) -> None:
    assert same_text(one, other) is same


def item(quote: str, content: str = "x", **fields: object) -> Preference:
    [read] = (
        read_json(json.dumps({"preferences": [{"quote": quote, "content": content, **fields}]}))
        or []
    )
    return read


@pytest.mark.parametrize(
    ("said", "items", "kept"),
    [
        ("Don't use emojis.", [item("use emojis", "Use emojis")], ["Don't use emojis."]),
        ("Be kind. Thanks.", [item("be KIND", "Be rude")], ["Be kind."]),
        (
            "I'm vegan, so no meat.",
            [item("I'm vegan"), item("no meat")],
            ["I'm vegan, so no meat."] * 2,
        ),
        (
            "I'm vegan, so no meat.",
            [item("so no meat"), item("no meat")],
            ["I'm vegan, so no meat."],
        ),
        ("Be brief. Be kind.", [item("Be brief. Be kind")], ["Be brief. Be kind."]),
        ("Avoid:\n- tables\n- emojis", [item("emojis", "Use emojis")], ["Avoid: emojis"]),
        ("Avoid:\n- tables\n- emojis", [item("Avoid")], ["Avoid: tables"]),
        ("短く。丁寧に。", [item("丁寧に", "Be polite")], ["丁寧に。"]),
    ],
)
def test_the_statement_around_the_quote_is_kept(
    said: str, items: list[Preference], kept: list[str]
) -> None:
    assert [wish.content for wish in ground(said, items).wishes] == kept


@pytest.mark.parametrize(
    ("said", "items", "kept", "note"),
    [
        ("短く。丁寧に。", [item("短く"), item("be polite")], ["短く。", "丁寧に。"], "differ: 1"),
        (
            "Be brief. Nice work. Say no to emojis.",
            [item("keep it short"), item("emojis are unwelcome", "No emojis, please")],
            ["Be brief.", "Nice work.", "Say no to emojis."],
            "differ: 3",
        ),
        (
            "Nice work. Say no to emojis.",
            [item("what they said", "Say no to all emojis")],
            ["Say no to emojis."],
            "differ: 1",
        ),
        ("Be brief.", [item("Be brief"), item("many emojis")], ["Be brief."], "bears it out: 1"),
        ("👍", [item("loves emojis")], [], "bears it out: 1"),
    ],
)
def test_what_the_model_marked_is_neither_lost_nor_made_up(
    said: str, items: list[Preference], kept: list[str], note: str
) -> None:
    grounded = ground(said, items)
    assert [wish.content for wish in grounded.wishes] == kept
    assert note in " ".join(grounded.notes)


def test_what_the_model_had_no_room_for_is_kept() -> None:
    grounded = ground("Hello. Be brief. Be kind. 👍", [item("Be brief")], full=True)
    assert [wish.content for wish in grounded.wishes] == ["Be brief.", "Be kind."]
    assert "as they stand: 1" in " ".join(grounded.notes)


def test_items_on_the_same_words_are_one_wish() -> None:
    items = [item("in French", action="forget", about=1), item("French", action="replace", about=2)]
    [wish] = ground("Answer in French.", items).wishes
    assert (wish.action, wish.about) == ("replace", (1, 2))


WORD = re.compile(r"\w+")
TEXTS = st.text(st.sampled_from("ab é漢.?!:\n-“ '12"), max_size=80)


@given(TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=4), st.booleans())
def test_whatever_a_model_extracts_nothing_is_kept_that_was_not_said(
    said: str, extracted: list[tuple[str, str]], full: bool
) -> None:
    items = [Preference(quote=quote, content=content) for quote, content in extracted]
    for wish in ground(said, items, full=full).wishes:
        assert set(WORD.findall(wish.content)) <= set(WORD.findall(said))
        assert wish.content.strip()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"preferences": []}', []),
        ('Sure: {"preferences": []} as asked', []),
        (
            '{"preferences": [{"quote": "a", "content": "b", "about": "2", "action": "REPLACE"}]}',
            ["replace 2"],
        ),
        (
            '{"preferences": [{"quote": "a", "about": null, "action": "burn", "category": 3}]}',
            ["add 0"],
        ),
        ('{"preferences": [{"quote": " ", "content": ""}]}', None),
        ('{"preferences": ["a"]}', None),
        ('{"preferences": {}}', None),
        ("[]", None),
        ("", None),
    ],
)
def test_json_is_read_tolerantly_and_broken_is_broken(text: str, read: list[str] | None) -> None:
    found = read_json(text)
    assert (found if found is None else [f"{one.action} {one.about}" for one in found]) == read


def test_of_an_extraction_that_was_cut_the_whole_items_count() -> None:
    whole = '{"preferences": [{"quote": "a", "content": "b"}, {"quote": "c", "con'
    assert [one.quote for one in read_json(whole, cut=True) or []] == ["a"]
    assert read_json('{"preferences": [{"quote": "a", "con', cut=True) is None
    assert read_json(whole) is None


@pytest.mark.parametrize(
    "line",
    [
        "PREFERENCE: a b | QUOTE: c | CATEGORY: tone | APPLIES: topic | ACTION: replace | ABOUT: 2",
        "1. **Preference:** a b | **Quote:** “c” | **Category:** Tone | **Applies:** Topic "
        "| **Action:** Replace | **About:** 2.",
        "- PREFERENCE 1: a b | ABOUT: 2 | ACTION: replace | APPLIES: topic | CATEGORY: tone "
        '| QUOTE: "c"',
    ],
)
def test_lines_are_read_in_many_layouts(line: str) -> None:
    [read] = read_lines(f"Here it is:\n{line}") or []
    assert read == Preference("c", "a b", "tone", "topic", "replace", 2)


@pytest.mark.parametrize(
    ("text", "read"), [("NONE", []), ("None.", []), ("Nothing!", None), ("", None)]
)
def test_lines_may_say_that_there_is_nothing(text: str, read: list[Preference] | None) -> None:
    assert read_lines(text) == read


@pytest.mark.parametrize("phrase", [phrase for row in PHRASES.values() for phrase in row])
def test_everything_is_forgotten_in_many_languages(phrase: str) -> None:
    assert orders_to_forget_all(f" {phrase.capitalize()}. ")
    assert not orders_to_forget_all(f"{phrase} x")


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("yes", True),
        ("**Yes.**", True),
        ("No", False),
        ("no, yes", False),
        ("yesterday", False),
        ("", False),
    ],
)
def test_only_a_yes_is_a_yes(text: str, yes: bool) -> None:
    assert read_yes(text) is yes


HARD = {
    "questions": "a? " * 3_300,
    "stops": "." * 10_000 + "a",
    "spaced stops": ". " * 5_000,
    "items": "a:\n" + "- x\n" * 2_400,
    "lines": "\n" * 10_000,
    "brackets": "(\n" * 5_000,
    "closed": (".)" * 5_000),
    "letters": "ab " * 3_300,
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", HARD.values(), ids=HARD.keys())
def test_no_text_keeps_a_reader_busy(text: str) -> None:
    started = time.process_time()
    ground(text, [Preference("a b. a", "ab"), Preference("b" * 200, "a " * 100)], full=True)
    read_lines(f"PREFERENCE: a | QUOTE: {text}")
    read_json(text, cut=True)
    assert time.process_time() - started < 5

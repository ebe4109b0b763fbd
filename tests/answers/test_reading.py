"""Which final answer is read off a text."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import cases, read

from nodes.answers import read_answer, read_answers, read_short_answer, same

QUESTION = "Which is it?\n(A) Paris\n(B) Rome\n(C) 42"


@pytest.mark.parametrize(("text", "kind", "shown"), cases("read"), ids=lambda each: each[:40])
def test_the_answer_is_read_in_its_writers_spelling(text: str, kind: str, shown: str) -> None:
    found = read(text)
    assert (found.kind if found else "none", found.text if found else "") == (kind, shown)


@pytest.mark.parametrize(("written", "value"), cases("numbers").items())
def test_numbers_are_read_in_their_usual_spellings(written: str, value: str) -> None:
    found = read_answer(f"Answer: {written}")
    assert found is not None
    assert found.kind == "number"
    assert Fraction(found.value) == Fraction(value)


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12), st.integers(0, 999))
def test_numbers_come_back_as_they_were_written(number: int, decimals: int) -> None:
    for written in (f"{number}", f"{number:,}", f"{number:,}.{decimals:03}", f"{number}/7"):
        found = read_answer(f"Answer: {written}")
        assert found is not None
        assert Fraction(found.value) == Fraction(written.replace(",", ""))


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The answer is Rome.", "B"),
        ("Answer: 42", "C"),
        ("Answer: a", "A"),
        ("\\boxed{b}", "B"),
    ],
)
def test_a_questions_options_tell_the_letter(text: str, letter: str) -> None:
    found = read_answer(text, question=QUESTION)
    assert found is not None
    assert (found.kind, found.value) == ("choice", letter)


@pytest.mark.parametrize("text", cases("several").values(), ids=cases("several").keys())
def test_the_answers_to_several_queries_are_read_in_their_order(text: str) -> None:
    found = read_answers(text, 2) or []
    assert [(each.kind, each.text) for each in found] == [("number", "5"), ("number", "7")]


@pytest.mark.parametrize(
    "text",
    [
        "Answer: 7",
        "Answer: 5\nAnswer: 6\nAnswer: 7",
        "Query 1: 5\nQuery 2: that one cannot be told from here, I am afraid, in so few words",
        "",
    ],
)
def test_other_than_as_many_answers_as_queries_are_not_read(text: str) -> None:
    assert read_answers(text, 2) is None


@settings(deadline=None)
@given(st.text(max_size=300), st.text("0123456789+-*/(). ^%x={}[],;\\$abcfr", max_size=120))
def test_no_text_raises(text: str, formula: str) -> None:
    for each in (text, formula, f"Answer: {formula}", f"\\boxed{{{formula}}}"):
        found = [read_answer(each), read_short_answer(each), *(read_answers(each, 2) or [])]
        for one in filter(None, found):
            assert one.text
            assert same(one, one) is True


HARD = [
    *("0", "1,", "(", "[", "{", "\\", "$", "a ", "½ ", "1 ", "(1", "- ", "é", "# ", "\u00a0"),
    *(
        "answer is ",
        "Answer: ",
        "Answer: 1 or ",
        "Answer:\n",
        "the answer to ",
        "答案是",
        "yes ",
        "So ",
    ),
    *("\\boxed{", "\\boxed{1} and ", "\\frac{1}{", "\\text{", "####", "#### 1\n", "A: 1\n"),
    *(
        "```python\n",
        "Query 1: ",
        "(A) a\n",
        "x=",
        "one ",
        "hundred ",
        "1 hour ",
        "May ",
        "e9",
        "* ",
    ),
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", HARD)
def test_no_text_keeps_a_reader_busy(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    for each in (text, f"Answer: {text}", f"\\boxed{{{text}}}", f"{text}\nAnswer: 42"):
        read_answer(each, question=each)
        read_short_answer(each)
        read_answers(each, 2)

"""What is read off a model's text: feedbacks, numbers, final answers, arithmetic.

These are the steps' rules for free text, which a graph test can only sample.
"""

import asyncio
import re
import string
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.answers.arithmetic import asked_value, evaluate, wrong_equalities
from nodes.answers.final_answers import read_final_answer, read_final_answers, read_short_answer
from nodes.answers.numbers import parse_number
from nodes.answers.quantities import read_quantity
from nodes.check import read_pick, read_verdict
from nodes.extract import read_json, read_lines
from nodes.labelled import read_feedbacks
from nodes.preferences.forgetting import order_to_forget_all, orders_to_forget
from nodes.preferences.topics import topic_of
from nodes.reconcile import planned
from nodes.refine import read_open
from nodes.state import Known, Preference

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


NUMBERS = st.integers(-(10**12), 10**12)
DECIMALS = st.decimals(-(10**9), 10**9, places=4, allow_nan=False, allow_infinity=False)
SPELLED = {
    "1,234.5": "1234.5",
    "1 234 567": "1234567",
    "12,34,567": "1234567",
    "1.234.567": "1234567",
    "1.234,5": "1234.5",
    "3,5": "3.5",
    "1'234": "1234",
    "$1,234.50": "1234.5",
    "€ 12": "12",
    "75%": "75",
    "75\\%": "75",
    "−5": "-5",
    ".5": "1/2",
    "5.": "5",
    "3/4": "3/4",
    "-3/4": "-3/4",
    "1 1/2": "3/2",
    "½": "1/2",
    "2½": "5/2",
    "\\frac{3}{4}": "3/4",
    "-\\frac{3}{4}": "-3/4",
    "2\\frac{1}{2}": "5/2",
    "1.5e3": "1500",
    "1.5 × 10^3": "1500",
    "2 \\times 10^{-3}": "1/500",
    "\\(42\\)": "42",
}


@pytest.mark.parametrize(("written", "value"), SPELLED.items())
def test_numbers_are_read_in_their_usual_spellings(written: str, value: str) -> None:
    assert parse_number(written) == Fraction(value)


@given(NUMBERS)
def test_formatted_integers_come_back(number: int) -> None:
    for written in (f"{number}", f"{number:,}", f"${number:,}", f"{number:,}".replace(",", " ")):
        assert parse_number(written) == number


@given(DECIMALS)
def test_formatted_decimals_come_back(number: object) -> None:
    for written in (f"{number}", f"{number:,}"):
        assert parse_number(written) == Fraction(str(number))


@given(st.text(max_size=80))
def test_any_text_is_a_number_or_none(text: str) -> None:
    value = parse_number(text)
    assert value is None or isinstance(value, Fraction)
    read_quantity(text)


STATED = {
    "So 6 * 7 = 42.\nAnswer: 42": "number 42",
    "**Answer:** 42 apples": "number 42 apple",
    "The final answer is: $3.50 each": "number 7/2 dollar",
    "The answer is 42. All 3 steps agree.": "number 42",
    "Answer: 41. No wait.\nAnswer: 42": "number 42",
    "#### 1,234": "number 1234",
    "Answer: x = 5": "number 5",
    "Answer: 6 * 7 = 42": "number 42",
    "Answer: \\( x = \\frac{1}{2} \\)": "number 1/2",
    "Answer: 5 m^2": "number 5 meter²",
    "Answer:\n42": "number 42",
    "\\boxed{41} hence \\boxed{42}": "number 42",
    "\\boxed{\\frac{1}{2}}": "number 1/2",
    "\\boxed{x^2 + 1}": "formula x^2+1",
    "\\boxed{5, 7}": "formula 5,7",
    "\\boxed{\\text{New York}}": "text new york",
    "Answer: 5 and 7": "formula 5,7",
    "Answer: 3:30": "formula 3:30",
    "Answer: x = 5, y = 7": "formula x=5,y=7",
    "Answer: (B)": "choice B",
    "The correct answer is B) Paris": "choice B",
    "Answer: option **C**": "choice C",
    "42": "number 42",
    "D": "choice D",
}
NOT_STATED = [
    "Machine learning is about data.",
    "Answer: Paris",
    "Answer: 3 hours 20 minutes",
    "I ate 3 apples and 4 pears and have no answer to give you, sorry. " * 3,
    "",
]


@pytest.mark.parametrize(("text", "final"), STATED.items())
def test_a_stated_final_answer_is_read(text: str, final: str) -> None:
    found = read_final_answer(text)
    assert found
    assert f"{found.kind} {found.value}" == final


@pytest.mark.parametrize("text", NOT_STATED)
def test_what_states_no_single_answer_is_left_unread(text: str) -> None:
    assert read_final_answer(text) is None


@given(NUMBERS, st.sampled_from(["Answer: {}", "#### {}", "The answer is {}.", "\\boxed{{{}}}"]))
def test_a_number_stated_last_is_the_final_answer(number: int, form: str) -> None:
    text = f"First I thought 17. Answer: 17?\nThen I saw.\n{form.format(f'{number:,}')}"
    found = read_final_answer(text)
    assert found
    assert (found.kind, found.value) == ("number", str(number))


OPERATIONS = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__, "×": int.__mul__}
SMALL = st.integers(0, 10**6)


@given(SMALL, st.sampled_from(sorted(OPERATIONS)), SMALL, st.integers(-3, 3))
def test_exactly_the_wrong_equalities_are_found(
    left: int, sign: str, right: int, slip: int
) -> None:
    claimed = OPERATIONS[sign](left, right) + slip
    for text in (
        f"{left} {sign} {right} = {claimed}",
        f"so {left:,} {sign} {right:,} = {claimed:,}.",
    ):
        assert bool(wrong_equalities(text)) is (slip != 0)


@given(SMALL, st.integers(1, 10**4), st.integers(0, 4))
def test_a_quotient_is_held_to_the_decimals_it_is_written_with(
    top: int, bottom: int, decimals: int
) -> None:
    step = Fraction(1, 10**decimals)
    rounded = round(Fraction(top, bottom) / step) * step
    assert not wrong_equalities(f"{top} / {bottom} = {float(rounded):.{decimals}f}") or (
        decimals == 0 and Fraction(top, bottom) % 1 == Fraction(1, 2)
    )
    assert wrong_equalities(f"{top} / {bottom} = {float(rounded + step):.{decimals}f}") or (
        decimals > 0 and abs(Fraction(top, bottom) - rounded - step) <= step / 2
    )


HOLDS = [
    "50/200 = 25%",
    "0.25 * 100% = 25%",
    "2 + 3 = 10/2",
    "3*4 = 2*6",
    "6*7 = 42 - 2 = 40",
    "x = 3 + 4 = 7",
    "5x + 3 * 4 = 22",
    "x^2 + 3 * 4 = 16",
    "half of 10 + 5 = 10",
    "20% of 50 + 10 = 20",
    "√16 * 2 = 8",
    "|3 - 5| = 2",
    "log(10*10) = 2",
    "17 % 5 = 2",
    "7 / 2 = 3 remainder 1",
    "10 / 3 = 3.33",
    "1/8 = 0.13",
    "2 * 5 = 10x",
    "12 * 3 = 36\n36 + 4 = 40",
    "- 12 × 3 = 36\n- 36 + 4 = 40",
    "12 * 3 = 36.\n36 + 4 = 40.",
    "$$12 * 3 = 36$$\n\n$$36 + 4 = 40$$",
    "x = 5\n(5 + 3) * 2 = 16",
    "10 +\n5 * 2 = 20",
    "3 * 4 = 12\n+ 5 = 17",
    "5/6 = 83%",
    "5/6 = 83.3%",
    "2/3 = 66.7%",
    "1/8 = 12%",
    "100 - 30% = 70%",
    "50 + 10% = 55",
    "$80 - 20% = $64",
    "100 / 50% = 200",
    "10/4 = 2½",
    "10 / 4 = 2 1/2",
    "\\frac{7}{2} = 3 \\frac{1}{2}",
    "2\\frac{1}{2} + 1 = 3.5",
    "2 1/2 + 1 = 3.5",
    "7/2 = 3 with remainder 1",
    "7/2 = 3, remainder 1",
    "7/2 = 3\nRemainder: 1",
    "2/3 = 0.666...",
    "2/3 = 0.66",
    "1,500,000 * 2 = 3 million",
    "500 * 4 = 2 thousand",
    "12,5 * 2 = 25",
    "7 / 2 = 3,5",
    "500 * 2 = 1.000",
    "3 \\cdot 5 = 1 \\pmod{7}",
    "11 + 3 = 2 PM",
    "\\log_{2}(8) + 1 = 4",
    "7 + 5 = 14 in base 8",
    "In base 8:\n7 + 5 = 14",
    "1 + 1 = 10 (binary)",
    "5 * 3 = 16? No, 5 * 3 = 15.",
    "5 * 3 = 16\n5 * 3 = 15",
    "5 * 3 = 16. Wait, that is 15.",
    "The student wrote 5 * 3 = 16, which is wrong.",
    "6/2(1+2) = 1",
    "30 + 30 = 1 hour",
    "45 / 12 = 4 buses",
    "3.14 * 25 = 78.54",
    "Twice 3 + 4 = 10",
    "1/3 * 100 = 33.33%",
    "50 * 4 = $2",
    "pages 10-15 = 6 pages",
    "1 + 2 + ... + 10 = 55",
    "25 + 10 = 4 July",
    "He leaves at 9 pm.\n9 + 4 = 1",
    "He says that 5 * 3 = 16",
    "3 + 4 = 7 × 2 = 14",
    "floor(7/2) = 3",
    "2^10 = 1024",
    "2**10 = 1024",
    "2 ** 10 + 1 = 1025",
    "**2^3 = 8**",
    "$5 × 3 = $15",
    "1,000 * 3 = 3,000",
    "10:30 - 9:00 = 1:30",
    "12 ÷ 4 = 3",
    "\\frac{1}{2} + \\frac{1}{2} = 1",
]
DOES_NOT_HOLD = [
    "3 + 4 = 8, and so on",
    "x = 3 + 4 = 8",
    "$5 × 3 = $16",
    "2^10 = 1025",
    "7 / 2 = 3",
    "7 / 2 = 4",
    "1/8 = 0.12 and 1/8 = 0.11",
    "(1+1)*3 = 7",
    "1,000 * 3 = 3,001",
    "2*3 = 3*3",
    "12 * 3 = 36\n36 + 4 = 41",
    "Step 1: 6 * 7 = 43\nAnswer: 43",
    "1. 12 * 3 = 37",
    "12 * 3 = 37 apples",
    "6 * 7 = 43, so 43 eggs.",
    "So, 6 * 7 = 43 eggs.",
    "(12 * 3 = 37)",
    "**12 * 3 = 37**",
    "\\(12 * 3 = 37\\)",
    "50/200 = 27%",
    "5 * 3 = 15\n5 * 3 = 16",
]


@pytest.mark.parametrize("text", HOLDS)
def test_what_may_well_hold_is_not_called_wrong(text: str) -> None:
    assert wrong_equalities(text) == []


@pytest.mark.parametrize("text", DOES_NOT_HOLD)
def test_what_does_not_hold_is_found(text: str) -> None:
    assert len(wrong_equalities(text)) == 1


ASKED = {
    "What is 6 * 7?": "42",
    "Calculate: 10/4 =": "5/2",
    "Solve this problem:\n3+4": "7",
    "123456789*987654321": "121932631112635269",
    "What is the value of (3+4)*2^3?": "56",
    "0.1 + 0.2": "3/10",
}


@pytest.mark.parametrize(("question", "value"), ASKED.items())
def test_a_question_of_nothing_but_arithmetic_has_a_value(question: str, value: str) -> None:
    assert asked_value(question) == Fraction(value)


@pytest.mark.parametrize(
    "question",
    [
        "Round to ten\n12*7",
        "12 * 7 and double it",
        "What is 7?",
        "1/0",
        "What is ML?",
        "2**0.5",
        "What is 20 - 20%?",
        "Calculate\n12*3\n36 + 4",
        "6 / 2(1 + 2)",
    ],
)
def test_any_other_question_has_none(question: str) -> None:
    assert asked_value(question) is None


@given(st.text("0123456789+-*/(). ^%x=", max_size=220))
def test_no_expression_raises(expression: str) -> None:
    assert evaluate(expression) is None or isinstance(evaluate(expression), Fraction)
    wrong_equalities(expression)
    asked_value(expression)


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    read_feedbacks(text)
    read_final_answer(text)
    read_short_answer(text)
    read_final_answers(text, 2)
    read_lines(text, [])
    read_json(text, [])
    read_open(text, 3)
    read_verdict(text)
    read_pick(text)
    topic_of(text)
    wrong_equalities(text)
    orders_to_forget(text)
    order_to_forget_all(text)


KNOWN = [Known(node_id=str(n), content=f"Keep {n}", category="other", version=1) for n in range(3)]


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=120))
def test_whatever_a_model_extracts_no_text_is_kept_that_was_not_said(
    content: str, quote: str, feedback: str
) -> None:
    preference = Preference(content=content, quote=quote, about="1")
    for change in planned(feedback, [preference], KNOWN):
        if change.action in ("insert", "update"):
            assert change.evidence in feedback
            assert change.content.strip()


HARD = {
    "nested powers": "9**9**9",
    "a large power": "9**999999",
    "products of powers": "*".join(["9**400"] * 30),
    "signs": "1" + "-" * 198 + "1",
    "brackets": "(" * 98 + "1+1" + ")" * 98,
    "numbers": "1 " * 50_000,
    "brackets and numbers": "(1" * 50_000,
    "spaces": "Problem: a" + " " * 100_000 + "b",
    "stars": "* " * 50_000,
    "bars": "| " * 50_000,
    "lines": "\n" * 100_000,
    "labels": "PREFERENCE: " * 10_000,
    "half lines": "PREFERENCE: a | QUOTE: b " * 5_000,
    "answers": "answer is " * 10_000,
    "boxes": "\\boxed{" * 10_000,
    "thoughts": "<think>" * 10_000,
    "equalities": "1+1 = 3 " * 10_000,
    "orders": "please forget " * 10_000,
    "languages": "in French " * 10_000,
    "verdicts": "revise " * 20_000,
    "fractions": "\\frac{1}{" * 10_000,
    "empty boxes": "\\boxed{}" * 10_000,
    "long boxes": "\\boxed{" + "1, " * 30_000 + "}",
    "answers to": "the answer to " * 7_000,
    "headings": "Query 1: " * 10_000,
    "fences": "```python\n" * 10_000,
    "one line": "Answer: " + "1 or " * 20_000,
    "corrections": "wait 1+1 = 3 " * 8_000,
}


def two_answers(text: str) -> object:
    return read_final_answers(text, 2)


@pytest.mark.parametrize("text", HARD.values(), ids=HARD.keys())
async def test_no_text_keeps_a_reader_busy(text: str) -> None:
    async with asyncio.timeout(10):
        for reader in (
            read_feedbacks,
            read_final_answer,
            read_short_answer,
            two_answers,
            wrong_equalities,
            evaluate,
            asked_value,
            read_verdict,
            topic_of,
            orders_to_forget,
            order_to_forget_all,
        ):
            reader(text)
            await asyncio.sleep(0)
        read_lines(text, [])
        read_json(text, [])

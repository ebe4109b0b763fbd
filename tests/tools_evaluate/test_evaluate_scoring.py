"""What counts as the final answer of a solution, and as the same number."""

import pytest

from tools.evaluate.scoring import score

SPELLINGS = [
    ("1,234.5", "1234.5"),
    ("$1 234", "1234"),
    ("Answer: 1'234", "1234"),
    ("Answer: 12,34,567", "1234567"),
    ("Answer: 1.234.567,5", "1234567.5"),
    ("Answer: 3,50 €", "3.5"),
    ("Answer: $.50", "1/2"),
    ("3/4", "0.75"),
    ("1 1/2", "1.5"),
    ("½", "0.5"),
    ("1½ cups", "1.5"),
    (r"\frac{3}{4}", "0.75"),
    (r"\boxed{\dfrac{7}{2}}", "3.5"),
    (r"so it is \boxed{42}.", "42"),
    (r"The answer is \boxed{8}.", "8"),
    (r"$\$1{,}234$", "1234"),
    (r"Answer: 3.5 \times 10^{3}", "3500"),
    ("Answer: 3.5 × 10^3", "3500"),
    ("Answer: 10^4", "10000"),
    ("1.5e3", "1500"),
    ("75%", "75"),
    ("Answer: 2 million", "2000000"),
    ("Answer: 2 and a half hours", "2.5"),
    ("Answer: twelve", "12"),
    ("Answer: one hundred and five dollars", "105"),
    ("Answer: minus forty-two", "-42"),
    ("Answer: three quarters", "0.75"),
    ("Answer: two and a half", "2.5"),
    ("Answer: six dozen", "72"),
    ("Answer: −5", "-5"),
    ("Answer: $-5", "-5"),
    ("Answer: -$5", "-5"),
    ("Answer: 18.00 dollars", "18"),
    ("Answer: 12 cm²", "12"),
    ("Answer: 12 m^2", "12"),
    ("Answer: 60 km/h", "60"),
]
PLACES = [
    ("work: 40 + 2 = 42\n#### 42", "42"),
    ("Answer: 42 apples", "42"),
    ("**Answer:** 42", "42"),
    ("The answer is **42**.", "42"),
    ("Answer:\n42", "42"),
    ("The final answer is: 42. That is 6 boxes of 7.", "42"),
    ("Answer: 6 * 7 = 42 apples", "42"),
    ("Answer: x = 42", "42"),
    ("Answer: 42 apples (6 boxes of 7)", "42"),
    ("Answer: After 3 days he has 42 apples.", "42"),
    ("After 3 days he has 42 apples.", "42"),
    ("- 42 apples", "42"),
    ("Answer: 5\nNo, that is wrong.\nAnswer: 42", "42"),
    ("Answer: 5\n\\boxed{42}", "42"),
    ("\\boxed{5}\nSo, after all:\nAnswer: 42", "42"),
    ("Answer: B", "B"),
    ("Answer: (b) Paris", "B"),
    ("Answer: Option B.", "B"),
    ("Answer: the Nile", "nile"),
    ("The capital is asked for.\nParis.", "Paris"),
    ("Answer: 3:45 pm", "3:45 PM"),
]
NOT_THE_SAME = [
    ("Answer: 41", "42"),
    ("Answer: 42.5", "42"),
    ("Answer: -42", "42"),
    ("Answer: 0.33", "1/3"),
    ("Answer: 420", "42"),
    ("Answer: B", "A"),
    ("Answer: London", "Paris"),
    ("42\nAnswer: 41", "42"),
]
NO_FINAL_ANSWER = [
    ("", "42"),
    ("I cannot say.", "42"),
    ("Answer: 42 or 43", "42"),
    ("Answer: five or six", "5"),
    ("Answer: 1,2,3", "1"),
    ("Answer: 3:45", "3"),
    ("Answer: 1/0", "0"),
    ("Answer: 1e999999999", "1"),
]


@pytest.mark.parametrize(("answer", "expected"), SPELLINGS + PLACES)
def test_it_is_right(answer: str, expected: str) -> None:
    assert score(answer, expected).right
    assert score(f"{answer}\n", f"It is so.\n#### {expected}").right


@pytest.mark.parametrize(("answer", "expected"), NOT_THE_SAME)
def test_it_is_another_answer(answer: str, expected: str) -> None:
    scored = score(answer, expected)
    assert scored.read
    assert not scored.right


@pytest.mark.parametrize(("answer", "expected"), NO_FINAL_ANSWER)
def test_it_is_no_final_answer(answer: str, expected: str) -> None:
    scored = score(answer, expected)
    assert scored.read == ""
    assert not scored.right


def test_a_long_answer_is_read_in_bounded_time() -> None:
    for text in ("1" * 50_000, "1," * 25_000, "1 " * 25_000, "\\boxed{" * 7_000, "answer " * 7_000):
        assert not score(text, "42").right

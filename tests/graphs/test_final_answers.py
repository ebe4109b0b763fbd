"""Which spellings of a final answer are counted as one, and which never are.

The rows are what models of three to eight billion parameters write at the end of solutions.
"""

import pytest

from nodes.answers.agreement import counted_as
from nodes.answers.final_answers import read_final_answer, read_final_answers, read_short_answer

SAME = {
    "integer": (
        "Answer: 42",
        "Answer: **42**",
        "**Answer: 42**",
        "**Answer:** 42.",
        "The answer is 42.",
        "Final answer: 42",
        "The final answer is: $\\boxed{42}$. I hope it is correct.",
        "\\boxed{42}",
        "\\[\\boxed{\\mathbf{42}}\\]",
        "#### 42",
        "6 * 7 = 42\n#### 42\n",
        "Answer: 42.0",
        "Answer: \\(42\\)",
        "Answer: $42$",
        "Answer:\n42",
        "Answer:\n\n42",
        "Answer:\n$$\n42\n$$",
        "Answer:\n\\[\n42\n\\]",
        "**Final Answer**\n\n42",
        "### Answer\n42",
        "Answer：42",
        "答案：42",
        "答案是42",
        "Answer: forty-two",
        "Answer: Forty two.",
        "Answer: x = 42",
        "Answer: 6 * 7 = 42",
        "Answer: 42 (6 * 7 = 42)",
        "Answer: 42, because 6 times 7 is 42.",
        "Answer: `42`",
        "Answer: approximately 42",
        "The answer to the question is 42.",
        "I will put it in \\boxed{}.\nAnswer: 42",
        "42",
    ),
    "with what it counts": (
        "Answer: 42 apples",
        "Answer: 42",
        "Answer: She has 42 apples.",
        "Answer: There are 42 red apples left.",
        "\\boxed{42 \\text{ apples}}",
        "The answer is 42 apples in total.",
        "#### 42 apples",
    ),
    "money": (
        "Answer: $18",
        "Answer: \\$18",
        "\\boxed{\\$18}",
        "Answer: $18.00",
        "Answer: 18 dollars",
        "Answer: $18/day",
        "Answer: $18 per day",
        "Answer: $18 a day",
        "Answer: She makes $18 every day at the market.",
        "Answer: Janet makes $18.",
        "Answer: She makes $18 per day.",
        "#### 18",
        "Answer: eighteen dollars",
    ),
    "thousands": (
        "Answer: 1,234,567",
        "Answer: 1234567",
        "\\boxed{1{,}234{,}567}",
        "\\boxed{1,234,567}",
        "\\boxed{1\\,234\\,567}",
        "\\boxed{1,\\!234,\\!567}",
        "Answer: 1 234 567",
        "Answer: $1,234,567",
    ),
    "millions": (
        "Answer: $5 million",
        "Answer: $5,000,000",
        "5000000",
        "Answer: 5 million dollars",
    ),
    "percent": ("Answer: 25%", "\\boxed{25\\%}", "Answer: 25 percent", "Answer: $25\\%$", "25"),
    "negative": (
        "Answer: -5",
        "Answer: −5",
        "Answer: –5",
        "\\boxed{-5}",
        "Answer: - 5",
        "Answer: negative 5",
        "Answer: negative five",
        "Answer: minus 5",
        "Answer: x = -5",
    ),
    "fraction": (
        "\\boxed{\\frac{3}{4}}",
        "\\boxed{\\frac34}",
        "\\boxed{\\dfrac{3}{4}}",
        "\\boxed{\\tfrac 3 4}",
        "Answer: 3/4",
        "Answer: $\\frac{3}{4}$",
        "Answer: ¾",
        "Answer: 0.75",
        "Answer: .75",
        "Answer: 3/4 or 0.75",
        "Answer: 3/4 (or 0.75)",
        "Answer: 3/4 (75%)",
        "Answer: \\( \\frac{3}{4} \\)",
        "Answer: 6/8",
        "\\boxed{x = \\frac{3}{4}}",
    ),
    "mixed number": ("Answer: 2 1/2", "Answer: 2½", "\\boxed{2\\frac{1}{2}}", "2.5", "5/2 hours"),
    "scientific": (
        "Answer: 1.5 × 10^3",
        "Answer: $1.5 \\times 10^{3}$",
        "\\boxed{1.5 \\cdot 10^3}",
        "Answer: 1.5e3",
        "Answer: 1500",
        "Answer: 1.5 × 10³",
    ),
    "angle": (
        "\\boxed{90^\\circ}",
        "\\boxed{90^{\\circ}}",
        "Answer: 90°",
        "Answer: 90 degrees",
        "90",
    ),
    "temperature": ("Answer: 25°C", "Answer: 25 degrees Celsius", "Answer: 25 °C"),
    "area": (
        "\\boxed{42 \\text{ cm}^2}",
        "Answer: 42 cm^2",
        "Answer: 42 cm²",
        "Answer: 42 square centimeters",
        "Answer: 42 sq cm",
        "\\boxed{42\\,\\mathrm{cm}^2}",
        "\\boxed{42}",
    ),
    "speed": ("Answer: 60 mph", "Answer: 60 miles per hour", "Answer: 60 miles/hour"),
    "length": ("Answer: 5 km", "Answer: 5km", "Answer: 5 kilometers", "\\boxed{5\\text{ km}}"),
    "time of day": ("Answer: 3 PM", "Answer: 3:00 p.m.", "Answer: 3pm", "Answer: 3 p.m."),
    "minutes past": ("Answer: 3:30 PM", "Answer: 3:30 p.m.", "Answer: 3:30pm"),
    "compound time": (
        "Answer: 3 hours 20 minutes",
        "\\boxed{3\\text{ hours }20\\text{ minutes}}",
        "3 hours 20 minutes.",
    ),
    "choice": (
        "Answer: B",
        "Answer: (B)",
        "Answer: (B).",
        "Answer: B.",
        "Answer: **B**",
        "Answer: **(B)**.",
        "Answer: [B]",
        "Answer: \\(B\\)",
        "Answer: \\text{B}",
        "Answer: $\\boxed{\\text{B}}$",
        "\\boxed{B}",
        "\\boxed{(B)}",
        "\\boxed{\\text{(B) } 5}",
        "\\boxed{\\textbf{(B)}\\ 12}",
        "\\boxed{\\mathrm{B}}",
        "The answer is (B).",
        "The correct answer is (B) Paris.",
        "The correct answer is B) Paris",
        "The correct answer is option B.",
        "The correct answer is therefore B.",
        "Answer: B: Paris",
        "Answer: B. Paris",
        "Answer: B. The capital of France is Paris.",
        "Answer: B - Paris",
        "Answer: B – Paris",
        "Answer: B, because it is the capital.",
        "Answer: B (Paris)",
        "Answer: Option B",
        "Answer: (b)",
        "Answer: B is correct.",
        "Answer: B) 12 cm",
        "Answer: B) Both A and C",
        "Answer: B. All of the above",
        "(B)",
    ),
    "several choices": ("Answer: A, C", "Answer: A and C", "Answer: (A) and (C)", "Answer: C, A"),
    "root": (
        "\\boxed{\\frac{\\sqrt{3}}{2}}",
        "\\boxed{\\dfrac{\\sqrt3}{2}}",
        "\\boxed{\\tfrac{\\sqrt 3}{2}}",
        "\\boxed{\\sqrt{3}/2}",
        "Answer: √3/2",
        "Answer: $\\frac{\\sqrt{3}}{2}$",
    ),
    "with pi": ("\\boxed{4 - \\pi}", "\\boxed{4-\\pi}", "Answer: 4 - π", "Answer: $4-\\pi$"),
    "polynomial": (
        "\\boxed{x^2 + 1}",
        "\\boxed{x^{2}+1}",
        "Answer: x² + 1",
        "Answer: $x^2+1$",
        "\\boxed{y = x^2 + 1}",
        "Answer: f(x) = x^2 + 1",
    ),
    "complex": ("\\boxed{3 - i}", "\\boxed{3-i}", "Answer: 3 − i"),
    "area of a circle": (
        "\\boxed{25\\pi}",
        "Answer: 25π",
        "\\boxed{A = 25\\pi}",
        "Answer: Area = 25π",
        "Answer: 25π ≈ 78.54",
    ),
    "acceleration": ("Answer: 9.8 m/s^2", "Answer: 9.8 m/s²", "\\boxed{9.8\\text{ m/s}^2}"),
    "tuple": (
        "\\boxed{(2, \\frac{1}{2})}",
        "\\boxed{\\left(2, \\frac12\\right)}",
        "Answer: (2, 0.5)",
        "Answer: $(2, 1/2)$",
        "\\boxed{\\left( 2,\\, \\dfrac{1}{2} \\right)}",
    ),
    "interval": (
        "\\boxed{(-\\infty, 3]}",
        "\\boxed{\\left(-\\infty,3\\right]}",
        "\\boxed{x \\in (-\\infty, 3]}",
        "Answer: (-∞, 3]",
    ),
    "set": ("\\boxed{\\{1, 2\\}}", "\\boxed{\\{2,1\\}}", "Answer: {1, 2}", "Answer: $\\{1,2\\}$"),
    "two roots": (
        "Answer: x = 2 or x = -2",
        "Answer: x = -2 or x = 2",
        "\\boxed{x = 2, x = -2}",
        "\\boxed{x = 2 \\text{ or } x = -2}",
        "Answer: x = 2 or -2",
        "Answer: x = ±2",
        "\\boxed{\\pm 2}",
    ),
    "list": (
        "\\boxed{1\\text{ and }4}",
        "\\boxed{1, 4}",
        "Answer: 1 and 4",
        "\\boxed{1} and \\boxed{4}",
    ),
    "inequality": ("\\boxed{x \\leq 5}", "\\boxed{x \\le 5}", "Answer: x ≤ 5", "Answer: x <= 5"),
    "ratio": ("Answer: 3:2", "\\boxed{3:2}", "Answer: 3 : 2"),
    "words": (
        "Answer: Paris",
        "Answer: **Paris**.",
        "\\boxed{\\text{Paris}}",
        "paris",
        "Answer: Paris\n\nI hope that this answer is helpful.",
    ),
    "date": ("Answer: July 4, 1776", "Answer: **July 4, 1776**", "July 4, 1776."),
    "yes": ("Answer: Yes", "Answer: yes.", "\\boxed{\\text{Yes}}", "Yes"),
}
# No two of a row are the same.
DIFFERENT = {
    "time of day": ("Answer: 3 PM", "Answer: 3 AM", "Answer: 3"),
    "minutes past": ("Answer: 3:30 PM", "Answer: 3:30 AM", "Answer: 3:30"),
    "scale": ("Answer: $5 million", "Answer: $5 billion", "Answer: $5"),
    "span": ("Answer: 5 minutes", "Answer: 5 hours", "Answer: 5"),
    "prefix": ("Answer: 5 mW", "Answer: 5 MW", "Answer: 5 W"),
    "dimension": ("Answer: 5 m", "Answer: 5 m^2", "Answer: 5 m^3"),
    "currency": ("Answer: $5", "Answer: €5", "Answer: £5"),
    "date": ("Answer: 4 July", "Answer: 4 May"),
    "direction": ("Answer: 5 more", "Answer: 5 fewer"),
    "who": ("Answer: Bob is 5 years older", "Answer: Ann is 5 years older"),
    "complex": ("\\boxed{3 - i}", "\\boxed{3 + i}", "\\boxed{3}", "\\boxed{3i}"),
    "with pi": ("\\boxed{4 - \\pi}", "\\boxed{4}", "\\boxed{4 + \\pi}", "\\boxed{4\\pi}"),
    "relation": ("Answer: 5 < x", "Answer: 5 > x", "Answer: 5 ≤ x", "Answer: 5"),
    "terms": ("Answer: 2(x+y)", "Answer: 2(a-b)", "\\boxed{2^n}", "Answer: 2", "Answer: 2x"),
    "right sides": ("Answer: y = 3 + x", "Answer: y = 3 - x", "Answer: 3"),
    "equations": ("Answer: x + y = 5", "Answer: x - y = 5", "Answer: 5"),
    "list and joined digits": ("\\boxed{1\\text{ and }4}", "\\boxed{14}", "\\boxed{1.4}"),
    "list and decimal": ("\\boxed{2,3}", "\\boxed{2.3}", "\\boxed{\\{2,3\\}}", "\\boxed{(2,3)}"),
    "compound time": (
        "\\boxed{12\\text{ hours }30\\text{ minutes}}",
        "\\boxed{1230}",
        "Answer: 12 hours",
    ),
    "interval": ("\\boxed{(2, 3)}", "\\boxed{[2, 3]}", "\\boxed{(2, 3]}", "\\boxed{(3, 2)}"),
    "fractions": (
        "\\boxed{\\frac{1}{2x}}",
        "\\boxed{\\frac{1}{2}x}",
        "\\boxed{\\frac{x+1}{2}}",
        "\\boxed{x+\\frac12}",
    ),
    "mixed number": ("\\boxed{2\\frac{1}{2}}", "\\boxed{\\frac{21}{2}}", "\\boxed{21/2x}"),
    "sign": ("Answer: -5", "Answer: 5", "Answer: ±5"),
    "negation": ("Answer: Yes, because 7 is prime.", "Answer: No, because 7 is even."),
    "bound": ("Answer: at least 5", "Answer: at most 5", "Answer: 5"),
    "part": ("Answer: 3 quarters", "Answer: 3", "Answer: 3 thirds"),
    "choices": ("Answer: B", "Answer: C", "Answer: B, C", "Answer: B, D", "Answer: B or C"),
    "matching": ("Answer: A: Paris, B: Rome", "Answer: A: Paris, B: Bonn"),
    "equation of a line": ("Answer: y = x", "Answer: y = -x", "Answer: 5 = x"),
    "names": ("Answer: A. Einstein", "Answer: A. Newton"),
    "matrix": (
        "\\boxed{\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}}",
        "\\boxed{\\begin{pmatrix} 1 & 2 \\end{pmatrix}}",
    ),
    "exponent": ("\\boxed{x^{12}}", "\\boxed{x^1 2}", "\\boxed{x12}"),
    "degree of root": ("\\boxed{\\sqrt[3]{2}}", "\\boxed{\\sqrt{2}}", "\\boxed{3\\sqrt{2}}"),
}
UNREAD = [
    "Machine learning is about data.",
    "Answer: Paris",
    "Answer: 3 hours 20 minutes",
    "Answer: It depends on the 2 terms and on the 3 factors.",
    "#### 3. Conclusion",
    "#### 3. Conclusion\nThe text says so.",
    "#### 3 ways\nThere are some.",
    "answer = 42\nprint(answer)",
    "Chapter 1",
    "def f():\n    answer = 42\n    return answer",
    "```python\nanswer = 42\nprint('Answer: 42')\n```\nThat is the program.",
    "The answer is 5, I guess. No.\nAnswer: it cannot be said",
    "The answer is in the notebook.",
    "Answer: No, because 7 is prime.",
    "Answer: between 5 and nothing",
    "I will put it in \\boxed{}.",
    "Put it into \\boxed{answer}.",
]


def counted(*texts: str) -> list[object]:
    """What each text counts as, beside the others; a text of its own where it cannot be read."""
    read = [read_final_answer(text) or read_short_answer(text) for text in texts]
    return [
        key or text
        for key, text in zip(
            counted_as([(str(answer),) if answer else None for answer in read]), texts, strict=True
        )
    ]


@pytest.mark.parametrize("spellings", SAME.values(), ids=SAME.keys())
def test_common_spellings_of_an_answer_are_counted_as_one(spellings: tuple[str, ...]) -> None:
    keys = counted(*spellings)
    strays = [text for text, key in zip(spellings, keys, strict=True) if key != keys[0]]
    assert strays == []


@pytest.mark.parametrize("answers", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_different_answers_are_never_counted_as_one(answers: tuple[str, ...]) -> None:
    assert len(set(counted(*answers))) == len(answers)


@pytest.mark.parametrize("text", UNREAD)
def test_what_is_no_answer_or_was_given_up_is_not_read(text: str) -> None:
    assert read_final_answer(text) is None


def test_a_unit_that_nobody_contradicts_may_be_left_out() -> None:
    assert counted_as([("number 5",), ("number 5 hour",)]) == [("number 5 hour",)] * 2
    competing = [("number 5",), ("number 5 hour",), ("number 5 minute",), None]
    assert counted_as(competing) == competing


SEVERAL = {
    "statements": "Query 1\nAnswer: 5\nQuery 2\nAnswer: 7",
    "headings": "### Query 1:\n2 + 3 = 5\n**Answer:** 5\n\n### Query 2:\nThe answer is 7.",
    "numbers": "1. Answer: 5\n2. Answer: 7",
    "bare": "1. 5\n2. 7",
    "in the labels": "Answer 1: 5\nAnswer 2: 7",
    "boxes": "First \\boxed{5}.\nThen \\boxed{7}.",
    "guesses": "Query 1: The answer is 4? No.\nAnswer: 5\nQuery 2:\nAnswer: 7",
}


@pytest.mark.parametrize("text", SEVERAL.values(), ids=SEVERAL.keys())
def test_the_answers_to_several_queries_are_read_in_their_order(text: str) -> None:
    assert list(map(str, read_final_answers(text, 2) or ())) == ["number 5", "number 7"]


@pytest.mark.parametrize(
    "text",
    [
        "Answer: 7",
        "Answer: 5\nAnswer: 6\nAnswer: 7",
        "Query 1: 5\nQuery 2: that one cannot be told from here",
        "",
    ],
)
def test_other_than_as_many_answers_as_queries_are_not_read(text: str) -> None:
    assert read_final_answers(text, 2) is None

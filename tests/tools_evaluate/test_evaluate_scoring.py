"""What counts as the final answer of a solution, and as the expected one."""

import pytest

from nodes.comparer import Comparer
from tools.evaluate.scoring import Scored, score

RIGHT = [
    ("work: 40 + 2 = 42\n#### 42", "42"),
    ("**Answer:** 42 apples", "42"),
    ("The answer is **42**.", "42"),
    ("The final answer is: 42. That is 6 boxes of 7.", "42"),
    ("Answer: 5\nNo, that is wrong.\nAnswer: 42", "42"),
    ("Answer: $1,234.50", "1234.5"),
    (r"so it is \boxed{\dfrac{7}{2}}.", "3.5"),
    ("Answer: −5", "-5"),
    ("Answer: 75%", "75"),
    ("Answer: (b) Paris", "B"),
    ("Answer: the Nile", "nile"),
    ("The capital is asked for.\nParis.", "Paris"),
    ("Answer: 3:45 pm", "3:45 PM"),
    (r"Answer: $\sqrt{12}$", r"2\sqrt{3}"),
]
WRONG = [
    ("Answer: 41", "42"),
    ("Answer: 0.33", "1/3"),
    ("Answer: 42 or 43", "42"),
    ("Answer: B", "A"),
    ("Answer: London", "Paris"),
    ("Answer: 3:45 am", "3:45 PM"),
    (r"Answer: $\sqrt{13}$", r"2\sqrt{3}"),
]
UNREADABLE = [("", "42"), ("I cannot say.", "42")]


async def scored(answer: str, expected: str) -> Scored:
    async with Comparer.open() as comparer:
        found = await score(comparer, answer, expected)
        assert await score(comparer, f"{answer}\n", f"It is so.\n#### {expected}") == found
        return found


@pytest.mark.parametrize(("answer", "expected"), RIGHT)
async def test_it_is_right(answer: str, expected: str) -> None:
    assert (await scored(answer, expected)).right


@pytest.mark.parametrize(("answer", "expected"), WRONG)
async def test_it_is_another_answer(answer: str, expected: str) -> None:
    found = await scored(answer, expected)
    assert found.read
    assert not found.right


@pytest.mark.parametrize(("answer", "expected"), UNREADABLE)
async def test_it_is_no_final_answer(answer: str, expected: str) -> None:
    assert await scored(answer, expected) == Scored("", right=False)

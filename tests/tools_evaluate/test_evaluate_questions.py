"""The problems that are shipped."""

from tools.evaluate.dataset import SHIPPED, read
from tools.evaluate.scoring import expected_answer

QUESTIONS = read(SHIPPED).questions


def test_there_are_200_different_ones() -> None:
    assert len({question.text for question in QUESTIONS}) == 200


def test_the_answers_are_read_as_they_are_meant() -> None:
    for question in QUESTIONS:
        found = expected_answer(question.expected, question.text)
        assert found is not None
        assert found.kind == "number"
        assert found.text == question.expected.rpartition("#### ")[2]

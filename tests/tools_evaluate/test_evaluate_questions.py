"""The problems that are shipped."""

import json
import subprocess
import sys
from fractions import Fraction

from simpleeval import SimpleEval

from settings import ROOT
from tools.evaluate.dataset import SHIPPED, read
from tools.evaluate.generate import problem
from tools.evaluate.scoring import score

LINES = [json.loads(line) for line in SHIPPED.read_text().splitlines()]


def test_the_file_is_what_the_generator_writes() -> None:
    command = [sys.executable, "-m", "tools.evaluate.generate"]
    written = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert written == SHIPPED.read_text()


def test_every_problem_can_be_made_again_from_its_seed_alone() -> None:
    assert [problem(line["seed"]) for line in LINES] == LINES


def test_there_are_200_different_ones_of_20_kinds() -> None:
    assert len({line["question"] for line in LINES}) == 200
    assert len({line["kind"] for line in LINES}) == 20


def test_the_working_is_right_and_ends_in_the_answer() -> None:
    calculator = SimpleEval()
    for line in LINES:
        *working, final = line["answer"].splitlines()
        for equation in working:
            left, _, right = equation.rpartition(" = ")
            exact = Fraction(calculator.eval(left)).limit_denominator(10**6)
            assert exact == Fraction(right), equation
        assert final == f"#### {right}"


def test_the_answers_are_read_as_they_are_meant() -> None:
    for question in read(SHIPPED):
        final = question.expected.rpartition("#### ")[2]
        assert score(f"Some work: 1 + 1 = 2.\nAnswer: {final}", question.expected).read == final
        assert score(question.expected, question.expected).right
        assert not score(f"Answer: {final}1", question.expected).right

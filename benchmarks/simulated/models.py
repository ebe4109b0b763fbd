"""What the simulated models say to each of the prompts that a miner sends them."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.simulated.answers import Question, write_solution
from benchmarks.simulated.backend import Message
from benchmarks.simulated.texts import Work
from nodes.check import CHECK, COMPARE, REVISE
from nodes.refine import AGAIN, JUDGE

MOST_DRAWS = 32
JUDGES_RIGHT = 0.7  # how often a model that solves tasks also tells the better of two solutions

_COMPARE = re.compile(
    re.escape(COMPARE).replace(r"\{first\}", "(.*)").replace(r"\{second\}", "(.*)"), re.DOTALL
)
_MARK = re.compile(r"\[([a-z]+-\d+)\]")
_REVISE = REVISE.partition("{")[0]
_AGAIN = AGAIN.partition("{")[0]
FAULTS = ("a step is wrong", "it is not correct", "the reason given does not hold")
UNREADABLE = "Both points were hard to judge, since much depends on how one looks at them."


@dataclass
class Solver:
    """Solves questions, right in a share of its solutions; `draws` decides each beforehand.

    Of its right answers it calls a share of `flips` wrong when asked to check them, and of the
    wrong ones one half.
    """

    questions: Mapping[str, Question]
    draws: Mapping[str, list[int]]
    flips: Mapping[str, float]
    chance: random.Random

    def __call__(self, messages: list[Message]) -> str:
        asked = messages[-1]["content"]
        prompt = "\n".join(message["content"] for message in messages if message["role"] == "user")
        mark = _MARK.findall(prompt)[-1]
        question = self.questions[mark]
        if compared := _COMPARE.search(asked):
            return self._compare(question, *compared.groups())
        if CHECK in asked:
            return self._check(question, mark, messages[-2]["content"])
        if _REVISE in asked:
            return self._revise(question, messages[-2]["content"])
        number = len(question.drawn)
        value = self.draws[mark][number % MOST_DRAWS]
        question.drawn.append(value)
        return write_solution(question, value, self.chance)

    def _check(self, question: Question, mark: str, answer: str) -> str:
        doubts = self.flips[mark] if question.value_of(answer) == 0 else 0.5
        if self.chance.random() >= doubts:
            return "PASS"
        return f"REVISE: {self.chance.choice(FAULTS)}"

    def _revise(self, question: Question, answer: str) -> str:
        """Another answer: of a right one made wrong, of a wrong one as often as not put right."""
        right = question.value_of(answer) != 0 and self.chance.random() < 0.5
        others = list(range(1, len(question.values))) or [0]
        return write_solution(question, 0 if right else self.chance.choice(others), self.chance)

    def _compare(self, question: Question, first: str, second: str) -> str:
        values = [question.value_of(first), question.value_of(second)]
        if (values[0] == 0) == (values[1] == 0):
            return self.chance.choice("12")
        better = 1 if values[0] == 0 else 2
        return str(better if self.chance.random() < JUDGES_RIGHT else 3 - better)


Judge = Callable[[bool, int, int, random.Random], bool]
"""Whether it calls the revision better: is it, where does it stand, by how much is it longer?"""

JUDGES: dict[str, Judge] = {
    "right 90%": lambda better, _, __, chance: better == (chance.random() < 0.9),
    "coin flip": lambda _, __, ___, chance: chance.random() < 0.5,
    "always first": lambda _, place, __, ___: place == 1,
    "prefers longer": lambda _, __, longer, ___: longer > 0,
    "prefers the revision": lambda _, __, ___, ____: True,
    "unreadable list, right 90%": lambda better, _, __, chance: better == (chance.random() < 0.9),
}


@dataclass
class Reviser:
    """Writes a text when asked for one, revises it in one `way`, and judges as `judge` does.

    `better` is the way of a good revision. `revisions` are the texts it has written in place of
    the original; a judgement of several points calls all of them open, or none.
    """

    work: Work
    way: str
    judge: str
    chance: random.Random

    def __post_init__(self) -> None:
        self.revisions: set[str] = set()

    def __call__(self, messages: list[Message]) -> str:
        asked = messages[-1]["content"]
        if compared := _COMPARE.search(asked):
            texts = [text.strip() for text in compared.groups()]
            place = 2 if texts[0] == self.work.original.strip() else 1
            longer = len(texts[place - 1]) - len(texts[2 - place])
            return str(place if self._prefers(place, longer) else 3 - place)
        if CHECK in asked:
            return "PASS" if self.revisions else f"REVISE: {self.work.feedbacks[0]['problem']}"
        if JUDGE in asked:
            return self._list(messages[-2]["content"])
        first = _REVISE not in asked and _AGAIN not in asked
        if first and self.work.original not in asked:
            return self.work.original
        return self._revise(asked)

    def _revise(self, asked: str) -> str:
        if self.way == "better":
            text = self.work.better(self.chance)
        else:
            text = self.work.worse(self.way, asked, self.chance)
        self.revisions.add(text.strip())
        return text

    def _list(self, text: str) -> str:
        if self.judge.startswith("unreadable"):
            return UNREADABLE
        if self.judge == "always first":
            return "OPEN: 1"
        done = self._prefers(2, len(text) - len(self.work.original))
        return "OPEN: none" if done else "OPEN: 1, 2"

    def _prefers(self, place: int, longer: int) -> bool:
        return JUDGES[self.judge](self.way == "better", place, longer, self.chance)

"""Texts under revision: the original, better ones, and ones that are worse in eight ways."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TEXTS: list[dict[str, Any]] = json.loads((HERE / "texts.json").read_text("utf-8"))
OTHER_LANGUAGES: list[str] = json.loads((HERE / "other_languages.json").read_text("utf-8"))
INSTEAD: dict[str, list[str]] = json.loads((HERE / "instead.json").read_text("utf-8"))


@dataclass(frozen=True)
class Work:
    """A text, what is wrong with it, and how it may be revised.

    It is made of the first `length` sentences of the row `number`.
    """

    number: int
    length: int
    task: str
    original: str
    feedbacks: list[dict[str, str]]

    def better(self, chance: random.Random) -> str:
        """All of the text, partly in other words, with what the feedbacks ask for put in."""
        row = TEXTS[self.number]
        parts = [chance.choice(wordings) for wordings in row["sentences"][: self.length]]
        at = sorted(chance.sample(range(1, len(parts)), 2), reverse=True)
        for place, fix in zip(at, reversed(row["fixes"]), strict=True):
            parts.insert(place, fix)
        return _joined(parts, self.task)

    def worse(self, way: str, prompt: str, chance: random.Random) -> str:
        """A text that must not take the original's place; `prompt` is what the model was asked."""
        return WORSE[way](self, prompt, chance)


def make_work(number: int, chance: random.Random) -> Work:
    """One of the texts, of four to seven sentences, each in one of its wordings."""
    row = TEXTS[number % len(TEXTS)]
    length = chance.randint(4, len(row["sentences"]))
    parts = [chance.choice(wordings) for wordings in row["sentences"][:length]]
    told = [{"problem": problem, "suggestion": advice} for problem, advice in row["feedbacks"]]
    return Work(number % len(TEXTS), length, row["task"], _joined(parts, row["task"]), told)


def _joined(parts: list[str], task: str) -> str:
    lines = "Python" in task or "minutes" in task or "letter" in task
    return ("\n\n" if "Python" in task else "\n" if lines else " ").join(parts)


def _half(work: Work, _: str, chance: random.Random) -> str:
    new = work.better(chance)
    return new[: int(len(new) * chance.uniform(0.3, 0.6))].rstrip()


def _off_task(work: Work, _: str, chance: random.Random) -> str:
    number = chance.choice([each for each in range(len(TEXTS)) if each != work.number])
    return make_work(number, chance).better(chance)


def _echo(work: Work, prompt: str, chance: random.Random) -> str:
    feedbacks = "\n".join(
        f"{number}. {each['problem']} {each['suggestion']}"
        for number, each in enumerate(work.feedbacks, 1)
    )
    return chance.choice(
        [
            prompt,
            prompt[-max(200, len(prompt) // 2) :],
            f"Task: {work.task}\n\nOutput:\n{work.original}\n\nFeedback:\n{feedbacks}",
            f"{work.task}\n\n{work.original}\n\n{feedbacks}",
            feedbacks,
        ]
    )


def _loop(work: Work, _: str, chance: random.Random) -> str:
    parts = TEXTS[work.number]["sentences"][: work.length]
    kept = chance.randrange(len(parts))
    repeated = chance.choice(parts[kept])
    whole = [wordings[0] for wordings in parts[:kept]] + [repeated] * chance.randint(6, 25)
    return _joined(whole, work.task)


def _other_language(_: Work, __: str, chance: random.Random) -> str:
    return chance.choice(OTHER_LANGUAGES)


def _refusal(_: Work, __: str, chance: random.Random) -> str:
    return chance.choice(INSTEAD["refusals"])


def _remark(_: Work, __: str, chance: random.Random) -> str:
    return chance.choice(INSTEAD["remarks"])


def _much_shorter(work: Work, _: str, chance: random.Random) -> str:
    wordings: list[str] = chance.choice(TEXTS[work.number]["sentences"])
    return chance.choice(wordings)


WORSE: dict[str, Callable[[Work, str, random.Random], str]] = {
    "half": _half,
    "off task": _off_task,
    "echoed prompt": _echo,
    "loop": _loop,
    "other language": _other_language,
    "refusal": _refusal,
    "remark": _remark,
    "much shorter": _much_shorter,
}

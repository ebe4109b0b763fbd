"""What the strategies of `complete`, and the revisions of `complete` and `refine`, are worth.

`python -m benchmarks.strategies [--quick] [--only answers|refine|revise]` puts a real miner, over
HTTP, before simulated models on loopback and prints

- `answers`: for each kind of answer, right rate of a single solution, and number of wrong answers
  to choose from, the accuracy, model calls and seconds a question of each strategy, a vote beside
  the ideal majority of the same solutions;
- `refine` and `revise` (`complete`'s): for each judge the share of worse texts that took the place
  of the original, by the way in which they are worse, and of better ones that did.

All of it, 400 questions a row, takes an hour or two; `--questions`, `--rates`, `--kinds` and
`--strategies` choose a part. `--json FILE` keeps the figures.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, median, pstdev
from uuid import uuid4

import httpx

from benchmarks.simulated.answers import KINDS, Question, make_question
from benchmarks.simulated.backend import KEY, SimulatedBackend, miner, served
from benchmarks.simulated.models import JUDGES, MOST_DRAWS, Reviser, Solver
from benchmarks.simulated.texts import TEXTS, WORSE, make_work

RATES = (0.3, 0.5, 0.7, 0.85, 0.95)
DISTRACTORS = (1, 3)
FLIPS = (0.0, 0.2, 0.4, 0.6)
STRATEGIES = ("draft", "check", "vote 3", "vote 5", "vote 9", "auto")
TASK = "Answer the question."
PARTS = ("answers", "refine", "revise")


@dataclass(frozen=True)
class Cell:
    """One kind of question, and how good the model is at it."""

    kind: str
    rate: float
    distractors: int
    flips: float = 0.0


@dataclass
class Row:
    """What a strategy did in a cell; shares of the questions, calls and seconds for each.

    `ideal` is the share of right answers among the majorities of as many solutions as the
    strategy may draw; of one, for those that do not vote. `noise` is the standard error of the
    difference between the two, question by question.
    """

    cell: Cell
    strategy: str
    questions: int
    right: float
    ideal: float
    noise: float
    calls: float
    seconds: float


def main() -> None:
    options = _options()
    figures: dict[str, object] = {}
    if "answers" in options.only:
        rows = list(_answers(options))
        figures["answers"] = [asdict(row) for row in rows]
        _summarise(rows)
    for component in ("refine", "revise"):
        if component in options.only:
            figures[component] = _revisions(component, options)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


def _cells(options: argparse.Namespace) -> list[Cell]:
    cells = []
    for kind in options.kinds:
        for rate in options.rates:
            if kind == "prose":
                cells += [Cell(kind, rate, 1, flips) for flips in options.flips]
            else:
                some = (1,) if kind == "yesno" else DISTRACTORS
                cells += [Cell(kind, rate, distractors) for distractors in some]
    return cells


def _answers(options: argparse.Namespace) -> Iterator[Row]:
    backend = SimulatedBackend(options.latency)
    with served(backend.app) as address:
        for strategy in options.strategies:
            print(f"\n{strategy}: kind, right rate, wrong answers, flips -> ", end="")
            print("right, ideal, calls, seconds", flush=True)
            name, _, samples = strategy.partition(" ")
            settings = {"complete_strategy": name} | ({"vote_samples": samples} if samples else {})
            with miner(address, **settings) as url:
                for cell in _cells(options):
                    row = asyncio.run(_ask(cell, strategy, backend, url, options))
                    print(_line(row), flush=True)
                    yield row


async def _ask(
    cell: Cell, strategy: str, backend: SimulatedBackend, url: str, options: argparse.Namespace
) -> Row:
    chance = random.Random(f"{cell}")  # the same questions and solutions for each strategy
    questions, draws = {}, {}
    for number in range(options.questions):
        question = make_question(cell.kind, number, cell.distractors, chance)
        mark = f"{cell.kind}-{number}"
        questions[mark] = question
        draws[mark] = [_drawn(cell, question, chance) for _ in range(MOST_DRAWS)]
    flips = dict.fromkeys(questions, cell.flips)
    backend.answering = Solver(questions, draws, flips, chance)
    before = backend.calls
    took = [0.0] * len(questions)
    right = [False] * len(questions)
    limit = asyncio.Semaphore(options.concurrency)

    async def ask(number: int, question: Question) -> None:
        async with limit:
            began = time.monotonic()
            said = await _post(client, "complete", {"task": TASK, "input": question.text})
            took[number] = time.monotonic() - began
        right[number] = question.value_of(said.get("response", "")) == 0

    async with _client(url) as client:
        await asyncio.gather(*(ask(*each) for each in enumerate(questions.values())))
    samples = _samples(strategy) if cell.kind != "prose" else 1
    ideal = [_majority(each[:samples]) == 0 for each in draws.values()]
    over = [one - other for one, other in zip(right, ideal, strict=True)]
    return Row(
        cell,
        strategy,
        questions=len(questions),
        right=mean(right),
        ideal=mean(ideal),
        noise=pstdev(over) / sqrt(len(over)),
        calls=(backend.calls - before) / len(questions),
        seconds=median(took),
    )


def _samples(strategy: str) -> int:
    """How many solutions a strategy draws at most, of which the majority is the ideal."""
    return {"vote 3": 3, "vote 5": 5, "vote 9": 9, "auto": 8}.get(strategy, 1)


def _drawn(cell: Cell, question: Question, chance: random.Random) -> int:
    if chance.random() < cell.rate:
        return 0
    return chance.randrange(1, len(question.values))


def _majority(drawn: Sequence[int]) -> int:
    """The value drawn most often; of several the one drawn first."""
    return Counter(drawn).most_common(1)[0][0]


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers={"X-API-Key": KEY}, timeout=120, trust_env=False)


async def _post(
    client: httpx.AsyncClient, component: str, body: dict[str, object]
) -> dict[str, str]:
    response = await client.post(f"/{component}", json={"cid": uuid4().hex} | body)
    response.raise_for_status()
    answered: dict[str, str] = response.json()
    return answered


def _line(row: Row) -> str:
    cell = row.cell
    given = f"{cell.kind:8} {cell.rate:.2f} {cell.distractors} {cell.flips:.1f}"
    return f"{given}  {row.right:.3f}  {row.ideal:.3f}  {row.calls:5.2f}  {row.seconds:6.3f}"


def _summarise(rows: list[Row]) -> None:
    print("\nover all rates: kind, strategy -> right, right - ideal (+- its noise), calls, seconds")
    for kind in KINDS:
        for strategy in STRATEGIES:
            some = [row for row in rows if (row.cell.kind, row.strategy) == (kind, strategy)]
            if not some:
                continue
            right, over = mean(row.right for row in some), [row.right - row.ideal for row in some]
            noise = sqrt(sum(row.noise**2 for row in some)) / len(some)
            print(
                f"{kind:8} {strategy:7} {right:.3f}  {mean(over):+.3f} (+-{2 * noise:.3f})  "
                f"{mean(row.calls for row in some):5.2f}  {mean(row.seconds for row in some):6.3f}"
            )


def _revisions(component: str, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    print(f"\n{component}: the share of revisions taken, by judge and kind of revision")
    print(f"{'':28}{'better':>8}{'worse':>8}   " + ", ".join(WORSE))
    figures = {}
    each = max(len(TEXTS), options.questions // len(WORSE))
    backend = SimulatedBackend(0.0)
    strategy = {"complete_strategy": "check"}
    with served(backend.app) as address, miner(address, **strategy) as url:
        for judge in JUDGES:

            def taken(way: str, tries: int, judge: str = judge) -> float:
                trial = _taken(component, way, judge, tries, backend=backend, url=url)
                return asyncio.run(trial)

            better = taken("better", options.questions)
            worse = {way: taken(way, each) for way in WORSE}
            shares = "  ".join(f"{share:.2f}" for share in worse.values())
            print(f"{judge:28}{better:8.3f}{mean(worse.values()):8.3f}   {shares}", flush=True)
            figures[judge] = {"better": better, "worse": mean(worse.values())} | worse
    return figures


async def _taken(
    component: str, way: str, judge: str, tries: int, *, backend: SimulatedBackend, url: str
) -> float:
    """The share of `tries` in which a revision took the original's place."""
    chance = random.Random(f"{way} {judge}")
    taken = 0
    async with _client(url) as client:
        for number in range(tries):
            work = make_work(number, chance)
            backend.answering = Reviser(work, way, judge, chance)
            body: dict[str, object] = {"task": work.task, "input": ""}
            if component == "refine":
                body |= {"output": work.original, "feedbacks": work.feedbacks}
                answer = (await _post(client, "refine", body))["output"]
            else:
                answer = (await _post(client, "complete", body))["response"]
            taken += answer.strip() != work.original.strip()
    return taken / tries


def _options() -> argparse.Namespace:
    def several(names: Sequence[str]) -> Callable[[str], list[str]]:
        return lambda text: [_known(each, names) for each in text.split(",")]

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.strategies",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="48 questions a row and two rates")
    parser.add_argument("--only", type=several(PARTS), default=PARTS)
    parser.add_argument("--questions", type=int)
    parser.add_argument("--rates", type=lambda text: tuple(map(float, text.split(","))))
    parser.add_argument("--kinds", type=several(KINDS), default=KINDS)
    parser.add_argument("--strategies", type=several(STRATEGIES), default=STRATEGIES)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds a model call")
    parser.add_argument("--concurrency", type=int, default=8, help="requests at the same time")
    parser.add_argument("--json", type=Path, help="where to keep the figures")
    options = parser.parse_args()
    options.questions = options.questions or (48 if options.quick else 400)
    options.rates = options.rates or ((0.5, 0.85) if options.quick else RATES)
    options.flips = (0.0, 0.6) if options.quick else FLIPS
    return options


def _known(name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(names)}")
    return name


if __name__ == "__main__":
    main()

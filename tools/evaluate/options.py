"""The options of the command, checked before anything is asked."""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from settings import ENV_FILE
from tools.client import usable_address
from tools.evaluate.asking import TASK, Conditions
from tools.evaluate.dataset import SHIPPED
from tools.evaluate.evaluation import Target
from tools.evaluate.judging import Judge
from tools.miner_key import read_key

STRATEGIES = ("auto", "draft", "check", "vote")
ADDRESS = "http://127.0.0.1:8001"
WINDOW = 256
TEMPERATURE = 5.0
JUDGE_ADDRESS = "https://api.openai.com/v1"
JUDGE_KEY = "OPENAI_API_KEY"
TIMEOUT_SECONDS = 60.0
LONGEST_TIMEOUT = 600.0
MOST_AT_ONCE = 256
LONGEST_TASK = 1000
DESCRIPTION = """\
Score a running miner: every question of a data set on its own, 60 s for each, the final answer
compared exactly, and the mean score ** temperature over a rolling window."""
EPILOG = """\
Exit codes: 0 all was measured; 1 a miner could not be asked, or was lost; 2 wrong options or data
set; 130 interrupted. What was measured until then is reported all the same."""


class UsageError(ValueError):
    """Options that cannot be followed. The message is one line."""


@dataclass(frozen=True)
class Options:
    """What to ask whom, how, and where to write it."""

    dataset: Path
    targets: tuple[Target, ...]
    env_file: Path
    limit: int | None
    conditions: Conditions
    judge: Judge | None
    json: Path | None
    html: Path | None


def parse(arguments: Sequence[str] | None) -> Options:
    """The options of the command line; exits as `argparse` does where it refuses one.

    Raises `UsageError`, `KeyUnknown`, and `Unusable` for an address.
    """
    given = _parser().parse_args(arguments)
    for path in (given.json, given.html):
        _check_writable(path)
    told = {"dataset": given.dataset.name, "judge": given.judge or ""}
    return Options(
        dataset=given.dataset,
        targets=tuple(_targets(given)),
        env_file=given.env_file,
        limit=given.limit,
        conditions=Conditions.model_validate(vars(given) | told),
        judge=_judge(given),
        json=given.json,
        html=given.html,
    )


def _judge(options: argparse.Namespace) -> Judge | None:
    if options.judge is None:
        return None
    return Judge(options.judge, _address(options.judge_url), os.environ.get(JUDGE_KEY, "none"))


def _check_writable(path: Path | None) -> None:
    """Hours of measuring are not to end at a folder that is not there."""
    if path is None:
        return
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(
            f"cannot write {path}: it is a folder, or its folder is not there or not writable"
        )


def _targets(options: argparse.Namespace) -> list[Target]:
    if options.compare is None:
        key = read_key(options.key_file, options.env_file)
        return [Target("miner", _address(options.url), key)]
    words = [word for part in options.compare for word in part.split(",") if word]
    targets = [_compared(options, *word.partition("=")) for word in words]
    names = [target.name for target in targets]
    if len(set(names)) < max(2, len(names)):
        raise UsageError("--compare takes two or more strategies with different names")
    return targets


def _compared(options: argparse.Namespace, name: str, equals: str, address: str) -> Target:
    if equals and name:
        return Target(name, _address(address), read_key(options.key_file, options.env_file))
    if name not in STRATEGIES:
        raise UsageError(
            f"--compare {name}: name {', '.join(STRATEGIES)}, or miners as NAME=http://… "
            "(and the data set before --compare)"
        )
    return Target(name)


def _address(text: str) -> str:
    return str(usable_address(text)).rstrip("/")


def _typed(adapter: TypeAdapter[Any], told: str) -> Callable[[str], Any]:
    """An option's type, as `argparse` takes it."""

    def read(text: str) -> object:
        try:
            return adapter.validate_python(text)
        except ValidationError:
            raise argparse.ArgumentTypeError(f"{text} is not {told}") from None

    return read


def _up_to(most: int) -> Callable[[str], Any]:
    return _typed(
        TypeAdapter(Annotated[int, Field(ge=1, le=most)]), f"a whole number from 1 to {most}"
    )


def _parser() -> argparse.ArgumentParser:
    above_zero = _typed(
        TypeAdapter(Annotated[float, Field(gt=0, lt=float("inf"))]), "a number above 0"
    )
    timeout = _typed(
        TypeAdapter(Annotated[float, Field(gt=0, le=LONGEST_TIMEOUT)]),
        f"a number above 0 and up to {LONGEST_TIMEOUT:g}",
    )
    task = _typed(
        TypeAdapter(Annotated[str, Field(max_length=LONGEST_TASK, pattern=r"\S")]),
        f"a text of 1 to {LONGEST_TASK} characters",
    )
    parser = argparse.ArgumentParser(
        prog="python -m tools.evaluate", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False
    )
    add = parser.add_argument
    read = "lines with the fields of GSM8K, SVAMP, MATH, AQuA, MMLU-Pro (200 shipped problems)"
    add("dataset", nargs="?", type=Path, default=SHIPPED, metavar="DATASET.jsonl", help=read)
    add("--url", default=ADDRESS, help=f"address of the miner ({ADDRESS})")
    key = "file with the miner's key (MINER_API_KEY of the environment or of .env)"
    add("--key-file", type=Path, help=key)
    add("--env-file", type=Path, default=ENV_FILE, help="read this file instead of .env")
    compared = "draft,check,vote: a miner is started for each; or NAME=URL: miners that run"
    add("--compare", nargs="+", metavar="STRATEGY", help=compared)
    pace = "questions a minute at most; 1 is the network's pace (as fast as they are answered)"
    add("--rate", type=above_zero, metavar="N", help=pace)
    at_once = "questions in work at once (1, as on the network)"
    add("--concurrency", type=_up_to(MOST_AT_ONCE), default=1, metavar="N", help=at_once)
    each = f"time for each answer ({TIMEOUT_SECONDS:g}, as on the network)"
    add("--timeout", type=timeout, default=TIMEOUT_SECONDS, metavar="SECONDS", help=each)
    add("--limit", type=_up_to(10**6), metavar="N", help="ask the first N questions only (all)")
    add("--form", choices=("unified", "flat"), default="unified", help="of requests (unified)")
    add("--task", type=task, default=TASK, help=f"what every question is sent with ({TASK})")
    window = f"answers that the score looks back at ({WINDOW})"
    add("--window", type=_up_to(10**6), default=WINDOW, metavar="N", help=window)
    power = f"performance is the mean score ** T ({TEMPERATURE:g})"
    add("--temperature", type=above_zero, default=TEMPERATURE, metavar="T", help=power)
    judge = f"a model that judges the other criteria of the score; its key is in {JUDGE_KEY}"
    add("--judge", metavar="MODEL", help=judge)
    add("--judge-url", default=JUDGE_ADDRESS, metavar="URL", help=f"its API ({JUDGE_ADDRESS})")
    add("--json", type=Path, metavar="FILE", help="write all figures and answers as JSON")
    add("--html", type=Path, metavar="FILE", help="write a report with plots as one HTML page")
    return parser

"""What the embedded model makes of checkable questions and of reviews, through HTTP.

`python -m benchmarks.embedded [--rounds 2] [--data-dir data]` starts `run.py` with the embedded
model on a port of its own, asks the questions in the flat and in the unified form, lets the outputs
be reviewed, and ends it again. Prints how many questions were answered right where callers read,
how many unified answers stood in a notebook nobody asked for, and for the reviews (20 a round) how
many items, how many with a suggestion, and how many could only be kept whole.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx

from benchmarks.startup import GIVE_UP_SECONDS, KEY, _environment, _wait_until_healthy
from settings import ROOT
from tools.addresses import free_port
from tools.model_file import ensure_model, model_path

LIMITS = {"DEADLINE_SECONDS": "120", "MAX_TOKENS": "300", "COMPLETE_STRATEGY": "draft"}

QUESTIONS = {
    "What is the capital of Italy?": "Rome",
    "How many days are there in a week?": "7|seven",
    "What is 5 plus 4?": "9|nine",
    "What is 10 minus 3?": "7|seven",
    "Which planet do we live on?": "Earth",
    "How many legs does a spider have?": "8|eight",
    "What colour do blue and yellow make when they are mixed?": "green",
    "How many hours are there in a day?": "24|twenty-four",
    "What is the opposite of hot?": "cold",
    "What is 6 times 2?": "12|twelve",
    "Which ocean lies between Europe and North America?": "Atlantic",
    "How many minutes are there in an hour?": "60|sixty",
    "What do bees make?": "honey",
    "What is half of 20?": "10|ten",
    "How many months are there in a year?": "12|twelve",
    "What is the first letter of the English alphabet?": "A",
    "Which animal barks: a cat or a dog?": "dog",
    "What is frozen water called?": "ice",
    "Ann has 3 apples and buys 2 more. How many apples does she have?": "5|five",
    "What is the capital of Japan?": "Tokyo",
}
REVIEWED = [
    ("What is the capital of Australia?", "The capital of Australia is Sydney."),
    ("What is 12 times 12?", "12 times 12 is 124."),
    ("Explain what photosynthesis is.", "It is something that plants do."),
    ("Name the three states of matter.", "Solid and liquid."),
    ("Write a sentence with the word 'lantern'.", "The lamp burned all night."),
    ("Who wrote Hamlet?", "Hamlet was written by Charles Dickens."),
    ("Give two reasons to exercise.", "Exercise is good."),
    ("How do I boil an egg?", "Put the egg into cold water and eat it."),
    ("Write a Python function that adds two numbers.", "def add(a, b):\n    return a - b"),
    ("Translate 'good morning' into French.", "Bonsoir"),
    ("Summarise: The cat sat on the mat. It slept. It woke.", "The dog ran."),
    ("List four seasons.", "Spring, summer, autumn, Monday."),
    ("Why is the sky blue?", "Because the sea is blue."),
    ("Write a polite request for a day off.", "I will not come tomorrow."),
    ("How far is the Moon?", "Very far."),
    ("Describe a rainbow in one sentence.", "Rain. Bow. It is. There."),
    ("What is the boiling point of water in Celsius?", "Water boils at 50 degrees."),
    ("Write a title for a story about a lost dog.", "The Cat"),
    ("What does a doctor do?", "A doctor flies planes."),
    ("Count from one to five.", "1, 2, 4, 5"),
]


def main() -> None:
    options = _options()
    with _miner(options.data_dir) as address:
        client = httpx.Client(base_url=address, headers={"X-API-Key": KEY}, timeout=180)
        print(_questions(client), flush=True)
        print(_reviews(client, options.rounds), flush=True)


def _questions(client: httpx.Client) -> str:
    told: Counter[str] = Counter()
    for question, wanted in QUESTIONS.items():
        asked: dict[str, object] = {"cid": str(uuid4()), "task": "Answer the question"}
        flat = _post(client, "complete", asked | {"input": question})
        asked["cid"] = str(uuid4())
        unified = _post(client, "complete", asked | {"input": [{"user_query": question}]})
        output = unified.json()["output"]
        told["flat"] += _is_right(str(flat.json()["response"]), wanted)
        told["unified"] += _is_right(output["immediate_response"], wanted)
        told["in a notebook"] += output["notebook"] != "no update"
    return f"of {len(QUESTIONS)} questions right: " + _listed(
        told, "flat", "unified", "in a notebook"
    )


def _reviews(client: httpx.Client, rounds: int) -> str:
    told: Counter[str] = Counter()
    for task, output in REVIEWED * rounds:
        sent: dict[str, object] = {"cid": str(uuid4()), "task": "Do it", "input": task}
        sent["output"] = output
        answer = _post(client, "feedback", sent)
        items = answer.json()["feedbacks"]
        told["items"] += len(items)
        told["with a suggestion"] += sum(bool(item["suggestion"].strip()) for item in items)
        told["reviews with one"] += any(item["suggestion"].strip() for item in items)
        told["asked again"] += "reformatted" in answer.headers.get("X-Miner-Fallback", "")
        told["kept whole"] += "unparsed" in answer.headers.get("X-Miner-Fallback", "")
    names = ("items", "with a suggestion", "reviews with one", "asked again", "kept whole")
    return f"of {len(REVIEWED) * rounds} reviews: " + _listed(told, *names)


def _post(client: httpx.Client, component: str, body: dict[str, object]) -> httpx.Response:
    return client.post(f"/{component}", json=body).raise_for_status()


def _is_right(text: str, wanted: str) -> bool:
    """Whether the last line, or the one that states the answer, holds the one that is wanted."""
    lines = [line for line in text.splitlines() if line.strip()]
    stated = [line for line in lines if re.match(r"\W*(?:final )?answer\b", line, re.IGNORECASE)]
    last = (stated or lines or [""])[-1]
    return re.search(rf"\b(?:{wanted})\b", last, 0 if wanted == "A" else re.IGNORECASE) is not None


def _listed(told: Counter[str], *names: str) -> str:
    return ", ".join(f"{name} {told[name]}" for name in names)


@contextmanager
def _miner(data_dir: Path) -> Iterator[str]:
    model = ensure_model(data_dir)
    with tempfile.TemporaryDirectory(prefix="embedded-") as folder:
        data = Path(folder)
        model_path(data).parent.mkdir()
        model_path(data).symlink_to(model)
        port = free_port()
        command = [sys.executable, "run.py", "--port", str(port)]
        environment = _environment(data) | LIMITS
        miner = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        try:
            _wait_until_healthy(miner, f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            miner.terminate()
            miner.wait(GIVE_UP_SECONDS)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedded", description=__doc__)
    parser.add_argument("--rounds", type=int, choices=range(1, 11), default=2, metavar="1..10")
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data")
    return parser.parse_args()


if __name__ == "__main__":
    main()

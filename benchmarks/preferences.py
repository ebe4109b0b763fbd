"""What becomes of a playbook when people say what they prefer, with models of known accuracy.

`python -m benchmarks.preferences FILE...` runs the labelled cases of the files (their form is in
`benchmarks/preference_cases.py`) through `/human_feedback` over HTTP, each as a user of its own,
`--rounds` times against a simulated model without slips and then for each accuracy of `--right`
with the rates of slips given. Prints for each model:

right       final playbooks that hold an entry for each pattern, and no others
precision   known entries that were replaced or forgotten, and had to be
recall      known entries that had to be replaced or forgotten, and were
inventions  what the model made up and the playbook then holds
unsaid      stored entries with a word that the user did not say
lost        wishes that the model marked and that are not stored
calls       model calls a feedback
"""

import argparse
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from benchmarks.preference_cases import Case, SimulatedModel, Slips, matches, read_cases
from server.app import create_app
from server.serving import server_config
from settings import Settings
from tests.scripted import Scripted

KEY = "benchmark"
HEAD = "model   cases   right  precision  recall  inventions  unsaid  lost  calls"
_WORD = re.compile(r"\w+")


@dataclass
class Score:
    cases: int = 0
    right: int = 0
    gone: int = 0
    rightly_gone: int = 0
    to_go: int = 0
    inventions: int = 0
    unsaid: int = 0
    lost: int = 0
    calls: int = 0
    strayed: int = 0

    def line(self, name: str) -> str:
        figures = (self.right / self.cases, self.rightly_gone / max(1, self.gone))
        recall = self.rightly_gone / max(1, self.to_go)
        return (
            f"{name:<7} {self.cases:>5}   {figures[0]:>5.1%}  {figures[1]:>9.3f}  {recall:>6.3f}"
            f"  {self.inventions:>10}  {self.unsaid:>6}  {self.lost:>4}"
            f"  {self.calls / self.cases:>5.1f}"
        ) + (f"  ({self.strayed} looks at no pair)" if self.strayed else "")


def main() -> None:
    options = _options()
    cases = read_cases(options.files)
    slips = {name: getattr(options, name) for name in ("misquote", "repeat", "invent", "omit")}
    models = {"ideal": Slips(1.0)}
    models |= {f"{right:g}%": Slips(right / 100, **slips) for right in options.right}
    simulated = SimulatedModel(options.seed)
    simulated.refuses_schemas = options.lines
    with Scripted() as backend, tempfile.TemporaryDirectory(prefix="preferences-") as folder:
        backend.default(simulated)
        with _served(_settings(Path(folder), backend.base_url)) as address:
            print(HEAD, flush=True)
            for name, rates in models.items():
                simulated.slips = rates
                score = Score()
                for number in range(options.rounds):
                    for at, case in enumerate(cases):
                        user = f"{name}-{number}-{at}"
                        told = _run(address, simulated, case, user, score)
                        if options.wrong and told:
                            print(f"  {told}", flush=True)
                print(score.line(name), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--right", type=_percents, default=[100, 95, 90, 80], help="percent, by commas"
    )
    parser.add_argument("--misquote", type=float, default=0.1, help="of the items")
    parser.add_argument("--repeat", type=float, default=0.1, help="of the items")
    parser.add_argument("--invent", type=float, default=0.1, help="of the feedbacks")
    parser.add_argument("--omit", type=float, default=0.02, help="of the items")
    parser.add_argument("--lines", action="store_true", help="the backend refuses schemas")
    parser.add_argument("--wrong", action="store_true", help="show what went wrong")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _percents(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _settings(folder: Path, backend: str) -> Settings:
    return Settings.load(
        None,
        miner_api_key=KEY,
        llm_provider="vllm",
        vllm_api_base=backend,
        data_dir=folder,
        rate_limit="1000000/minute",
        log_level="error",
    )


@contextmanager
def _served(settings: Settings) -> Iterator[httpx.Client]:
    server = uvicorn.Server(server_config(create_app(settings), drain_seconds=5))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        time.sleep(0.05)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with httpx.Client(base_url=address, headers={"X-API-Key": KEY}, timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def _run(miner: httpx.Client, model: SimulatedModel, case: Case, user: str, score: Score) -> str:
    """Tell one case, count how it went; what went wrong as a text."""
    known = []
    for text in case.known:
        body = {"content": text, "category": case.category}
        known.append(_sent(miner.post(f"/playbook/{user}", json=body)))
    model.begin(case)
    told = _sent(miner.post("/human_feedback", json={"cid": user, "human_feedback": case.feedback}))
    entries = _sent(miner.get(f"/playbook/{user}"))["entries"]
    now = {entry["node_id"]: entry["content"] for entry in entries}
    gone = {
        at for at, entry in enumerate(known, 1) if now.get(entry["node_id"]) != entry["content"]
    }
    new = [entry for entry in entries if entry not in known]
    right = _fits(case.after, list(now.values()))
    lost = [item.quote for item in model.said.marked if _is_lost(case, item, now.values())]
    score.cases += 1
    score.right += right
    score.gone += len(gone)
    score.rightly_gone += len(gone & case.gone)
    score.to_go += len(case.gone)
    score.inventions += sum(
        any(text in str(entry) for entry in new) for text in model.said.invented
    )
    score.unsaid += sum(not _words(entry["content"]) <= _words(case.feedback) for entry in new)
    score.lost += len(lost)
    score.calls += model.said.calls
    score.strayed += model.said.strayed
    if right and not lost:
        return ""
    return f"{list(case.known)} + {case.feedback!r} = {list(now.values())} ({told['message']})"


def _sent(response: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = response.raise_for_status().json()
    return found


def _fits(patterns: Sequence[str], contents: Sequence[str]) -> bool:
    """Whether each entry has a pattern of its own, and none is left over."""
    if not patterns or not contents:
        return not patterns and not contents
    return any(
        matches(patterns[0], content) and _fits(patterns[1:], [*contents[:at], *contents[at + 1 :]])
        for at, content in enumerate(contents)
    )


def _is_lost(case: Case, item: Any, contents: Sequence[str]) -> bool:  # noqa: ANN401
    if case.forgets(item):
        return False
    wanted = [re.escape(item.quote), re.escape(item.content), *case.patterns(item)]
    plain = [" ".join(content.split()) for content in contents]
    return not any(matches(pattern, content) for pattern in wanted for content in plain)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


if __name__ == "__main__":
    main()

"""Several strategies on the same questions, and which one is recommended."""

import signal
from contextlib import suppress
from pathlib import Path

from evaluating import Evaluate, ask, cells

from launch.launched import eventually
from running_miner import KEY, miner_settings, serving
from scripted import Recorded, Scripted, Status
from support import free_port


def running() -> list[str]:
    """The command lines of all processes of this machine that tell theirs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            found.append(path.read_bytes().decode(errors="replace"))
    return found


def test_running_miners_are_compared_by_their_addresses(
    evaluate: Evaluate, model: Scripted, address: str, backend: Scripted, tmp_path: Path
) -> None:
    rows = ask(model, ["Answer: 41"] * 9 + ["Answer: 42"] * 3)
    ask(backend, ["Answer: 42"] * 12)
    with serving(miner_settings(tmp_path / "data", backend)) as other:
        done = evaluate(
            *(evaluate.dataset(rows), "--compare", f"mine={address}", f"theirs={other}"),
            *("--json", "report.json", "--html", "report.html"),
        )
    assert done.returncode == 0, done.stderr
    assert cells(done.stdout)["right"] == ["3 (25.0%)", "12 (100.0%)"]
    assert "mine against theirs: only mine right 0, only theirs right 9, p = 0.004" in done.stdout
    assert "Recommended: theirs. The others are worse, beyond chance (5% level)." in done.stdout
    [pair] = evaluate.report()["comparison"]["pairs"]
    assert pair["p"] == pair["p_adjusted"] == 2 / 2**9
    assert "Recommended: theirs." in (evaluate.folder / "report.html").read_text()


def test_too_few_questions_are_said_to_be_too_few(
    evaluate: Evaluate, model: Scripted, address: str
) -> None:
    rows = ask(model, [["Answer: 41", "Answer: 42"], "Answer: 42", "Answer: 42", Status(400)])
    done = evaluate(evaluate.dataset(rows), "--compare", f"a={address}", f"b={address}")
    assert cells(done.stdout)["right"] == ["2 (50.0%)", "3 (75.0%)"]
    recommendation = done.stdout.partition("Recommended: ")[2].splitlines()
    assert recommendation[0].endswith(", but the data cannot tell which is the best.")
    assert recommendation[1] == (
        "  The 4 questions cannot tell a (50.0%) from b (75.0%): p = 1.000. "
        "About 29 would settle a difference of this size."
    )


def test_strategies_are_launched_one_after_the_other_and_leave_nothing(
    evaluate: Evaluate, backend: Scripted, tmp_path: Path
) -> None:
    # The draft has no vote, so that both are needed, whichever comes first.
    def answer(request: Recorded) -> str:
        return "Answer: 42" if request.body["temperature"] > 0.5 else "That is hard to tell."

    rows = ask(backend, [answer for _ in range(8)])
    operators = tmp_path / "operators-data"
    done = evaluate(
        *(evaluate.dataset(rows), "--compare", "draft,vote", "--json", "report.json"),
        LLM_PROVIDER="vllm",
        VLLM_API_BASE=backend.base_url,
        VOTE_SAMPLES="2",
        TEMPERATURE="0.2",
        DATA_DIR=str(operators),
        CHROMA_URL=f"http://127.0.0.1:{free_port()}",
        API_PORT="1",
    )
    assert done.returncode == 0, done.stderr
    table = cells(done.stdout)
    assert table["right"] == ["0 (0.0%)", "8 (100.0%)"]
    assert table["model calls each"] == ["1.00", "2.00"]
    assert "Recommended: vote. The others are worse, beyond chance (5% level)." in done.stdout
    assert not operators.exists()
    assert not (evaluate.folder / "none.env").exists()
    assert list(evaluate.temporary.iterdir()) == []
    assert KEY not in done.stdout
    assert all(request.answered for request in backend.requests)


def test_an_interrupt_of_a_start_leaves_no_miner(evaluate: Evaluate, backend: Scripted) -> None:
    variables = {"LLM_PROVIDER": "vllm", "VLLM_API_BASE": backend.base_url}
    program = evaluate.start("--compare", "draft,check", **variables)
    while not list(evaluate.temporary.glob("miner-*/run.log")):
        assert program.poll() is None, program.communicate()
    program.send_signal(signal.SIGTERM)
    done = evaluate.end(program)
    # Python ends itself by the signal where that came amid an import; a shell says 130 of both.
    assert done.returncode in (130, -signal.SIGINT)
    assert done.stdout == ""
    assert done.stderr == "evaluate: interrupted before the end\n"
    assert list(evaluate.temporary.iterdir()) == []
    eventually(lambda: not any(str(evaluate.temporary) in line for line in running()))


def test_a_miner_that_does_not_start_is_told_with_its_reason(evaluate: Evaluate) -> None:
    done = evaluate("--compare", "draft,check", LLM_PROVIDER="openai")
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith(
        "evaluate: the miner for draft ended with code 2 before it was ready: "
        "cannot start: OPENAI_API_KEY is not set"
    )

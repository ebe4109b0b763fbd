"""The program against a real miner: every outcome, counted exactly."""

import os
import pty
import signal
import termios
import threading
from pathlib import Path

import pytest
from evaluating import Evaluate, ask, cells

from running_miner import KEY, miner_process, miner_settings, serving
from scripted import Hang, Held, Scripted, Status, until
from support import free_port


def test_every_outcome_is_counted(evaluate: Evaluate, model: Scripted, address: str) -> None:
    said = ["Answer: 42", "It is 6 * 7.\n#### 42", "Answer: forty-two", "\\boxed{42}"]
    rows = ask(model, [*said, "Answer: 41", "I cannot say.", Status(400), Hang()])
    done = evaluate(
        evaluate.dataset(rows), "--url", address, "--timeout", "2", "--json", "report.json"
    )
    assert done.returncode == 0, done.stderr
    table = cells(done.stdout)
    assert table["asked"] == ["8 of 8"]
    assert table["right"] == ["4 (50.0%)"]
    assert table["95% interval"] == ["21.5% to 78.5%"]
    assert table["performance"] == ["0.0312 (score 0.500 ^ 5)"]
    assert table["rolling accuracy"] == ["50.0% (last 8, window 256)"]
    assert table["wrong"] == table["no final answer"] == table["too late"] == ["1"]
    assert table["errors"] == ["1"]
    assert "  502 backend_refused  1" in done.stdout
    assert table["model calls each"] == ["1.00"]
    [run] = evaluate.report()["runs"]
    outcomes = [one["outcome"] for one in run["answered"]]
    assert outcomes == [*["right"] * 4, "wrong", "unreadable", "error", "timeout"]
    assert run["answered"][4]["read"] == "41"
    assert run["summary"]["errors"] == {"502 backend_refused": 1}
    assert run["summary"]["window"] == {
        "size": 256,
        "asked": 8,
        "accuracy": 0.5,
        "score": 0.5,
        "temperature": 5.0,
        "performance": 0.5**5,
    }
    times = [one["seconds"] for one in run["answered"][:6]]
    assert run["summary"]["latency"]["max"] == max(times)
    assert run["summary"]["latency"]["p50"] == sorted(times)[2]


def test_the_window_and_the_temperature_are_options(
    evaluate: Evaluate, model: Scripted, address: str
) -> None:
    rows = ask(model, ["Answer: 1", "Answer: 1", "Answer: 42", "Answer: 1", "Answer: 42"])
    options = ["--window", "4", "--temperature", "3", "--limit", "4"]
    table = cells(evaluate(evaluate.dataset(rows), "--url", address, *options).stdout)
    assert table["asked"] == ["4 of 4"]
    assert table["rolling accuracy"] == ["25.0% (last 4, window 4)"]
    assert table["performance"] == [f"{0.25**3:.4f} (score 0.250 ^ 3)"]


def test_the_shipped_problems_are_asked_without_a_data_set(
    evaluate: Evaluate, model: Scripted, address: str
) -> None:
    model.default("Answer: 123456789")
    done = evaluate("--url", address, "--limit", "3", "--json", "report.json")
    assert cells(done.stdout)["wrong"] == ["3"]
    assert evaluate.report()["conditions"]["dataset"] == "questions.jsonl"


def test_questions_do_not_influence_each_other(
    evaluate: Evaluate, model: Scripted, address: str
) -> None:
    rows = ask(model, ["Answer: 42"] * 3)
    assert evaluate(evaluate.dataset(rows), "--url", address).returncode == 0
    asked = [sum(str(row["question"]) in one.prompt for row in rows) for one in model.requests]
    assert asked == [1, 1, 1]


def test_the_flat_form_gives_the_same(evaluate: Evaluate, model: Scripted, address: str) -> None:
    rows = ask(model, ["Answer: 42", "Answer: 41"])
    done = evaluate(
        *(evaluate.dataset(rows), "--url", address, "--form", "flat", "--task", "Think hard.")
    )
    assert cells(done.stdout)["right"] == ["1 (50.0%)"]
    assert all("Think hard." in request.prompt for request in model.requests)


def test_a_plain_data_set_with_numbers_and_texts(
    evaluate: Evaluate, model: Scripted, address: str
) -> None:
    model.when("How much?", "Answer: 1 1/2").when("Which city?", "Answer: **Paris**")
    rows = [
        {"question": "How much?", "answer": 1.5},
        {"question": "Which city?", "answer": "Paris"},
    ]
    done = evaluate(evaluate.dataset(rows), "--url", address)
    assert cells(done.stdout)["right"] == ["2 (100.0%)"]


def test_the_fields_of_public_data_sets_are_read(
    evaluate: Evaluate, model: Scripted, address: str
) -> None:
    model.when("How many legs", "Answer: 8").when("What is half of ten?", "\\boxed{5}")
    model.when("(B) Rome", "The answer is (B).").when("Which root?", "Answer: C")
    rows: list[dict[str, object]] = [
        {"Body": "A spider sits there.", "Question": "How many legs has it?", "Answer": 8.0},
        {"problem": "What is half of ten?", "solution": "It is $\\boxed{\\frac{10}{2}}$."},
        {"question": "Which city?", "options": ["Paris", "Rome"], "answer": "B", "answer_index": 1},
        {"question": "Which root?", "options": ["A)1", "B)2", "C)3"], "correct": "C"},
        {"question": "Who knows?", "answer": None},
    ]
    done = evaluate(evaluate.dataset(rows), "--url", address)
    assert cells(done.stdout)["right"] == ["4 (100.0%)"]
    assert "left out for want of an answer: 1 of the data set's lines (5)" in done.stderr
    assert any("A spider sits there." in request.prompt for request in model.requests)


def test_a_model_judges_the_other_criteria(
    evaluate: Evaluate, model: Scripted, address: str
) -> None:
    rows = ask(model, ["Answer: 42", "Answer: 41", "It is 42.\n#### 42"])
    names = ("relevance", "completeness", "clarity", "instruction", "format", "safety")
    with Scripted() as judge:
        judge.when("Answer:\nIt is 42.", "I would rather not say.")
        judge.default("\n".join(f"**{name}**: 10" for name in names))
        options = ["--judge", "some-model", "--judge-url", judge.base_url, "--temperature", "1"]
        done = evaluate(evaluate.dataset(rows), "--url", address, *options, OPENAI_API_KEY="k")
        assert {request.body["model"] for request in judge.requests} == {"some-model"}
    table = cells(done.stdout)
    assert table["judged"] == ["2 by some-model"]
    # One right and judged, one wrong and judged, one right and not understood by the judge.
    assert table["performance"] == [f"{(1 + 0.3 + 1) / 3:.4f} (score 0.767 ^ 1)"]


def test_as_many_are_in_work_as_allowed(evaluate: Evaluate, model: Scripted, address: str) -> None:
    released = threading.Event()
    rows = ask(model, [Held("Answer: 42", released)] * 7)
    program = evaluate.start(
        evaluate.dataset(rows), "--url", address, "--concurrency", "3", "--json", "report.json"
    )
    while model.in_flight < 3:
        assert program.poll() is None, program.communicate()
    released.set()
    assert cells(evaluate.end(program).stdout)["right"] == ["7 (100.0%)"]
    assert model.most_in_flight == 3


def test_the_rate_is_kept(evaluate: Evaluate, model: Scripted, address: str) -> None:
    rows = ask(model, ["Answer: 42"] * 4)
    options = ["--rate", "120", "--concurrency", "4"]
    evaluate(evaluate.dataset(rows), "--url", address, *options)
    times = [request.at for request in model.requests]
    assert len(times) == 4
    # Never faster; how much slower depends on the machine.
    assert times[-1] - times[0] > 3 * 0.5 - 0.25


def test_a_rate_limit_is_waited_for(evaluate: Evaluate, backend: Scripted, tmp_path: Path) -> None:
    rows = ask(backend, ["Answer: 42"] * 5)
    with serving(miner_settings(tmp_path / "data", backend, rate_limit="2/second")) as address:
        done = evaluate(
            *(evaluate.dataset(rows), "--url", address, "--concurrency", "5"),
            *("--json", "report.json"),
        )
    assert cells(done.stdout)["right"] == ["5 (100.0%)"]
    [run] = evaluate.report()["runs"]
    assert run["summary"]["rate_limit_waits"] == sum(one["waits"] for one in run["answered"]) > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_reports_what_was_measured(
    evaluate: Evaluate, model: Scripted, address: str, number: signal.Signals
) -> None:
    rows = ask(model, ["Answer: 42", "Answer: 41", Hang(), "Answer: 42"])
    program = evaluate.start(
        evaluate.dataset(rows), "--url", address, "--json", "report.json", "--html", "report.html"
    )
    while len(model.requests) < 3:
        assert program.poll() is None, program.communicate()
    program.send_signal(number)
    done = evaluate.end(program)
    assert done.returncode == 130
    assert done.stderr == "evaluate: interrupted before the end\n"
    assert cells(done.stdout)["asked"] == ["2 of 4 (interrupted)"]
    assert cells(done.stdout)["right"] == ["1 (50.0%)"]
    assert evaluate.report()["failure"] == "interrupted"
    page = (evaluate.folder / "report.html").read_text()
    assert "This evaluation is not complete: interrupted." in page


async def test_a_miner_that_is_lost_ends_the_evaluation(
    evaluate: Evaluate, backend: Scripted, tmp_path: Path
) -> None:
    rows = ask(backend, ["Answer: 42", Hang(), *["Answer: 42"] * 8])
    async with miner_process(miner_settings(tmp_path / "data", backend)) as miner:
        program = evaluate.start(
            evaluate.dataset(rows), "--url", miner.address, "--json", "report.json"
        )
        await until(lambda: len(backend.requests) == 2, 30)
        miner.process.kill()
        await miner.process.wait()
        done = evaluate.end(program)
    assert done.returncode == 1
    assert done.stderr == "evaluate: the miner gave no connection 5 times in a row\n"
    [run] = evaluate.report()["runs"]
    errors = run["summary"]["errors"]
    # The socket of a killed process may take one more connection before it closes.
    assert errors["no connection"] == 5
    assert errors["connection broken off"] in (1, 2)
    assert [one["outcome"] for one in run["answered"]] == [
        "right",
        *["error"] * sum(errors.values()),
    ]
    assert cells(done.stdout)["asked"][0].startswith(f"{run['summary']['asked']} of 10 (the miner")


def test_progress_is_shown_on_a_terminal_only(
    evaluate: Evaluate, model: Scripted, address: str
) -> None:
    data = evaluate.dataset(ask(model, ["Answer: 42"] * 2))
    assert evaluate(data, "--url", address).stderr == ""
    terminal, other_end = pty.openpty()
    termios.tcsetwinsize(other_end, (24, 80))
    program = evaluate.start(data, "--url", address, stderr=other_end)
    os.close(other_end)
    shown = os.read(terminal, 10_000).decode()
    assert evaluate.end(program).returncode == 0
    os.close(terminal)
    assert "miner:" in shown
    assert "0/2" in shown


@pytest.mark.parametrize("source", ["alone", "as .env", "in --env-file"])
def test_where_the_key_may_stand(
    evaluate: Evaluate, model: Scripted, address: str, source: str
) -> None:
    data = evaluate.dataset(ask(model, ["Answer: 42"]))
    file = evaluate.folder / "key"
    file.write_text(f"{KEY}\n" if source == "alone" else f"X=1\nMINER_API_KEY='{KEY},another'\n")
    option = "--env-file" if source == "in --env-file" else "--key-file"
    done = evaluate(data, "--url", address, option, str(file), MINER_API_KEY="")
    assert done.returncode == 0, done.stderr


def test_a_wrong_key_is_one_line(evaluate: Evaluate, model: Scripted, address: str) -> None:
    done = evaluate("--url", address, MINER_API_KEY="another-key")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"evaluate: the miner at {address} refuses the key; it must be its MINER_API_KEY\n"
    )


def test_a_miner_that_is_not_there_is_one_line(evaluate: Evaluate) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = evaluate("--url", nowhere, "--json", "report.json")
    assert done.returncode == 1
    assert done.stderr == (
        f"evaluate: {nowhere} cannot be reached: All connection attempts failed; "
        "is it running, and is this its address?\n"
    )
    assert not (evaluate.folder / "report.json").exists()


def test_what_is_no_miner_is_one_line(evaluate: Evaluate, backend: Scripted) -> None:
    address = f"http://127.0.0.1:{backend.port}"
    done = evaluate("--url", address)
    assert done.returncode == 1
    assert done.stderr == (
        f"evaluate: what answers at {address} cannot be evaluated: GET /capabilities gave 404\n"
    )

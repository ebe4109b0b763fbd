"""What is wrong with the options or the data set is told in one line, with exit code 2."""

from collections.abc import Callable
from pathlib import Path

import pytest

from running_miner import KEY
from tools.evaluate.cli import main

Refused = Callable[..., str]


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Refused:
    """Runs the command in an empty folder and gives what it says when it refuses."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINER_API_KEY", KEY)

    def run(*arguments: str) -> str:
        try:
            code = main(["--env-file", "none.env", *arguments])
        except SystemExit as end:  # argparse's own way
            code = end.code
        out, err = capsys.readouterr()
        assert code == 2
        assert out == ""
        assert KEY not in err
        return err

    return run


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ('{"question": "a", "answer": "1"}\n\n{"question": "b"', "line 3: this is not JSON"),
        ('["a", "1"]', 'line 1: write {"question": …, "answer": …}'),
        ('{"question": "a"}', " holds 0 questions with answers"),
        ('{"question": " ", "answer": "1"}', "line 1: question: a text is required"),
        ('{"question": "a", "answer": true}', " holds 0 questions with answers"),
        ('{"question": "a", "answer": "6 * 7\\n####"}', " holds 0 questions with answers"),
        ("\n", " holds 0 questions"),
    ],
)
def test_a_malformed_data_set_names_the_line(refused: Refused, content: str, fault: str) -> None:
    path = Path("bad.jsonl").absolute()
    path.write_text(content)
    [line] = refused(str(path)).splitlines()
    assert line.startswith(f"evaluate: {path}")
    assert fault in line


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["missing.jsonl"], "cannot read missing.jsonl: No such file or directory"),
        (["--url", "localhost:8001"], "the address must start with http:// or https://"),
        (["--url", "http://me:secret-word@localhost"], "the address must have no user name"),
        (["--key-file", "missing"], "cannot read missing (--key-file)"),
        (["--json", "missing/report.json"], "cannot write missing/report.json"),
        (["--timeout", "0"], "argument --timeout: 0 is not a number above 0"),
        (["--rate", "fast"], "argument --rate: fast is not a number above 0"),
        (["--concurrency", "1000"], "1000 is not a whole number from 1 to 256"),
        (["--compare", "draft"], "--compare takes two or more strategies"),
        (["--compare", "draft,draft"], "--compare takes two or more strategies"),
        (["--compare", "draft,guess"], "--compare guess: name auto, draft, check, vote"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_asked(
    refused: Refused, options: list[str], fault: str
) -> None:
    told = refused(*options)
    assert fault in told.splitlines()[-1]
    assert "secret-word" not in told


def test_without_a_key_the_ways_to_give_one_are_named(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MINER_API_KEY")
    assert refused().startswith("evaluate: no key for the miner: name a file with --key-file")

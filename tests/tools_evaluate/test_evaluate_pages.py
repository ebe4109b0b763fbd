"""The HTML report in a browser, and docs/evaluation.md against the program."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from evaluating import Evaluate, ask, cells
from playwright.async_api import async_playwright

from pages import PAGES, block, commands
from running_miner import KEY
from scripted import Scripted
from support import require
from tools.evaluate.options import parse

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), "")
NAME = "docs/evaluation.md"
DOCS = PAGES[NAME].read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in commands(NAME)]


async def test_the_page_needs_nothing_else_and_shows_what_was_answered(
    evaluate: Evaluate, model: Scripted, address: str
) -> None:
    require(bool(CHROMIUM), "there is no Chromium (apt-get install chromium)")
    harmful = "<script>document.title = 'taken over'</script> Answer: 41"
    rows = ask(model, ["Answer: 42", harmful, "Answer: 42"])
    evaluate(evaluate.dataset(rows), "--url", address, "--html", "report.html")
    requested: list[str] = []
    said: list[str] = []
    async with async_playwright() as drivers:
        browser = await drivers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("request", lambda request: requested.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        await page.goto((evaluate.folder / "report.html").as_uri())
        assert await page.title() == "Evaluation of miner"
        assert await page.locator(".tile b").all_inner_texts() == [
            "0.132",
            "66.7%",
            await page.locator(".tile b").nth(2).inner_text(),
            "0",
        ]
        assert await page.locator("polyline").count() == 1
        bars = await page.locator(".bars span").evaluate_all("all => all.map(one => one.title)")
        assert sum(int(right) for right in re.findall(r"(\d+) right", " ".join(bars))) == 2
        assert sum(int(other) for other in re.findall(r"(\d+) not", " ".join(bars))) == 1
        await page.get_by_text("1 not answered right").click()
        await page.get_by_text("its answer").click()
        assert await page.locator("td pre").inner_text() == harmful
        await browser.close()
    assert len(requested) == 1
    assert said == []


@pytest.mark.parametrize("words", COMMANDS, ids=shlex.join)
def test_the_command_works(
    evaluate: Evaluate,
    model: Scripted,
    address: str,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert words[:3] == ["python", "-m", "tools.evaluate"]
    arguments = [word.replace("http://127.0.0.1:8001", address) for word in words[3:]]
    arguments = [word.replace("http://127.0.0.1:8011", address) for word in arguments]
    if "draft,check,vote" in arguments:  # test_evaluate_compare.py starts miners of its own
        monkeypatch.chdir(evaluate.folder)
        assert [target.name for target in parse(arguments).targets] == ["draft", "check", "vote"]
        return
    evaluate.dataset([{"question": "6 * 7?", "answer": 42}], "questions.jsonl")
    model.default("Answer: 42")
    elsewhere = [] if address in " ".join(arguments) else ["--url", address]
    fewer = [] if "--limit" in arguments else ["--limit", "20"]
    done = evaluate(*arguments, *elsewhere, *fewer, "--concurrency", "16")
    assert done.returncode == 0, done.stderr
    for name in re.findall(r"report\.\w+", " ".join(arguments)):
        assert (evaluate.folder / name).stat().st_size > 1000


def test_the_data_set_on_the_page_is_read(
    evaluate: Evaluate, model: Scripted, address: str
) -> None:
    path = evaluate.folder / "page.jsonl"
    path.write_text(block(NAME, '"question"'))
    model.when("14 pens", "Answer: 42").when("quarter", "Answer: 1 1/2").when("France", "Paris.")
    assert cells(evaluate(str(path), "--url", address).stdout)["right"] == ["3 (100.0%)"]


def test_the_table_gives_every_option_and_its_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINER_API_KEY", KEY)
    with pytest.raises(SystemExit):
        parse(["--help"])
    helped = re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE)
    rows = dict(re.findall(r"^\| `(--[a-z-]+)` \| `?([^|`]*?)`? *\|", DOCS, re.MULTILINE))
    assert list(rows) == helped
    default = parse([])
    assert rows["--url"] == default.targets[0].address
    for name in ("concurrency", "form", "window"):
        assert rows[f"--{name}"] == str(getattr(default.conditions, name))
    for name in ("timeout", "temperature"):
        assert rows[f"--{name}"] == f"{getattr(default.conditions, name):g}"


def test_the_rows_on_the_page_are_those_of_the_table(
    evaluate: Evaluate, model: Scripted, address: str, tmp_path: Path
) -> None:
    rows = ask(model, ["Answer: 42"])
    printed = cells(evaluate(evaluate.dataset(rows), "--url", address).stdout)
    section = DOCS.partition("## What the table says")[2].partition("\n\n##")[0]
    named = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    shown = {re.sub(r"^latency .*", "latency", name) for name in printed}
    assert set(named) == shown - {"miner", "model", "asked", "took"}

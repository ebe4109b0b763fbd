import subprocess
from pathlib import Path

import pytest

from pages import blocks
from support import make_settings
from tools import banner

FAKE_CURL = "curl() { printf '%s\\n' \"$@\"; }\n"


def arguments(command: str, folder: Path, **variables: str) -> list[str]:
    """What the shell makes of a command line of curl."""
    return subprocess.run(
        ["sh", "-c", FAKE_CURL + command],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"} | variables,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "MINER_API_KEY=one\n",
        "MINER_API_KEY=one,two\n",
        "A=b\nMINER_API_KEY=one, two\nLLM_PROVIDER=local\n",
        "export MINER_API_KEY = 'one'\n",
        'MINER_API_KEY="one,two"\n',
        "MINER_API_KEY=old\nMINER_API_KEY=one\n",
        "# MINER_API_KEY=none\nMINER_API_KEY=one\n",
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_the_call_finds_the_first_key_as_files_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, inside: bool
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / ".env").write_text(text)
    here = folder if inside else Path("/")
    monkeypatch.chdir(here)
    command = banner.curl("http://localhost:1", folder / ".env")
    assert "X-API-Key: one" in arguments(command, here)


def test_the_call_is_as_short_as_the_readmes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("MINER_API_KEY=one,two\nLLM_PROVIDER=local\n")
    monkeypatch.chdir(tmp_path)
    command = banner.curl("http://localhost:8001", tmp_path / ".env")
    [of_readme] = [block.text for block in blocks("README.md") if "8001/complete" in block.text][:1]
    assert command.split() == of_readme.replace("\\\n", "").split()


def test_the_call_finds_the_first_key_of_the_environment(tmp_path: Path) -> None:
    command = banner.curl("http://localhost:1", None)
    assert "X-API-Key: one" in arguments(command, tmp_path, MINER_API_KEY="one,two")


def test_the_banner_names_what_an_operator_looks_for(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MINER_API_KEY=secret-key\n")
    settings = make_settings(tmp_path, host="0.0.0.0", api_port=8123, miner_api_key="secret-key")
    text = banner.banner(settings, "vllm", "some/model", tmp_path / ".env")
    for wanted in ("http://localhost:8123/docs", "some/model (vllm)", str(tmp_path / ".env")):
        assert wanted in text
    assert "secret-key" not in text


def test_the_banner_names_no_documentation_that_is_off(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, docs_enabled=False, host="::1")
    text = banner.banner(settings, "vllm", "some/model", None)
    assert "/docs" not in text
    assert "http://[::1]:8001/complete" in text

import subprocess
import sys
from pathlib import Path

import pytest

from settings import ROOT, Settings, SettingsError
from tools import reference


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def printed(form: str) -> str:
    command = [sys.executable, "-m", "tools.reference", form]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_the_example_in_the_repository_is_the_generated_one() -> None:
    assert (ROOT / ".env.example").read_text() == printed("env")


def test_the_example_starts_with_the_names_operators_know() -> None:
    lines = [line.lstrip("# ") for line in reference.example().splitlines()]
    names = [
        name for name, sep, _ in (line.partition("=") for line in lines) if sep and name.isupper()
    ]
    assert names[:8] == [
        "LLM_PROVIDER",
        "OPENAI_API_KEY",
        "MODEL_NAME",
        "VLLM_API_BASE",
        "MINER_API_KEY",
        "API_PORT",
        "MAX_TOKENS",
        "TEMPERATURE",
    ]
    assert sorted(names) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_filled_in_is_valid_and_means_the_defaults(tmp_path: Path) -> None:
    text = reference.example()
    text = text.replace("MINER_API_KEY=change-me", "MINER_API_KEY=a-real-key")
    path = tmp_path / ".env"
    path.write_text(text.replace("OPENAI_API_KEY=", "OPENAI_API_KEY=sk-x"))
    given = {"miner_api_key": "a-real-key", "openai_api_key": "sk-x"}
    assert Settings.load(path) == Settings.load(None, **given)


def test_the_example_as_it_stands_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(reference.example())
    with pytest.raises(SettingsError, match="placeholder"):
        Settings.load(path)


def test_the_table_has_a_row_for_every_setting() -> None:
    rows = printed("table").splitlines()[2:]
    assert len(rows) == len(Settings.model_fields)
    assert "| `API_PORT` | `8001` | port of the miner |" in rows
    assert all(row.count(" | ") == 2 for row in rows)

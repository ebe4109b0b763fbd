import stat
from pathlib import Path

import pytest

from settings import Settings, SettingsError
from tools import envfile

NAMES = ("MINER_API_KEY", "LLM_PROVIDER", "OPENAI_API_KEY")


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_first_file_is_private_and_starts_the_embedded_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ".env"
    envfile.create_first(path)
    settings = Settings.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert settings.llm_provider == "local"
    assert len(settings.api_keys[0]) >= 40
    assert settings.api_keys[0] not in capsys.readouterr().out
    assert [entry.name for entry in tmp_path.iterdir()] == [".env"]


def test_two_first_files_have_two_keys(tmp_path: Path) -> None:
    for name in ("a", "b"):
        envfile.create_first(tmp_path / name)
    a, b = (Settings.load(tmp_path / name).api_keys for name in ("a", "b"))
    assert a != b


def test_an_existing_file_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("MAX_TOKENS=100\n")
    envfile.create_first(path)
    assert path.read_text() == "MAX_TOKENS=100\n"


@pytest.mark.parametrize(
    ("environment", "written"),
    [
        ({"OPENAI_API_KEY": "sk-x"}, {"MINER_API_KEY", "LLM_PROVIDER=openai"}),
        ({"OPENAI_API_KEY": ""}, {"MINER_API_KEY", "LLM_PROVIDER=local"}),
        ({"LLM_PROVIDER": "vllm"}, {"MINER_API_KEY"}),
        ({"llm_provider": "vllm"}, {"MINER_API_KEY"}),
        ({"MINER_API_KEY": "mine"}, {"LLM_PROVIDER=local"}),
        ({"MINER_API_KEY": "mine", "LLM_PROVIDER": "local"}, None),
    ],
)
def test_the_file_says_nothing_that_the_environment_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    written: set[str] | None,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / ".env"
    envfile.create_first(path)
    assert path.exists() == (written is not None)
    lines = path.read_text().splitlines() if path.exists() else []
    set_lines = [line for line in lines if line.startswith(NAMES)]
    assert len(set_lines) == len(written or ())
    for wanted in written or ():
        assert any(line.startswith(wanted) for line in set_lines)
    assert "mine" not in "".join(lines)


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot write .*MINER_API_KEY and LLM_PROVIDER") as e:
        envfile.create_first(tmp_path / "missing" / ".env")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("written", "environment", "taken", "told"),
    [
        ("API_KEY=k", {}, {"MINER_API_KEY": "k"}, "taken for MINER_API_KEY"),
        ("api_key=k", {}, {"MINER_API_KEY": "k"}, "taken for MINER_API_KEY"),
        ("PORT=9000", {}, {"API_PORT": "9000"}, "taken for API_PORT"),
        ("OPENAI_MODEL=m", {}, {"MODEL_NAME": "m"}, "taken for MODEL_NAME"),
        ("LLM_PROVIDER=vllm\nVLLM_MODEL=m", {}, {"MODEL_NAME": "m"}, "taken for MODEL_NAME"),
        ("VLLM_MODEL=m", {"LLM_PROVIDER": "VLLM"}, {"MODEL_NAME": "m"}, "taken for MODEL_NAME"),
        ("VLLM_BASE_URL=u", {}, {"VLLM_API_BASE": "u"}, "taken for VLLM_API_BASE"),
        ("VLLM_MODEL=m", {}, {}, "LLM_PROVIDER is openai; its name here is MODEL_NAME"),
        ("OPENAI_MODEL=m\nLLM_PROVIDER=local", {}, {}, "LLM_PROVIDER is local"),
        ("API_KEY=k\nMINER_API_KEY=other", {}, {}, "MINER_API_KEY is set"),
        ("PORT=9000", {"API_PORT": "1"}, {}, "API_PORT is set"),
    ],
)
def test_names_of_the_reference_are_taken_where_it_is_clear(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    written: str,
    environment: dict[str, str],
    taken: dict[str, str],
    told: str,
) -> None:
    path = tmp_path / ".env"
    path.write_text(f"{written}\n")
    held = dict(environment)
    envfile.adopt_old_names(path, held)
    assert held == environment | taken
    [line] = capsys.readouterr().out.splitlines()
    assert told in line


@pytest.mark.parametrize("content", [b"API_PORT=1\n", b"\xff\xfe", None])
def test_a_file_without_old_names_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    path = tmp_path / ".env"
    if content is not None:
        path.write_bytes(content)
    held: dict[str, str] = {}
    envfile.adopt_old_names(path, held)
    assert held == {}
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("MODELNAME=m", "MODEL_NAME"),
        ("DEADLINE=10", "DEADLINE_SECONDS"),
        ("openai_key=k", "OPENAI_API_KEY"),
        ("export LOGLEVEL=debug", "LOG_LEVEL"),
    ],
)
def test_a_name_like_one_of_ours_is_told_with_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], written: str, nearest: str
) -> None:
    path = tmp_path / ".env"
    path.write_text(f"{written}\nMINER_API_KEY=secret-key\n")
    envfile.tell_unknown_names(path)
    name = written.removeprefix("export ").partition("=")[0].upper()
    assert capsys.readouterr().out == f"{name} in {path} is not read: did you mean {nearest}?\n"


@pytest.mark.parametrize(
    "written", ["LANGSMITH_API_KEY=k", "HTTP_PROXY=http://p", "TZ=UTC", "PORT=1", "MAX_TOKENS=9"]
)
def test_a_name_of_others_is_not_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], written: str
) -> None:
    path = tmp_path / ".env"
    path.write_text(written)
    envfile.tell_unknown_names(path)
    assert capsys.readouterr().out == ""


def test_no_file_has_no_unknown_names(tmp_path: Path) -> None:
    envfile.tell_unknown_names(tmp_path / ".env")

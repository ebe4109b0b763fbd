"""Each wrong value is found before anything starts, and told in one line."""

from pathlib import Path

import pytest

from settings import Settings, SettingsError
from support import make_settings

SECRET = "a-secret"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("redis_url", "nonsense"),
        ("redis_url", f"http://:{SECRET}@redis:6379"),
        ("redis_url", f"redis://:{SECRET}@redis:port/0"),
        ("database_url", f"mysql://u:{SECRET}@host/db"),
        ("database_url", f"postgresql://u:{SECRET}@host:abc/db"),
        ("database_url", f"postgresql://u:{SECRET}@host:1,host:99999/db"),
        ("database_url", f"postgresql://u:{SECRET}@[::1/db"),
        ("chroma_url", "http://127.0.0.1:abc"),
        ("vllm_api_base", "http://127.0.0.1:99999/v1"),
        ("message_retention_days", "1000000"),
        ("message_retention_days", "inf"),
        ("message_retention_days", "nan"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name.upper()}(='.*')? is wrong: ") as refused:
        make_settings(tmp_path, **{name: value})
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("redis_url", "redis://redis"),
        ("redis_url", "rediss://user:word@10.0.0.5:6379/1"),
        ("redis_url", "redis+unix:///run/redis.sock"),
        ("redis_url", "valkey://[::1]:6379"),
        ("database_url", "postgres:///miner?host=/run/postgresql"),
        ("database_url", "postgresql+asyncpg://u:p@[::1]:5432/db"),
        ("database_url", "postgresql://u:p@one:5432,two:5433,three/db?sslmode=prefer"),
        ("chroma_url", "https://chroma.example"),
        ("chroma_url", "http://[::1]:8000/"),
        ("message_retention_days", "36500"),
    ],
)
def test_every_way_of_writing_it_is_taken(tmp_path: Path, name: str, value: str) -> None:
    shared = {"database_url": "postgresql://db/miner"} if name == "chroma_url" else {}
    make_settings(tmp_path, **(shared | {name: value}))


@pytest.mark.parametrize("host", ["chroma.example", "10.0.0.5:8003", "localhost.example", "[::2]"])
def test_miners_of_several_hosts_need_a_database_to_write_in_turns(
    tmp_path: Path, host: str
) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL is not set"):
        make_settings(tmp_path, chroma_url=f"http://{host}")


@pytest.mark.parametrize("host", ["localhost:8003", "127.0.0.1:8003", "127.1.2.3", "[::1]:8000"])
def test_miners_of_one_host_do_without(tmp_path: Path, host: str) -> None:
    make_settings(tmp_path, chroma_url=f"http://{host}")


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("MINER_NAME=é\n", "latin-1")
    with pytest.raises(SettingsError, match=f"^{path} is not in UTF-8"):
        Settings.load(path)


@pytest.mark.parametrize(
    "key", ["sk-your-key-here", "your-openai-key", "sk-...", "<key>", "sk-xxxx"]
)
def test_the_placeholder_of_a_key_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingsError, match=r"^OPENAI_API_KEY is wrong: this is a placeholder"):
        make_settings(tmp_path, llm_provider="openai", openai_api_key=key)


@pytest.mark.parametrize("key", ["sk-proj-yoUr1x", "EMPTY", "sk-xa1b2c3"])
def test_any_other_key_is_taken(tmp_path: Path, key: str) -> None:
    make_settings(tmp_path, llm_provider="openai", openai_api_key=key)


@pytest.mark.parametrize("name", ["local_model", "local_chat_template"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name.upper()}='.*' is wrong: there is no such"):
        make_settings(tmp_path, **{name: str(tmp_path / "none.gguf")})

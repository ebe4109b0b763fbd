"""Every setting of the miner, read from the environment and from `.env`.

The environment wins over `.env`. Names are the upper-case field names.
"""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from limits import parse as parse_rate
from pydantic import (
    AfterValidator,
    ByteSize,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent
ENV_FILE = ROOT / ".env"
ENV_FILE_VARIABLE = "MINER_ENV_FILE"  # names a file that is read instead
PLACEHOLDER_KEYS = frozenset(
    {"change-me", "changeme", "your-api-key", "your-api-key-here", "your-miner-api-key"}
)

PLACEHOLDER = re.compile(r"(sk-)?(your[-_ ].*|x{3,}|\.{3}|<.*>)", re.IGNORECASE)

Provider = Literal["openai", "vllm", "local"]
Strategy = Literal["draft", "check", "vote"]


class SettingsError(ValueError):
    """A setting is wrong. The message is one line: the name, the value, what is allowed."""


def _rate(value: str) -> str:
    try:
        parse_rate(value)
    except ValueError:
        raise ValueError("write it as a count per time, such as 600/minute") from None
    return value


def _http_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("it must start with http:// or https://")
    _check_address(value)
    return value.rstrip("/")


def _http_urls(value: str) -> str:
    return ",".join(_http_url(url.strip()) for url in value.split(","))


def _check_address(url: str) -> None:
    try:
        # libpq takes several hosts, separated by commas.
        for host in urlsplit(url).netloc.rpartition("@")[2].split(","):
            _ = urlsplit(f"//{host}").port
    except ValueError:
        raise ValueError("what follows :// must be a host or host:port") from None


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _postgresql_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    if not url.startswith(("postgresql://", "postgresql+asyncpg://", "postgres://")):
        raise ValueError("write it as postgresql://user:password@host:port/database")
    _check_address(url)
    return value


def _redis_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    if not re.match(r"(redis|valkey)(s|\+unix)?://", url):
        raise ValueError("write it as redis://[:password@]host:port[/database]")
    _check_address(url)
    return value


def _networks(value: str) -> str:
    try:
        return ",".join(str(ip_network(part.strip(), strict=False)) for part in value.split(","))
    except ValueError:
        raise ValueError("write addresses or networks, such as 127.0.0.1,10.0.0.0/8") from None


def _origins(value: str) -> str:
    found = [part.strip().rstrip("/") for part in value.split(",")]
    if not all(re.fullmatch(r"\*|[a-z][a-z0-9+.-]*://[^/\s]+", origin) for origin in found):
        raise ValueError("write origins, such as https://chat.example.org, or * for all")
    return ",".join(found)


Rate = Annotated[str, AfterValidator(_rate)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
HttpUrls = Annotated[str, AfterValidator(_http_urls)]
PostgresqlUrl = Annotated[SecretStr, AfterValidator(_postgresql_url)]
Networks = Annotated[str, AfterValidator(_networks)]
Origins = Annotated[str, AfterValidator(_origins)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]


class Settings(BaseSettings):
    """All settings, validated.

    Build it with `Settings.load()`, which turns a wrong value into a one-line `SettingsError`.
    """

    model_config = SettingsConfigDict(
        env_file=None, extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    llm_provider: Provider = Field(
        "openai", description="who answers: `openai`, `vllm` or `local` (the embedded model)"
    )
    openai_api_key: SecretStr | None = Field(None, description="key for `openai`")
    model_name: str | None = Field(
        None, description="model to ask for; each provider has a default of its own"
    )
    vllm_api_base: HttpUrls = Field(
        "http://localhost:8000/v1",
        description="address of the vLLM server; of several, separated by commas",
    )
    miner_api_key: SecretStr = Field(
        ...,
        description="key callers send as X-API-Key; several, separated by commas, during a change",
    )
    api_port: int = Field(8001, ge=1, le=65535, description="port of the miner")
    max_tokens: int = Field(4000, ge=16, description="longest answer asked of the model, in tokens")
    temperature: float = Field(0.7, ge=0, le=2, description="sampling temperature of the answers")

    openai_base_url: HttpUrls | None = Field(
        None, description="another address that speaks OpenAI's API, or several with commas"
    )
    vllm_api_key: SecretStr = Field(SecretStr("EMPTY"), description="key for `vllm`")
    local_api_base: HttpUrl = Field(
        "http://127.0.0.1:8002/v1", description="where `run.py` serves the embedded model"
    )
    local_model: Path | None = Field(
        None, description="a GGUF file that `local` serves instead of the embedded model"
    )
    local_threads: int | None = Field(
        None, ge=1, le=1024, description="threads of `local`; llama.cpp's choice if unset"
    )
    local_chat_template: Path | None = Field(
        None, description="chat template of `LOCAL_MODEL`, a Jinja file; the model's own if unset"
    )
    llm_fallback_provider: Provider | None = Field(
        None, description="provider that takes over when the first fails"
    )
    llm_fallback_model: str | None = Field(None, description="model of the fallback provider")
    max_context_tokens: int | None = Field(
        None, ge=1024, description="window of the model in tokens; asked of the backend if unset"
    )

    miner_name: str = Field(
        "playbook-miner", min_length=1, max_length=100, description="name shown to callers"
    )
    host: str = Field("0.0.0.0", description="address to listen on")  # noqa: S104
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="server processes; several share a Chroma server that `run.py` starts",
    )
    data_dir: Path = Field(
        Path("data"), description="folder of all that is remembered, and of the embedded model"
    )
    chroma_url: HttpUrl | None = Field(None, description="a Chroma server; embedded if unset")
    database_url: PostgresqlUrl | None = Field(
        None, description="PostgreSQL for conversations; SQLite in `DATA_DIR` if unset"
    )
    redis_url: RedisUrl | None = Field(
        None, description="Redis for rate limits shared by replicas; in memory if unset"
    )
    embeddings: Literal["static", "openai"] = Field(
        "static", description="`static` (shipped, no calls) or `openai` (an `/embeddings` endpoint)"
    )
    embedding_model: str = Field(
        "text-embedding-3-small", description="model for `EMBEDDINGS=openai`"
    )
    embedding_base_url: HttpUrl | None = Field(
        None, description="address for `EMBEDDINGS=openai`; `OPENAI_BASE_URL` or OpenAI's if unset"
    )
    embedding_api_key: SecretStr | None = Field(
        None, description="its key; where it is at `OPENAI_BASE_URL`, `OPENAI_API_KEY` if unset"
    )

    deadline_seconds: float = Field(
        25, gt=0, le=600, description="time allowed for a whole request"
    )
    complete_strategy: Literal["auto", Strategy] = Field(
        "auto",
        description="`draft` (one call), `check` (a second look), `vote` (samples), or `auto`: by "
        "the provider",
    )
    vote_samples: int | None = Field(
        None, ge=2, le=15, description="samples drawn by `vote`; 8 with `vllm`, else 3, if unset"
    )
    max_revisions: int = Field(2, ge=0, le=10, description="revisions of an answer, at most")
    playbook_token_budget: int = Field(
        800, ge=50, description="tokens of preferences put into a prompt"
    )
    max_playbook_nodes: int = Field(100, ge=1, le=1000, description="preferences kept per user")
    max_conversation_messages: int = Field(
        10, ge=0, le=1000, description="messages kept per conversation"
    )
    message_retention_days: float = Field(7, gt=0, le=36_500, description="days a message is kept")

    trusted_proxies: Networks | None = Field(
        None,
        description="proxies whose X-Forwarded-For is believed, such as 127.0.0.1,10.0.0.0/8",
    )
    cors_origins: Origins | None = Field(
        None,
        description="origins of web pages that may call, such as https://chat.example.org, or *",
    )
    rate_limit: Rate = Field("600/minute", description="requests allowed per key")
    auth_failure_limit: Rate = Field("10/minute", description="wrong keys allowed per address")
    max_concurrency: int = Field(
        64,
        ge=1,
        description="requests in work at once; more wait a tenth of the deadline, then get a 503",
    )
    max_body_bytes: ByteSize = Field(
        ByteSize(10 * 1024 * 1024), ge=1024, description="largest request body, such as 10MiB"
    )
    search_backend: Literal["duckduckgo", "searxng"] | None = Field(
        None, description="web search: `duckduckgo` or `searxng`; off if unset"
    )
    searxng_url: HttpUrl | None = Field(None, description="address of the SearxNG server")
    docs_enabled: bool = Field(True, description="serve /docs, /redoc and /openapi.json")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="`debug`, `info`, `warning` or `error`"
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="`text` for people, `json` for machines"
    )

    @classmethod
    def load(cls, env_file: Path | None = ENV_FILE, **overrides: object) -> Self:
        """Read the environment and `env_file`; `overrides` (by field name) win over both.

        The variable `MINER_ENV_FILE` puts another file in the place of the default one.

        Raises `SettingsError` with one line for the first wrong setting. A secret's value is
        never part of it.
        """
        if env_file == ENV_FILE:
            env_file = Path(os.environ.get(ENV_FILE_VARIABLE, ENV_FILE))
        try:
            # Validation checks the types of the overrides.
            return cls(_env_file=env_file, **overrides)  # type: ignore[arg-type]
        except ValidationError as error:
            raise SettingsError(_one_line(error)) from None
        except UnicodeDecodeError:
            raise SettingsError(f"{env_file} is not in UTF-8; save it as that") from None
        except OSError as error:
            raise SettingsError(f"{env_file} cannot be read: {error.strerror}") from None

    @property
    def api_keys(self) -> tuple[str, ...]:
        """The accepted values of `X-API-Key`."""
        return tuple(
            key.strip() for key in self.miner_api_key.get_secret_value().split(",") if key.strip()
        )

    @property
    def proxies(self) -> list[str]:
        """The networks of `TRUSTED_PROXIES`."""
        return self.trusted_proxies.split(",") if self.trusted_proxies else []

    @property
    def origins(self) -> list[str]:
        """The origins of `CORS_ORIGINS`."""
        return self.cors_origins.split(",") if self.cors_origins else []

    @field_validator("llm_provider", "llm_fallback_provider", "log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return (ROOT / value.expanduser()).resolve()

    @field_validator("local_model", "local_chat_template")
    @classmethod
    def _a_file(cls, value: Path | None) -> Path | None:
        path = value and (ROOT / value.expanduser()).resolve()
        if path and not path.is_file():
            raise ValueError("there is no such file")
        return path

    @field_validator("miner_api_key")
    @classmethod
    def _real_key(cls, value: SecretStr) -> SecretStr:
        keys = [key.strip() for key in value.get_secret_value().split(",")]
        if not all(keys):
            raise ValueError("a key is empty; separate several keys with single commas")
        if any(key.lower() in PLACEHOLDER_KEYS for key in keys):
            raise ValueError("this is the placeholder of .env.example; choose a random key")
        return value

    @field_validator("openai_api_key", "embedding_api_key")
    @classmethod
    def _no_placeholder(cls, value: SecretStr | None) -> SecretStr | None:
        if value and PLACEHOLDER.fullmatch(value.get_secret_value().strip()):
            raise ValueError("this is a placeholder; put the key of your account there")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if "openai" in (self.llm_provider, self.llm_fallback_provider) and not self.openai_api_key:
            raise ValueError("OPENAI_API_KEY is not set; the provider openai needs it")
        if self.search_backend == "searxng" and self.searxng_url is None:
            raise ValueError("SEARXNG_URL is not set; SEARCH_BACKEND=searxng needs it")
        if self.embeddings == "openai" and not (
            self.openai_api_key or self.embedding_api_key or self.embedding_base_url
        ):
            raise ValueError("EMBEDDINGS=openai needs EMBEDDING_API_KEY or EMBEDDING_BASE_URL")
        if self.chroma_url and not self.database_url and not _is_loopback(self.chroma_url):
            raise ValueError(
                "DATABASE_URL is not set; miners of several hosts that share CHROMA_URL need a "
                "PostgreSQL database to write in turns"
            )
        return self


def is_secret(name: str) -> bool:
    """Whether the setting's value must never be shown."""
    field = Settings.model_fields.get(name.lower())
    return field is not None and "SecretStr" in str(field.annotation)


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]).upper() if first["loc"] else ""
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return f"{name} is not set: {Settings.model_fields[name.lower()].description}"
    if not name:
        return reason
    shown = "" if is_secret(name) else f"={first['input']!r}"
    return f"{name}{shown} is wrong: {reason[0].lower()}{reason[1:]}"

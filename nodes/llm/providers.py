"""Where the model may live: one row of data per provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import SecretStr

from settings import Provider, Settings, Strategy

LimitField = Literal["max_tokens", "max_completion_tokens"]
Tokenizer = Literal["prompt", "content", "none"]

OPENAI_API = "https://api.openai.com/v1"
NO_KEY = SecretStr("EMPTY")
LOCAL_NOTE = "a small embedded model, good for a first look; point LLM_PROVIDER at a larger one"


@dataclass(frozen=True, slots=True)
class Row:
    """A provider: where the settings put it, and what is known of it before it is asked.

    `base_url` may be several addresses, separated by commas.
    `window`, in tokens, stands in where the backend does not report one. `tokenizer` is what its
    `/tokenize` takes, if it has one: a `prompt` as vLLM's, or `content` as llama.cpp's.

    `strategy` is what `complete` does where the settings leave it to the provider, and
    `vote_samples` how many samples a vote draws then, `wave` of them at the same time. `judges`
    tells whether the word of its models on a text is worth a call.
    """

    base_url: Callable[[Settings], str]
    model: str
    window: int
    tokenizer: Tokenizer = "none"
    api_key: Callable[[Settings], SecretStr | None] = lambda _: None
    note: str = ""
    strategy: Strategy = "check"
    vote_samples: int = 3
    wave: int = 4
    judges: bool = True


PROVIDERS: Mapping[Provider, Row] = {
    "openai": Row(
        base_url=lambda settings: settings.openai_base_url or OPENAI_API,
        api_key=lambda settings: settings.openai_api_key,
        model="gpt-4o",
        window=128_000,
    ),
    "vllm": Row(
        base_url=lambda settings: settings.vllm_api_base,
        api_key=lambda settings: settings.vllm_api_key,
        model="hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4",
        window=8192,
        tokenizer="prompt",
        strategy="vote",
        vote_samples=8,
    ),
    "local": Row(
        base_url=lambda settings: settings.local_api_base,
        model="SmolLM2-135M-Instruct",
        window=8192,
        tokenizer="content",
        note=LOCAL_NOTE,
        strategy="draft",
        judges=False,
    ),
}
OWN_FILE = replace(PROVIDERS["local"], note="", judges=True)
DEFAULT_MODELS = {provider: row.model for provider, row in PROVIDERS.items()}


def row_of(settings: Settings, provider: Provider | None = None) -> Row:
    """What is known of `provider`; of the configured one if none is named."""
    provider = provider or settings.llm_provider
    return OWN_FILE if provider == "local" and settings.local_model else PROVIDERS[provider]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One OpenAI-compatible address and the model asked of it.

    `limit_field` is the name under which it takes the longest answer allowed: OpenAI renamed it,
    older servers know only the first name. `rank` is 0 for the configured provider, 1 for the
    fallback. The rest is as in `Row`.
    """

    provider: Provider
    base_url: str
    api_key: SecretStr
    model: str
    model_is_default: bool
    limit_field: LimitField
    assumed_context: int
    tokenizer: Tokenizer
    note: str = ""
    rank: int = 0


def _endpoints(
    settings: Settings, provider: Provider, model: str | None, rank: int
) -> list[Endpoint]:
    """The addresses of `provider` as the settings describe them."""
    row = row_of(settings, provider)
    return [
        Endpoint(
            provider=provider,
            base_url=base_url,
            api_key=row.api_key(settings) or NO_KEY,
            model=model or _default_model(settings, provider),
            model_is_default=model is None,
            limit_field="max_completion_tokens" if base_url == OPENAI_API else "max_tokens",
            assumed_context=settings.max_context_tokens or row.window,
            tokenizer=row.tokenizer,
            note=row.note,
            rank=rank,
        )
        for base_url in row.base_url(settings).split(",")
    ]


def _default_model(settings: Settings, provider: Provider) -> str:
    if provider == "local" and settings.local_model:
        return settings.local_model.stem
    return DEFAULT_MODELS[provider]


def endpoints(settings: Settings) -> list[Endpoint]:
    """The addresses of the configured provider, and after them the fallback's, if there is one."""
    rows = _endpoints(settings, settings.llm_provider, settings.model_name, 0)
    if settings.llm_fallback_provider:
        rows += _endpoints(settings, settings.llm_fallback_provider, settings.llm_fallback_model, 1)
    return rows

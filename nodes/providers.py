"""Where the model may live: one row of data per provider."""

from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from settings import Provider, Settings

LimitField = Literal["max_tokens", "max_completion_tokens"]
OTHER_LIMIT_FIELD: dict[LimitField, LimitField] = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}

OPENAI_API = "https://api.openai.com/v1"
DEFAULT_MODELS: dict[Provider, str] = {
    "openai": "gpt-4o",
    "vllm": "hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4",
    "local": "SmolLM2-135M-Instruct",
}
# OpenAI's API does not report a model's window; the others do.
ASSUMED_CONTEXT: dict[Provider, int] = {"openai": 128_000, "vllm": 8192, "local": 8192}
TOKENIZERS: dict[Provider, Literal["prompt", "content", "none"]] = {
    "openai": "none",
    "vllm": "prompt",
    "local": "content",
}
LOCAL_NOTE = "a small embedded model, good for a first look; point LLM_PROVIDER at a larger one"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One OpenAI-compatible endpoint and the model asked of it.

    `limit_field` is the name under which it takes the longest answer allowed: OpenAI renamed it,
    older servers know only the first name. `tokenizer` is what the server's `/tokenize` takes, if
    it has one: a `prompt` as vLLM's, or `content` as llama.cpp's.
    """

    provider: Provider
    base_url: str
    api_key: SecretStr
    model: str
    model_is_default: bool
    limit_field: LimitField
    assumed_context: int
    tokenizer: Literal["prompt", "content", "none"]
    note: str = ""


def endpoint(settings: Settings, provider: Provider, model: str | None) -> Endpoint:
    """The endpoint of `provider` as the settings describe it."""
    empty = SecretStr("EMPTY")
    base_url, api_key, note = {
        "openai": (settings.openai_base_url or OPENAI_API, settings.openai_api_key or empty, ""),
        "vllm": (settings.vllm_api_base, settings.vllm_api_key, ""),
        "local": (settings.local_api_base, empty, LOCAL_NOTE),
    }[provider]
    return Endpoint(
        provider=provider,
        base_url=base_url,
        api_key=api_key,
        model=model or DEFAULT_MODELS[provider],
        model_is_default=model is None,
        limit_field="max_completion_tokens" if base_url == OPENAI_API else "max_tokens",
        assumed_context=ASSUMED_CONTEXT[provider],
        tokenizer=TOKENIZERS[provider],
        note=note,
    )


def endpoints(settings: Settings) -> list[Endpoint]:
    """The configured provider, and after it the fallback where there is one."""
    rows = [endpoint(settings, settings.llm_provider, settings.model_name)]
    if settings.llm_fallback_provider:
        rows.append(endpoint(settings, settings.llm_fallback_provider, settings.llm_fallback_model))
    return rows

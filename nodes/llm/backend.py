"""One endpoint spoken to through ChatOpenAI: a call, its errors, its speed."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import openai
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from nodes.errors import BackendUnavailable
from nodes.llm.backend_errors import Interrupted, translated
from nodes.llm.pace import Pace
from nodes.llm.providers import OTHER_LIMIT_FIELD, Endpoint, LimitField
from nodes.llm.thoughts import APART, THINKS_FIRST, Thinking, ThinkingChat, visible
from nodes.state import Truncation

JsonSchema = dict[str, Any]
COUNT_SECONDS = 2.0
# What the client raises for answers without choices, or that are other JSON than it expects.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)
PER_MESSAGE = 8  # tokens that a chat template adds to a message
NOT_STREAMED = "nostream"  # LangGraph leaves calls with this tag out of its message stream


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call brought: the text, how it ended, and its cost in tokens and seconds."""

    text: str
    truncated: Truncation
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(slots=True)
class Backend:
    """An endpoint, its client, and what was learnt of it.

    `context_length` is in tokens. `honours_schema` is `None` until it was tried.
    """

    endpoint: Endpoint
    chat: ChatOpenAI
    model: str
    context_length: int
    pace: Pace = field(default_factory=Pace)
    thinking: Thinking = field(default_factory=Thinking)
    honours_schema: bool | None = None
    takes_temperature: bool = True
    counts_tokens: bool = True
    limit_field: LimitField = field(init=False)
    rests_until: float = 0.0
    answered_at: float = float("-inf")  # on the clock of `time.monotonic()`

    def __post_init__(self) -> None:
        self.limit_field = self.endpoint.limit_field

    def use(self, model: str) -> None:
        """Ask for another model from now on."""
        self.model = model
        self.chat = self.chat.model_copy(update={"model_name": model})

    async def lists_models(self, seconds: float) -> bool:
        """Whether it answers in time when asked for its models."""
        try:
            async with asyncio.timeout(seconds):
                await self.chat.root_async_client.models.list()
        except openai.NotFoundError:
            return True  # it answers, though not every compatible server has the list
        except (openai.OpenAIError, TimeoutError, *UNREADABLE):
            return False
        self.answered_at = time.monotonic()
        return True

    async def count(self, messages: Sequence[BaseMessage]) -> int | None:
        """Tokens of a prompt by the model's own tokenizer; `None` where it cannot be asked."""
        if self.endpoint.tokenizer == "none" or not self.counts_tokens:
            return None
        client: openai.AsyncOpenAI = self.chat.root_async_client
        address = f"{self.endpoint.base_url.removesuffix('/v1')}/tokenize"
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                counted = await client.post(
                    address, cast_to=dict[str, Any], body=self._tokenizer_body(messages)
                )
        except openai.NotFoundError:
            self.counts_tokens = False
            return None
        except (openai.OpenAIError, TimeoutError, ValueError):
            return None
        tokens = counted.get("tokens")
        return len(tokens) + PER_MESSAGE * len(messages) if isinstance(tokens, list) else None

    def _tokenizer_body(self, messages: Sequence[BaseMessage]) -> dict[str, Any]:
        text = "\n".join(message.text for message in messages)
        if self.endpoint.tokenizer == "prompt":
            return {"model": self.model, "prompt": text}
        return {"content": text}

    async def call(
        self,
        messages: Sequence[BaseMessage],
        *,
        limit: int,
        temperature: float,
        seconds: float,
        first_token_seconds: float | None = None,
        schema: JsonSchema | None = None,
        streamed: bool = False,
        shown: bool = False,
    ) -> Answer:
        """Ask once for at most `limit` tokens within `seconds`.

        A `shown` call's tokens reach whoever streams the run. A `streamed` call that runs out of
        time, or whose connection breaks, keeps what had come.

        Raises `TimeoutError` when nothing came in time, `BackendUnavailable` when another try
        may help, `BackendRefused` when it will not.
        """
        options = self._options(limit, temperature, schema)
        options["config"] = {"tags": self._tags(shown)}
        started = time.monotonic()
        try:
            if streamed:
                return await self._stream(messages, options, seconds, first_token_seconds)
            async with asyncio.timeout(seconds):
                message = await self.chat.ainvoke(list(messages), **options)
        except openai.LengthFinishReasonError as error:
            # How the client tells of a structured answer that was cut.
            choice = error.completion.choices[0]
            message = AIMessage(
                content=choice.message.content or "",
                response_metadata={"finish_reason": "length"},
            )
        except openai.OpenAIError as error:
            if self._adapted(error):
                spent = time.monotonic() - started
                return await self.call(
                    messages,
                    limit=limit,
                    temperature=temperature,
                    seconds=seconds - spent,
                    first_token_seconds=first_token_seconds,
                    schema=schema,
                    streamed=streamed,
                    shown=shown,
                )
            raise translated(error, with_schema=schema is not None) from error
        except UNREADABLE as error:
            raise BackendUnavailable("the model's backend sent an unreadable answer") from error
        # A schema leaves no room for thoughts, so that there is nothing to learn of them.
        took = time.monotonic() - started
        return self._answer(message, took, None, learns=schema is None)

    async def _stream(
        self,
        messages: Sequence[BaseMessage],
        options: dict[str, Any],
        seconds: float,
        first_token_seconds: float | None,
    ) -> Answer:
        started = last = time.monotonic()
        loop_end = asyncio.get_running_loop().time() + seconds
        first: float | None = None
        whole: AIMessageChunk | None = None
        parts: list[str] = []
        apart: list[str] = []
        cut: Truncation = ""
        try:
            async with (
                asyncio.timeout(min(seconds, first_token_seconds or seconds)) as timer,
                aclosing(_chunks(self.chat, messages, options)) as chunks,
            ):
                async for chunk in chunks:
                    apart.append(chunk.additional_kwargs.get(APART, ""))
                    if first is None and (chunk.text or apart[-1]):  # who thinks is not silent
                        first = time.monotonic() - started
                        timer.reschedule(loop_end)
                    last = time.monotonic()
                    parts.append(chunk.text)
                    whole = _without_text(chunk) if whole is None else _merged(whole, chunk)
        except TimeoutError:
            if first is None:
                raise
            cut = "deadline"
        except (openai.APIError, *UNREADABLE) as error:
            if first is None:
                raise
            raise Interrupted(self._visible("".join(parts), cut=True)) from error
        message = whole or AIMessageChunk(content="")
        if not cut and not message.response_metadata.get("finish_reason"):
            raise Interrupted(self._visible("".join(parts), cut=True))
        # Up to the last token: how long a backend stalled says nothing about its speed.
        message.additional_kwargs[APART] = "".join(apart)
        return self._answer(message, last - started, first, text="".join(parts), cut=cut)

    def _tags(self, shown: bool) -> list[str]:
        told = [THINKS_FIRST] if self.thinking.opened else []
        return told if shown else [NOT_STREAMED]

    def _visible(self, text: str, *, cut: bool) -> str:
        return visible(text, cut=cut, opened=self.thinking.opened)

    def _options(self, limit: int, temperature: float, schema: JsonSchema | None) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self.limit_field == "max_completion_tokens":
            options["max_tokens"] = limit  # ChatOpenAI renames it
        else:
            options["extra_body"] = {"max_tokens": limit}
        if self.takes_temperature:
            options["temperature"] = temperature
        if schema is not None:
            options["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": schema["title"], "schema": schema, "strict": True},
            }
        return options

    def _adapted(self, error: openai.OpenAIError) -> bool:
        """Whether a parameter was refused that the same call can do without."""
        refused = error.param if isinstance(error, openai.BadRequestError) else None
        # Reasoning models take no temperature but the default one, and say so with a 400.
        if refused == "temperature" and self.takes_temperature:
            self.takes_temperature = False
            return True
        if refused == self.limit_field == self.endpoint.limit_field:
            self.limit_field = OTHER_LIMIT_FIELD[self.limit_field]
            return True
        return False

    def _answer(
        self,
        message: AIMessage,
        seconds: float,
        first: float | None,
        *,
        text: str | None = None,
        cut: Truncation = "",
        learns: bool = True,
    ) -> Answer:
        self.answered_at = time.monotonic()
        usage = message.usage_metadata
        raw = message.text if text is None else text
        apart = message.additional_kwargs.get(APART, "")
        tokens = usage["output_tokens"] if usage else max(1, len(raw + apart) // 4)
        self.pace.record(total=seconds, tokens=tokens, first_token=first)
        details = usage.get("input_token_details", {}) if usage else {}
        ended = message.response_metadata.get("finish_reason")
        truncated: Truncation = cut or ("length" if ended == "length" else "")
        shown = self._visible(raw, cut=bool(truncated))
        if learns:
            told = usage.get("output_token_details", {}).get("reasoning", 0) if usage else 0
            self.thinking.record(
                raw, shown, tokens=tokens, apart=apart, told=told or 0, cut=bool(truncated)
            )
        return Answer(
            text=shown,
            truncated=truncated,
            prompt_tokens=usage["input_tokens"] if usage else 0,
            cached_tokens=details.get("cache_read", 0) or 0,
            completion_tokens=tokens,
            seconds=seconds,
        )


async def _chunks(
    chat: ChatOpenAI, messages: Sequence[BaseMessage], options: dict[str, Any]
) -> AsyncGenerator[AIMessageChunk, None]:
    async for chunk in chat.astream(list(messages), **options):
        if isinstance(chunk, AIMessageChunk):
            yield chunk


def _without_text(chunk: AIMessageChunk) -> AIMessageChunk:
    return chunk.model_copy(update={"content": "", "additional_kwargs": {}})


def _merged(whole: AIMessageChunk, chunk: AIMessageChunk) -> AIMessageChunk:
    # Only the closing chunks carry usage and the reason of the end; adding every one of a long
    # answer would copy the text so far each time.
    if chunk.usage_metadata or chunk.response_metadata:
        return whole + _without_text(chunk)
    return whole


def connect(endpoint: Endpoint) -> Backend:
    """A backend that has not been spoken to yet. Close `backend.chat.root_async_client` after."""
    chat = ThinkingChat(
        model=endpoint.model,
        base_url=endpoint.base_url,
        api_key=SecretStr(endpoint.api_key.get_secret_value()),
        http_async_client=openai.DefaultAioHttpClient(),
        max_retries=0,
        timeout=None,
        stream_usage=True,
        stream_chunk_timeout=None,
        use_responses_api=False,
    )
    return Backend(endpoint, chat, endpoint.model, endpoint.assumed_context)

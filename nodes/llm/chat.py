"""Our `ChatOpenAI`: the callbacks, tags and token streams of LangChain over our own HTTP.

The parent builds and reads typed objects for every call and every token, which is most of what a
call costs. Here a body is encoded once and bytes are read; chunks are made only where somebody
streams the run.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any

import aiohttp
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr, SecretStr

from nodes.llm.dialect import Body, Wanted
from nodes.llm.endings import Ending
from nodes.llm.exchange import Exchange, rejected, reported
from nodes.llm.failures import Interrupted, Rejected
from nodes.llm.knowledge import Knowledge
from nodes.llm.reader import Reader
from nodes.llm.reasoning import ReasoningFilter
from nodes.llm.turns import Role, Truncation, Turn
from nodes.llm.wire import Wire

LONGEST_ANSWER = 16_000_000  # bytes; more than that is no answer
AT_ONCE = 8_192  # bytes or characters that are read before others have their turn
SUCCESS = range(200, 300)
OTHERS_SECONDS = 600.0  # for calls that are not the miner's own
_ROLES: dict[str, Role] = {"system": "system", "human": "user", "ai": "assistant"}
_TRUNCATED: dict[Ending, Truncation] = {"complete": "", "cut": "length", "filtered": "filtered"}
_UNUSED = object()  # stands for the SDK's clients, of which none is built


class MinerChat(ChatOpenAI):
    """A chat model whose calls go through `wire`, in the dialect that `knowledge` grows into.

    Asynchronous only; text in, text out. Raises the errors of `nodes.llm.failures` and
    `TimeoutError`.
    """

    _wire: Wire = PrivateAttr()
    _knowledge: Knowledge = PrivateAttr()

    @classmethod
    def over(cls, wire: Wire, knowledge: Knowledge, model: str) -> "MinerChat":
        chat = cls(
            model=model,
            api_key=SecretStr("unused"),
            base_url="http://unused",
            client=_UNUSED,
            async_client=_UNUSED,
            root_client=_UNUSED,
            root_async_client=_UNUSED,
        )
        chat._wire, chat._knowledge = wire, knowledge
        return chat

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        exchange = self._exchange(messages, stop, kwargs)
        async with aclosing(self._answer(exchange)) as pieces:
            async for _ in pieces:
                pass
        message = AIMessage(
            content=exchange.text,
            additional_kwargs=_beside(exchange),
            response_metadata=self._metadata(exchange),
            usage_metadata=_usage(exchange),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> AsyncIterator[ChatGenerationChunk]:
        exchange = self._exchange(messages, stop, kwargs)
        async with aclosing(self._answer(exchange)) as pieces:
            async for piece in pieces:
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        last = AIMessageChunk(
            content="",
            additional_kwargs=_beside(exchange),
            response_metadata=self._metadata(exchange),
            usage_metadata=_usage(exchange),
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        raise NotImplementedError("this client is asynchronous: use ainvoke or astream")

    def _should_stream(self, **kwargs: Any) -> bool:  # noqa: ANN401
        exchange = kwargs.get("exchange")
        if isinstance(exchange, Exchange) and not exchange.shown:
            return False
        return super()._should_stream(**kwargs)

    def _get_invocation_params(
        self,
        stop: list[str] | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """What callbacks are told of a call."""
        exchange = kwargs.get("exchange")
        params = {"model": self.model_name, "_type": self._llm_type, "stop": stop}
        if not isinstance(exchange, Exchange):
            return params | kwargs
        wanted = exchange.wanted
        return params | {"temperature": wanted.temperature, "max_tokens": wanted.limit}

    def _metadata(self, exchange: Exchange) -> dict[str, Any]:
        return {
            "model_name": exchange.wanted.model,
            "finish_reason": exchange.truncated or "stop",
        }

    def _exchange(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> Exchange:
        """The call as the miner's client describes it, or as it is asked for by anybody else."""
        given = kwargs.pop("exchange", None)
        if isinstance(given, Exchange):
            return given
        turns = [Turn(role=_ROLES.get(each.type, "user"), content=each.text) for each in messages]
        wanted = Wanted(
            model=self.model_name,
            turns=turns,
            limit=kwargs.pop("max_tokens", self.max_tokens),
            temperature=kwargs.pop("temperature", self.temperature),
            stream=True,
            extra=kwargs | ({"stop": stop} if stop else {}),
        )
        return Exchange(wanted, OTHERS_SECONDS, OTHERS_SECONDS, shown=True)

    async def _answer(self, exchange: Exchange) -> AsyncGenerator[str, None]:
        """The answer's text in pieces, without its reasoning.

        A call is repeated at once after a refusal that teaches.
        """
        dialect = self._knowledge.dialect
        while True:
            body = dialect.body(exchange.wanted)
            try:
                async with aclosing(self._read(body, exchange)) as pieces:
                    async for piece in pieces:
                        yield piece
            except Rejected as refusal:
                dialect = self._knowledge.adapted(dialect, body, refusal)
                continue
            self._knowledge.remember(dialect)
            return

    async def _read(self, body: Body, exchange: Exchange) -> AsyncGenerator[str, None]:
        reader, seen = Reader(), self._knowledge.filter(exchange.wanted.turns)
        broken: Exception | None = None
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(exchange.left(exchange.first_seconds)):
                response = await stack.enter_async_context(self._wire.chat(body))
            if response.status not in SUCCESS:
                raise await rejected(response, exchange)
            data, taken = b" ", 0
            while data and taken < LONGEST_ANSWER and not exchange.truncated:
                try:
                    async with asyncio.timeout(exchange.patience(reader)):
                        data = await response.content.readany()
                except TimeoutError:
                    if not reader.finished and not (exchange.keep_partial and exchange.begun):
                        raise
                    exchange.truncated = "" if reader.finished else "deadline"
                    break
                except (aiohttp.ClientError, OSError) as error:
                    broken = error
                    break
                taken += len(data)
                for at in range(0, len(data), AT_ONCE):
                    if at:
                        await asyncio.sleep(0)
                    came = reader.feed(data[at : at + AT_ONCE])
                    async for piece in _in_turns(came, exchange, reader, seen):
                        yield piece
        async for piece in _in_turns(reader.end(), exchange, reader, seen):
            yield piece
        if piece := self._conclude(reader, exchange, seen, broken):
            yield piece

    def _conclude(
        self,
        reader: Reader,
        exchange: Exchange,
        seen: ReasoningFilter,
        broken: Exception | None,
    ) -> str:
        """What the end of an answer means; returns the last of its text."""
        ended = reader.ending
        if reader.error and not exchange.begun:
            raise reported(reader.error)
        streamed = reader.streams and exchange.begun
        if streamed and not (broken or reader.error or exchange.truncated):
            ended = self._knowledge.stream_ended(ended)
        if not exchange.truncated:
            exchange.truncated = _TRUNCATED.get(ended, "connection") if ended else "connection"
        rest = seen.end(cut=bool(exchange.truncated))
        exchange.text, exchange.hidden, exchange.usage = seen.visible, seen.reasoning, reader.usage
        if exchange.truncated == "connection" or reader.error:
            raise Interrupted(seen.visible) from broken
        if exchange.wanted.schema is None:
            # A schema leaves no room for reasoning, so that there is nothing to learn of it.
            self._knowledge.reasoning.record(
                seen,
                tokens=exchange.completion_tokens,
                apart=exchange.apart,
                told=exchange.reasoning_tokens,
                cut=bool(exchange.truncated),
            )
        return rest


async def _in_turns(
    came: tuple[str, str], exchange: Exchange, reader: Reader, seen: ReasoningFilter
) -> AsyncGenerator[str, None]:
    """What of the text that came is answer; of a long one others have their turn in between."""
    text, reasoning = came
    if piece := exchange.take((text[:AT_ONCE], reasoning), reader, seen):
        yield piece
    for at in range(AT_ONCE, len(text), AT_ONCE):
        await asyncio.sleep(0)
        if piece := exchange.take((text[at : at + AT_ONCE], ""), reader, seen):
            yield piece


def _beside(exchange: Exchange) -> dict[str, Any]:
    return {"reasoning_content": exchange.reasoning} if exchange.reasoning else {}


def _usage(exchange: Exchange) -> UsageMetadata:
    asked, answered = exchange.prompt_tokens, exchange.completion_tokens
    return UsageMetadata(
        input_tokens=asked,
        output_tokens=answered,
        total_tokens=asked + answered,
        input_token_details={"cache_read": exchange.cached_tokens},
        output_token_details={"reasoning": exchange.reasoning_tokens},
    )

"""What reasoning models write before they answer: told from the answer, and allowed for.

Thoughts come between tags at the head of the text, with only the end tag where the chat template
opened them in the prompt, or apart from the text, where the server parses them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import openai
from langchain_core.messages import BaseMessageChunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI

from nodes.llm.pace import SMOOTHING

BEGIN, END = "<think>", "</think>"
FENCE = "```"
APART = "reasoning_content"
_NAMES = (APART, "reasoning")  # what servers call thoughts that they parsed
THINKS_FIRST = "thinks-first"  # the tag of a call whose text begins with thoughts, unmarked
ROOM = 2.0  # times the usual length: thoughts differ from one question to the next
FEWEST_TOKENS = 200

_LATER = re.compile(r"^[ \t]*<think>", re.MULTILINE)
_ENDS_SENTENCE = (".", "!", "?", ":", ")", "]")


def visible(text: str, *, cut: bool = False, opened: bool = False) -> str:
    """The answer without the thoughts.

    `cut` tells that the text ends before its end, `opened` that this model's template opens the
    thoughts: a text that is cut before their end is no answer.
    """
    rest = _after_first(text, cut, opened)
    return (text if rest is None else _without_later(rest, cut)).strip()


def _after_first(text: str, cut: bool, opened: bool) -> str | None:
    """What follows the thoughts at the head; `None` where there are none."""
    if text.lstrip().startswith(BEGIN):
        return text.partition(END)[2]
    at = text.find(END)
    if at >= 0 and (opened or _ends_thoughts(text, at)):
        return text[at + len(END) :]
    return "" if opened and cut and at < 0 else None


def _ends_thoughts(text: str, at: int) -> bool:
    """Whether an end tag without a beginning ends thoughts, and is not only spoken of."""
    if BEGIN in text[:at]:
        return False
    line = text[text.rfind("\n", 0, at) + 1 : at]
    said = line.rstrip()
    if not said or (said == line and (said[-1].isalnum() or said[-1] in _ENDS_SENTENCE)):
        return True
    return said[-1] in _ENDS_SENTENCE and text[at + len(END) :].lstrip(" \t")[:1] in ("", "\n")


def _without_later(text: str, cut: bool) -> str:
    """An answer without the thoughts that interrupt it; examples in code stay."""
    kept, at, fences = "", 0, 0
    for match in _LATER.finditer(text):
        if match.start() < at:
            continue
        between = text[at : match.start()]
        fences += between.count(FENCE)
        end = text.find(END, match.end())
        if fences % 2 or (end < 0 and not cut):
            kept, at = kept + between, match.start()
            continue
        kept, at = kept + between, len(text) if end < 0 else end + len(END)
    return kept + text[at:]


class Sieve:
    """Lets the answer through as it is written, and holds the thoughts back."""

    def __init__(self, *, opened: bool) -> None:
        self._thinking = self._thought = opened
        self._held = ""
        self._begun = False
        self._blank = True  # nothing but space stands in the line so far

    def passes(self, text: str) -> str:
        """What of the text so far is now known to be answer."""
        self._held += text
        passed = ""
        while self._held:
            if self._thinking:
                before, end, after = self._held.partition(END)
                self._held = after if end else before[1 - len(END) :]
                if not end:
                    break
                self._thinking = False
            part, opens = self._up_to_thoughts()
            passed += part
            if not opens:
                break
            self._thinking = self._thought = True
        return passed

    def _up_to_thoughts(self) -> tuple[str, bool]:
        """Take the answer's part of what is held; whether thoughts begin behind it."""
        if not self._begun:
            head = self._held.lstrip()
            if BEGIN.startswith(head):
                return "", False
            if head.startswith(BEGIN):
                self._held = head.removeprefix(BEGIN)
                return "", True
            self._begun = True
            self._held = head if self._thought else self._held
        at = self._held.find("<") if self._thought else -1
        while at >= 0 and not self._may_begin(at):
            at = self._held.find("<", at + 1)
        part = self._take(len(self._held) if at < 0 else at)
        opens = self._held.startswith(BEGIN)
        self._held = self._held.removeprefix(BEGIN)
        return part, opens

    def _may_begin(self, at: int) -> bool:
        """Whether the tag stands there on a line of its own, or what came so far of it."""
        tag = self._held[at : at + len(BEGIN)]
        _, newline, line = self._held[:at].rpartition("\n")
        return BEGIN.startswith(tag) and not line.strip() and (bool(newline) or self._blank)

    def _take(self, length: int) -> str:
        part, self._held = self._held[:length], self._held[length:]
        _, newline, line = part.rpartition("\n")
        self._blank = not line.strip() and (bool(newline) or self._blank)
        return part


@dataclass(slots=True)
class Thinking:
    """How a backend's model thinks before it answers, as far as was seen.

    `tokens` is the running mean of what it spends on thoughts, `opened` whether its template
    opens them.
    """

    tokens: float = 0.0
    opened: bool = False

    @property
    def allowance(self) -> int:
        """Tokens to be allowed beside those of the answer."""
        return int(ROOM * self.tokens) + FEWEST_TOKENS if self.tokens >= 1 else 0

    def record(
        self,
        raw: str,
        shown: str,
        *,
        tokens: int,
        apart: str = "",
        told: int = 0,
        cut: bool = False,
    ) -> None:
        """Learn from one answer of `tokens` tokens: its whole text, and what of it is shown.

        `apart` are thoughts beside the text, `told` the tokens that the server says they took.
        """
        hidden = cut and not raw.strip()  # nothing but thoughts can have used up the limit
        thought = bool(apart or told) or hidden or shown != raw.strip()
        if raw.lstrip().startswith(BEGIN) or not (cut or thought):
            self.opened = False
        elif END in raw and shown != raw.strip():
            self.opened = True
        written = len(raw.strip()) + len(apart)
        share = 1 - len(shown) / written if written else 1.0
        spent = (told or tokens * share) if thought else 0.0
        self.tokens = self.tokens + SMOOTHING * (spent - self.tokens) if self.tokens else spent


class ThinkingChat(ChatOpenAI):
    """Keeps the thoughts that a server parsed, which its parent drops, beside the message."""

    def _convert_chunk_to_generation_chunk(
        self,
        chunk: dict[str, Any],
        default_chunk_class: type[BaseMessageChunk],
        base_generation_info: dict[str, Any] | None,
    ) -> ChatGenerationChunk | None:
        made = super()._convert_chunk_to_generation_chunk(
            chunk, default_chunk_class, base_generation_info
        )
        choices = chunk.get("choices") or (chunk.get("chunk") or {}).get("choices")
        if made is not None and choices:
            made.message.additional_kwargs |= _apart(choices[0].get("delta") or {})
        return made

    def _create_chat_result(
        self,
        response: dict[str, Any] | openai.BaseModel,
        generation_info: dict[str, Any] | None = None,
    ) -> ChatResult:
        result = super()._create_chat_result(response, generation_info)
        for generation, choice in zip(
            result.generations, getattr(response, "choices", ()), strict=False
        ):
            generation.message.additional_kwargs |= _apart(choice.message.model_extra or {})
        return result


def _apart(message: Mapping[str, Any]) -> dict[str, str]:
    found = next((message[name] for name in _NAMES if message.get(name)), None)
    return {APART: found} if isinstance(found, str) else {}

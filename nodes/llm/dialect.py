"""What a backend does not take, learnt from its refusals, and the body that it then gets.

A refusal names, somewhere in its parameter, code or message, a thing that the refused call sent.
If a call can do without that, it is made again without, and what helped is remembered.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nodes.llm.turns import JsonSchema, Turn

Body = dict[str, Any]
LEAST_TEMPERATURE = 0.01
LEAST_ANSWER = 16  # tokens; a smaller number in a refusal is no limit of answers
OTHER_LIMIT = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call as the miner means it, before any dialect.

    `limit` is in tokens; `extra` are further fields of the body, as they are.
    """

    model: str
    turns: Sequence[Turn]
    limit_field: str = "max_tokens"
    limit: int | None = None
    temperature: float | None = None
    schema: JsonSchema | None = None
    stream: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a backend was found to refuse: names of `CONCESSIONS`, and the longest answer in tokens.

    Immutable, so that calls at the same time each know what they sent.
    """

    refused: frozenset[str] = frozenset()
    longest: int | None = None

    def merged(self, other: "Dialect") -> "Dialect":
        longest = [each for each in (self.longest, other.longest) if each]
        return Dialect(self.refused | other.refused, min(longest, default=None))

    def told(self) -> list[str]:
        """What an operator is told of it."""
        named = [f"no {name}" for name in sorted(self.refused)]
        return named + ([f"at most {self.longest} tokens an answer"] if self.longest else [])

    def body(self, wanted: Wanted) -> Body:
        """The request's body, as this backend takes it."""
        body: Body = {"model": wanted.model, "messages": self._messages(wanted.turns)}
        if wanted.limit is not None:
            limit_field = wanted.limit_field
            limit_field = OTHER_LIMIT[limit_field] if limit_field in self.refused else limit_field
            body[limit_field] = min(wanted.limit, self.longest or wanted.limit)
        if wanted.temperature is not None:
            least = LEAST_TEMPERATURE if "temperature zero" in self.refused else 0.0
            body["temperature"] = max(wanted.temperature, least)
        if (wanted.stream or "plain answers" in self.refused) and "stream" not in self.refused:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if wanted.schema is not None:
            json_schema = {"name": wanted.schema["title"], "schema": wanted.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": json_schema}
        body |= wanted.extra
        for name in self.refused & _DROPPED:
            body.pop(name, None)
        return body

    def _messages(self, turns: Sequence[Turn]) -> list[dict[str, str]]:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        if "system role" in self.refused:
            messages = [
                message | {"role": "user"} if message["role"] == "system" else message
                for message in messages
            ]
        if self.refused & {"system role", "repeated roles"}:
            messages = _alternating(messages)
        return messages

    def learnt(self, body: Body, told: str) -> "Dialect | None":
        """What is known after `body` was refused in the words `told`; `None` if nothing new.

        Of several things named, the one named first is taken: the next refusal names the next.
        """
        if (most := _longest_answer(body, told)) and most < (self.longest or most + 1):
            return replace(self, longest=most)
        found = [
            (named.start(), order, name)
            for order, (name, (pattern, sent)) in enumerate(CONCESSIONS.items())
            if name not in self.refused and sent(body) and (named := pattern.search(told))
        ]
        if not found:
            return None
        *_, name = min(found)
        if OTHER_LIMIT.get(name) in self.refused:
            return None  # neither name is taken, and no call can do without a limit
        return replace(self, refused=self.refused | {name})


def _named(words: str) -> re.Pattern[str]:
    return re.compile(words, re.IGNORECASE | re.DOTALL)


def _field(name: str) -> tuple[re.Pattern[str], Callable[[Body], bool]]:
    return _named(rf"\b{name}\b"), lambda body: name in body


def _roles(body: Body) -> list[str]:
    return [message["role"] for message in body["messages"]]


# What a call can do without: how a refusal names it, and whether a body has it.
CONCESSIONS: Mapping[str, tuple[re.Pattern[str], Callable[[Body], bool]]] = {
    "max_tokens": _field("max_tokens"),
    "max_completion_tokens": _field("max_completion_tokens"),
    # Before `temperature`, as it costs less; a refusal of this kind tells a least value.
    "temperature zero": (
        _named(
            r"\btemperature\b(?=.{0,80}?(?:positive|greater|larger|more than|above|>|\(0|0\.0*[1-9]"
            r"|not be 0|non-?zero))(?!.{0,80}?(?:default|unsupported|not support|deprecated))"
        ),
        lambda body: body.get("temperature") == 0,
    ),
    "temperature": _field("temperature"),
    "stream_options": (
        _named(r"stream_options|include_usage"),
        lambda body: "stream_options" in body,
    ),
    "response_format": (
        _named(
            r"response[_ ]?format|json[_ ]?schema|guided|grammar|structured[_ ]?outputs?"
            r"|xgrammar|outlines|schema"
        ),
        lambda body: "response_format" in body,
    ),
    "seed": _field("seed"),
    "stop": _field("stop"),
    "stream": (_named(r"\bstream(?:ing|ed|s)?\b"), lambda body: "stream" in body),
    "plain answers": (
        _named(r"non-?stream|stream\W{1,3}false|(?:only|must).{0,20}\bstream"),
        lambda body: "stream" not in body,
    ),
    "repeated roles": (
        _named(r"alternat|roles? (?:in a row|twice)|consecutive"),
        lambda body: _roles(body) != [each["role"] for each in _alternating(body["messages"])],
    ),
    # Templates without it complain that the roles do not alternate.
    "system role": (
        _named(
            r"(?<!optional )\bsystem(?:\W{1,3}(?:role|message|prompt|instruction)|\b.{0,40}\brole)"
            r"|\brole\b.{0,60}\bsystem\b|alternat"
            r"|(?:developer|system)[ _]instructions?|only user and assistant|first message"
            r"|start with"
            r"|messages\W{1,3}0\W{1,3}role|unexpected role|invalid role"
        ),
        lambda body: "system" in _roles(body),
    ),
}
_DROPPED = frozenset({"temperature", "stream_options", "response_format", "seed", "stop"})
_LIMIT_NAMES = _named(
    r"\bmax_(?:completion_|output_|new_)?tokens\b|completion tokens|output tokens"
)


def _longest_answer(body: Body, told: str) -> int | None:
    """The longest answer in tokens that a refusal of a longer one allows."""
    asked = body.get("max_tokens") or body.get("max_completion_tokens")
    if not asked or not _LIMIT_NAMES.search(told):
        return None
    numbers = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]{1,8}", told)]
    if asked not in numbers and not re.search(r"range|between|less|at most|maximum|<=|≤", told):
        return None
    return max((number for number in numbers if LEAST_ANSWER <= number < asked), default=None)


def _alternating(messages: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Messages with those of the same role in a row made one, and a user's after the system's."""
    merged: list[dict[str, str]] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"]:
            joined = f"{merged[-1]['content']}\n\n{message['content']}"
            merged[-1] = {"role": message["role"], "content": joined}
        else:
            merged.append(message)
    return merged


_ABOUT_LENGTH = _named(
    r"(?<!less than the `)context[_ ](?:length|window|size|limit)|n_ctx|reduce the length"
    r"|length of prompt"
    r"|(?:prompt|input|messages?|request)\b.{0,30}too (?:long|large)"
    r"|too many (?:input )?tokens|(?:prompt|input|sequence|model).{0,20}\blength|token count"
    r"|\binputs?\b.{0,40}\btokens|tokens?.{0,20}exceed"
)
_WINDOW = tuple(
    _named(pattern)
    for pattern in (
        r"n_ctx\D{0,3}(\d{3,})",
        r">\s*(\d{3,})",
        r"context[_ ](?:length|window|size|limit)\b\D{0,30}?(\d{3,})",
        r"(\d{3,})\s*(?:tokens?\s*)?(?:maximum|max\b)",
        r"max\w*.{0,20}length\D{0,20}?(\d{3,})",
        r"(?:<=|less than|at most|up to|allowed|limit(?: of)?)\D{0,15}?(\d{3,})",
        r"\[\s*\d+\s*,\s*(\d{3,})\s*\]",
    )
)


def refused_length(told: str) -> tuple[bool, int | None]:
    """Whether a refusal is about the length of the prompt, and the window in tokens it names."""
    told = re.sub(r"(?<=\d),(?=\d{3})", "", told)
    if not _ABOUT_LENGTH.search(told):
        return False, None
    for pattern in _WINDOW:
        if found := pattern.search(told):
            return True, int(found.group(1))
    return True, None

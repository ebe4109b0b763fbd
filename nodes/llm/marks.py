"""The marks of reasoning, and of what wraps an answer, as models and servers write them."""

import re
from itertools import groupby
from operator import itemgetter

_ALIKE = ("think", "thinking", "thought", "thoughts")  # small models open one and close another
_TAGS = (*_ALIKE, "reasoning", "reflection", "antthinking", "seed:think")
# Opening and closing marks, in any case.
MARKS: tuple[tuple[str, str], ...] = (
    *((f"<{name}>", f"</{name}>") for name in _TAGS),
    *((f"&lt;{name}&gt;", f"&lt;/{name}&gt;") for name in _TAGS),
    ("here is my thought process:", "here is my response:"),
    ("here's my thought process:", "here's my response:"),
    ("[think]", "[/think]"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("◁think▷", "◁/think▷"),
    ("<|channel>thought", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
    ("<|channel|>commentary<|message|>", "<|channel|>final<|message|>"),
    ("<|start|>assistant<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
    # Harmony's, where the server drops its special tokens and leaves their names.
    ("<|channel|>analysis", "assistantfinal"),
)
# What wraps the answer itself.
WRAPPERS = (
    *("<|begin_of_solution|>", "<|end_of_solution|>", "<|start_response|>", "<|end_response|>"),
    *("<|start|>assistant<|channel|>final<|message|>", "<|channel|>final<|message|>"),
    *("<|start|>assistant", "<|return|>", "<|end|>"),
)
# The same, but also what anybody may write: only around a whole answer that comes after reasoning.
ANSWER_TAGS = {f"<{name}>": f"</{name}>" for name in ("answer", "solution", "output", "response")}
# What a server leaves of the chat template where it does not know the token: before the answer,
# and after it.
HEADS = ("<|im_start|>assistant", "<|start_header_id|>assistant<|end_header_id|>")
ENDS = (
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>"),
    *("<end_of_turn>", "<｜end▁of▁sentence｜>", "<|end|>", "<|return|>", "<|end_of_turn|>"),  # noqa: RUF001
)
CLOSED_BY = dict(MARKS)
CLOSING = {closing: opening for opening, closing in reversed(MARKS)}
ENDED_BY: dict[str, tuple[str, ...]] = {mark: (closing,) for mark, closing in MARKS}
ENDED_BY |= {f"<{name}>": tuple(f"</{each}>" for each in _ALIKE) for name in _ALIKE}
_WRAPPING = {*WRAPPERS, *ANSWER_TAGS, *ANSWER_TAGS.values(), *HEADS, *ENDS}
_ALL = sorted({*CLOSED_BY, *CLOSING, *_WRAPPING}, key=lambda mark: (mark[0], -len(mark)))
# By their first characters, which takes a seventh of the time of one long list.
_BY_START = {
    re.escape(start): "|".join(re.escape(mark[1:]) for mark in marks)
    for start, marks in groupby(_ALL, itemgetter(0))
}
MARK = re.compile("|".join(f"{each}(?:{rest})" for each, rest in _BY_START.items()), re.IGNORECASE)
STARTS = re.compile("|".join(_BY_START), re.IGNORECASE)
LONGEST = max(map(len, _ALL))
BEGINNINGS = frozenset(mark[:length] for mark in _ALL for length in range(1, len(mark)))

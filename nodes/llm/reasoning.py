"""What reasoning models write before they answer: told from the answer, and allowed for.

It comes between marks at the head of the text, with only the closing one where the chat template
opened it in the prompt, or beside the text, where the server parses it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from nodes.llm.latency import SMOOTHING

SPARE = 2.0  # times the usual length: reasoning differs from one question to the next
SPARE_TOKENS = 200
FENCE = "```"
_LINE = 100  # characters of a line that are looked at before a mark

# Opening and closing marks, in any case.
MARKS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
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
# What a server leaves of the chat template where it does not know the token: before the answer,
# and after it.
_HEADS = ("<|im_start|>assistant", "<|start_header_id|>assistant<|end_header_id|>")
_ENDS = (
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>"),
    *("<end_of_turn>", "<｜end▁of▁sentence｜>", "<|end|>", "<|return|>", "<|end_of_turn|>"),  # noqa: RUF001
)
_CLOSED_BY = dict(MARKS)
_CLOSING = {closing: opening for opening, closing in reversed(MARKS)}
_ALL = sorted({*_CLOSED_BY, *_CLOSING, *WRAPPERS, *_HEADS, *_ENDS}, key=len, reverse=True)
_MARK = re.compile("|".join(map(re.escape, _ALL)), re.IGNORECASE)
_LONGEST = len(_ALL[0])
_BLANKS = re.compile(r"\s*")
_BLANKS_IN_LINE = re.compile(r"[ \t]*")
_STARTS = re.compile("|".join(sorted({re.escape(mark[0]) for mark in _ALL})), re.IGNORECASE)
_BEGINNINGS = frozenset(mark[:length] for mark in _ALL for length in range(1, len(mark)))
_ENDS_SENTENCE = (".", "!", "?", ":", ")", "]")


@dataclass(slots=True)
class ReasoningFilter:
    """Lets the answer through as it is written, and keeps the reasoning apart.

    `opened` tells that this model's template opens the reasoning, `quoted` whether a mark stands
    in the user's own words, so that an answer may repeat it. A closing mark without an opening one
    can show afterwards that what was let through was reasoning: `visible` is then without it.
    """

    opened: bool = False
    quoted: Callable[[str], bool] = lambda _: False
    found: bool = False  # reasoning between marks
    unopened: bool = False  # its opening mark was missing
    _closing: tuple[str, ...] = ()  # the marks that end the reasoning at hand
    _opening: str = ""  # the mark that began it
    _held: str = ""
    _at: int = 0  # how much of what is held is done with
    _passed: list[str] = field(default_factory=list)
    _hidden: list[str] = field(default_factory=list)
    _spoke: bool = False  # the answer has begun
    _line: str = ""
    _blank: bool = True  # nothing but space stands in the line so far
    _ticks: str = ""
    _fences: int = 0
    _from: int = 0  # where in what is hidden the reasoning at hand begins
    _spoken_of: bool = False  # an opening mark that opened nothing

    def __post_init__(self) -> None:
        self._closing = tuple(_CLOSING) if self.opened else ()

    @property
    def visible(self) -> str:
        return "".join(self._passed).strip()

    @property
    def reasoning(self) -> str:
        return "".join(self._hidden)

    def feed(self, text: str) -> str:
        """What of the text so far is now known to be answer."""
        self._held += text
        return self._run(final=False)

    def end(self, *, cut: bool) -> str:
        """The rest of the answer; `cut` tells that the text ends before its end."""
        rest = self._run(final=True)
        if not self._closing:
            return rest
        if cut or (self._opening and not self._spoke):
            return rest
        # Reasoning that never ended was none: it was assumed, or its mark stands in mid-text.
        kept = "".join(self._hidden[self._from :])
        del self._hidden[self._from :]
        return rest + self._let(self._opening + kept)

    def _run(self, *, final: bool) -> str:
        out: list[str] = []
        again = True
        while again and self._at < len(self._held):
            again = self._inside(final) if self._closing else self._outside(final, out)
        self._held, self._at = self._held[self._at :], 0
        return "".join(out)

    def _inside(self, final: bool) -> bool:
        for match in _MARK.finditer(self._held, self._at):
            if match.group().lower() in self._closing:
                self._hide(match.start())
                self._at = match.end()
                self._closing, self._opening = (), ""
                self.found = True
                return True
        self._hide(len(self._held) if final else max(self._at, len(self._held) - _LONGEST))
        return False

    def _hide(self, until: int) -> None:
        self._hidden.append(self._held[self._at : until])
        self._at = until

    def _outside(self, final: bool, out: list[str]) -> bool:
        match = _MARK.search(self._held, self._at)
        decided = match is not None and (final or self._decided(match))
        until = match.start() if match and decided else self._safe(match, final)
        if not self._spoke:
            start = _end_of(_BLANKS, self._held, self._at)
            if self.found or (match and match.start() == start):
                self._at = start
            elif start >= until and not final:
                return False  # whether these blanks belong to the answer is not known yet
        if match is None or not decided:
            out.append(self._pass(max(self._at, until)))
            return False
        out.append(self._pass(match.start()))
        self._at = match.end()
        out.append(self._decide(match.group()))
        return True

    def _decided(self, match: re.Match[str]) -> bool:
        """Whether no longer mark may stand there, and what follows has been seen."""
        blanks = _BLANKS if match.group().lower() in _ENDS else _BLANKS_IN_LINE
        return _end_of(blanks, self._held, match.end()) < len(self._held)

    def _safe(self, match: re.Match[str] | None, final: bool) -> int:
        """Up to where what is held cannot belong to a mark."""
        end = len(self._held)
        if match is not None:
            return match.start()
        if final:
            return end
        for start in _STARTS.finditer(self._held, max(self._at, end - _LONGEST)):
            if self._held[start.start() :].lower() in _BEGINNINGS:
                return start.start()
        return end

    def _pass(self, until: int) -> str:
        part, self._at = self._held[self._at : until], until
        return self._let(part)

    def _decide(self, mark: str) -> str:
        name = mark.lower()
        literal = self._fences % 2 == 1 or self._line.endswith("`") or self.quoted(name)
        if not literal and name in _CLOSED_BY and (not self._spoke or (self.found and self._blank)):
            self._closing, self._opening = (_CLOSED_BY[name],), mark
            self._from = len(self._hidden)
            return ""
        if not literal and name in _CLOSING and self._ends_unopened():
            self._hidden += self._passed
            self._passed.clear()
            self.found = self.unopened = self._blank = True
            self._line, self._fences, self._spoke = "", 0, False
            return ""
        if not literal and name in WRAPPERS and (self.found or not self._spoke):
            return ""
        if not literal and name in _HEADS and not self._spoke:
            return ""
        if not literal and name in _ENDS and not self._held[self._at :].strip():
            return ""
        self._spoken_of = self._spoken_of or name in _CLOSED_BY
        return self._let(mark)

    def _ends_unopened(self) -> bool:
        """Whether a closing mark alone ends reasoning, and is not only spoken of."""
        if self._spoken_of or (self.found and not self.unopened):
            return False
        said = self._line.rstrip()
        ends = said.endswith(_ENDS_SENTENCE)
        if not said or (said == self._line and (said[-1].isalnum() or ends)):
            return True
        follows = _end_of(_BLANKS_IN_LINE, self._held, self._at)
        return ends and self._held[follows : follows + 1] in ("", "\n")

    def _let(self, part: str) -> str:
        if not part:
            return ""
        self._spoke = self._spoke or not part.isspace()
        self._passed.append(part)
        _, newline, line = part.rpartition("\n")
        self._line = (line if newline else self._line + line)[-_LINE:]
        self._blank = not line.strip() and (bool(newline) or self._blank)
        ticks = self._ticks + part
        self._fences += ticks.count(FENCE)
        trailing = len(ticks) - len(ticks.rstrip("`"))
        self._ticks = "`" * (trailing % len(FENCE))
        return part


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


@dataclass(slots=True)
class Reasoning:
    """How a backend's model reasons before it answers, as far as was seen.

    `tokens` is the running mean of what it spends on that, `opened` whether its template opens
    it, `marked` whether it ever came between marks.
    """

    tokens: float = 0.0
    opened: bool = False
    marked: bool = False

    @property
    def allowance(self) -> int:
        """Tokens to be allowed beside those of the answer."""
        return int(SPARE * self.tokens) + SPARE_TOKENS if self.tokens >= 1 else 0

    def record(
        self, seen: ReasoningFilter, *, tokens: int, apart: str = "", told: int = 0, cut: bool
    ) -> None:
        """Learn from one answer of `tokens` tokens.

        `apart` is reasoning beside the text, `told` the tokens that the server says it took.
        """
        visible = seen.visible
        hidden = cut and not visible  # nothing but reasoning can have used up the limit
        reasoned = bool(apart or told or seen.found or seen.reasoning) or hidden
        if seen.unopened or (seen.opened and seen.found):
            self.opened = True
        elif seen.found or not (cut or reasoned):
            self.opened = False
        self.marked = self.marked or seen.found
        written = len(visible) + len(seen.reasoning) + len(apart)
        share = 1 - len(visible) / written if written else 1.0
        spent = (told or tokens * share) if reasoned else 0.0
        self.tokens = self.tokens + SMOOTHING * (spent - self.tokens) if self.tokens else spent

"""What reasoning models write before they answer: told from the answer, and allowed for.

It comes between marks at the head of the text, with only the closing one where the chat template
opened it in the prompt, or beside the text, where the server parses it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from nodes.llm.latency import SMOOTHING
from nodes.llm.marks import (
    ANSWER_TAGS,
    BEGINNINGS,
    CLOSED_BY,
    CLOSING,
    ENDED_BY,
    ENDS,
    HEADS,
    LONGEST,
    MARK,
    STARTS,
    WRAPPERS,
)

SPARE = 2.0  # times the usual length: reasoning differs from one question to the next
SPARE_TOKENS = 200
FENCE = "```"
_LINE = 100  # characters of a line that are looked at before a mark

_BLANKS = re.compile(r"\s*")
_RULED = re.compile(r"\s*(?:-{3,}[ \t]*\n\s*)?")  # some draw a line before they begin to reason
_UNSURE = re.compile(r"\s*-*\s*")
_BLANKS_IN_LINE = re.compile(r"[ \t]*")
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
    _within: int = 0  # marks opened within the reasoning, and not closed there
    _wrapped: str = ""  # the tag that ends the answer
    _spoken_of: bool = False  # an opening mark that opened nothing

    def __post_init__(self) -> None:
        self.quoted = cache(self.quoted)  # looks through the whole prompt
        self._closing = tuple(CLOSING) if self.opened else ()

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
        spoken = " " in self._opening  # words, which may as well be the answer's own
        if not spoken and (cut or (self._opening and not self._spoke)):
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
        for match in MARK.finditer(self._held, self._at):
            name = match.group().lower()
            if name in self._closing and not self._between_ticks(match, final):
                self._hide(match.start())
                self._at = match.end()
                thought = "".join(self._hidden[self._from :]).lower()
                self._within = thought.count(CLOSING[name])
                self._closing, self._opening = (), ""
                self.found = True
                return True
        self._hide(len(self._held) if final else max(self._at, len(self._held) - LONGEST))
        return False

    def _between_ticks(self, match: re.Match[str], final: bool) -> bool:
        """Whether a mark is only quoted; that is not known before the next character."""
        start, end = match.span()
        after = self._held[end : end + 1]
        return self._held[start - 1 : start] == "`" and (after == "`" or not (after or final))

    def _hide(self, until: int) -> None:
        self._hidden.append(self._held[self._at : until])
        self._at = until

    def _outside(self, final: bool, out: list[str]) -> bool:
        match = MARK.search(self._held, self._at)
        decided = match is not None and (final or self._decided(match))
        until = match.start() if match and decided else self._safe(match, final)
        if not self._spoke:
            ruled = match and not self.found and match.group().lower() in CLOSED_BY
            start = _end_of(_RULED if ruled else _BLANKS, self._held, self._at)
            if self.found or (match and match.start() == start):
                self._at = start
            elif not (decided or final) and _end_of(_UNSURE, self._held, self._at) >= until:
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
        blanks = _BLANKS if match.group().lower() in ENDS else _BLANKS_IN_LINE
        return _end_of(blanks, self._held, match.end()) < len(self._held)

    def _safe(self, match: re.Match[str] | None, final: bool) -> int:
        """Up to where what is held cannot belong to a mark."""
        end = len(self._held)
        if match is not None:
            return match.start()
        if final:
            return end
        for start in STARTS.finditer(self._held, max(self._at, end - LONGEST)):
            if self._held[start.start() :].lower() in BEGINNINGS:
                return start.start()
        return end

    def _pass(self, until: int) -> str:
        part, self._at = self._held[self._at : until], until
        return self._let(part)

    def _decide(self, mark: str) -> str:
        name = mark.lower()
        literal = self._fences % 2 == 1 or self._line.endswith("`") or self.quoted(name)
        if not literal and name in CLOSED_BY and (not self._spoke or (self.found and self._blank)):
            self._closing, self._opening = ENDED_BY[name], mark
            self._from = len(self._hidden)
            return ""
        if not literal and name in CLOSING and self._ends_unopened(name):
            self._hidden += self._passed
            self._passed.clear()
            self.unopened = self.unopened or not self.found
            self._within = max(0, self._within - 1)
            self.found = self._blank = True
            self._line, self._fences, self._spoke = "", 0, False
            return ""
        if not literal and self._wraps(name):
            return ""
        self._spoken_of = self._spoken_of or name in CLOSED_BY
        return self._let(mark)

    def _wraps(self, name: str) -> bool:
        """Whether a mark stands around the answer, and is no part of it."""
        if name == self._wrapped:
            self._wrapped = ""
            return True
        if name in ANSWER_TAGS and self.found and not self._spoke:
            self._wrapped = ANSWER_TAGS[name]
            return True
        ended = _end_of(_BLANKS, self._held, self._at) == len(self._held)
        return (
            (name in WRAPPERS and (self.found or not self._spoke))
            or (name in HEADS and not self._spoke)
            or (name in ENDS and ended)
        )

    def _ends_unopened(self, mark: str) -> bool:
        """Whether a closing mark alone ends reasoning, and is not only spoken of."""
        again = self.found and not (self.unopened or self._within)
        if self._spoken_of or again or " " in mark:
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

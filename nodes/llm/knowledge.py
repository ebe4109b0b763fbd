"""What is learnt of a backend while it is spoken to: its dialect, its reasoning, its streams."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from nodes.llm.dialect import Body, Dialect, refused_length
from nodes.llm.endings import Ending
from nodes.llm.failures import Rejected, SchemaRefused, WindowExceeded, translated
from nodes.llm.marks import ANSWER_TAGS
from nodes.llm.reasoning import Reasoning, ReasoningFilter
from nodes.llm.turns import Turn

log = structlog.get_logger(__name__)

UNTOLD_ENDS = 2  # of streams, with no other before: the server's way, and no accident


@dataclass(slots=True)
class Knowledge:
    """Kept for as long as the backend at `address` (host and port) is spoken to.

    `tells_ends` is whether its streams say that they have ended, by a reason, usage or `[DONE]`;
    `None` while one stream at most came to its end, and did not.
    """

    address: str
    dialect: Dialect = field(default_factory=Dialect)
    reasoning: Reasoning = field(default_factory=Reasoning)
    tells_ends: bool | None = None
    _untold: int = 0

    def stream_ended(self, told: Ending | None) -> Ending | None:
        """How an answer ended whose stream came to its end and `told` that, or did not."""
        self._untold += told is None
        if told or (self.tells_ends is None and self._untold >= UNTOLD_ENDS):
            self.tells_ends = told is not None
        return told or (None if self.tells_ends is not False else "complete")

    def adapted(self, dialect: Dialect, body: Body, rejected: Rejected) -> Dialect:
        """The dialect for another try at once; raises what the refusal means if there is none."""
        if not rejected.adaptable:
            raise translated(rejected) from rejected
        too_long, window = refused_length(rejected.told)
        if too_long:
            raise WindowExceeded(window) from rejected
        # Another call may have learnt the same meanwhile.
        known = self.dialect.merged(dialect)
        learnt = known if known != dialect else dialect.learnt(body, rejected.told)
        if learnt is None:
            raise translated(rejected) from rejected
        if "response_format" in learnt.refused and "response_format" in body:
            # The prompt has to say instead what the schema said.
            self.remember(learnt)
            raise SchemaRefused("the model's backend takes no JSON schema") from rejected
        return learnt

    def remember(self, dialect: Dialect) -> None:
        """A call in this dialect was answered."""
        known = self.dialect.merged(dialect)
        if known != self.dialect:
            self.dialect = known
            log.info(
                "the model's backend has a dialect", address=self.address, dialect=known.told()
            )

    def filter(self, turns: Sequence[Turn]) -> ReasoningFilter:
        """What tells reasoning from the answer to these turns."""

        def quoted(mark: str) -> bool:
            certain = self.reasoning.marked and mark not in ANSWER_TAGS
            return not certain and any(
                mark in turn.content.lower() for turn in turns if turn.role == "user"
            )

        return ReasoningFilter(opened=self.reasoning.opened, quoted=quoted)

"""The last messages of the conversations in use, kept in the process that alone writes them."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Role = Literal["user", "assistant"]

MOST_CHARACTERS: Final = 16_000_000
PER_CONVERSATION: Final = 500
"""Characters that a conversation costs beside its text."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. The time is in UTC."""

    role: Role
    content: str
    created_at: datetime


class RecentMessages:
    """The last messages of conversations; those longest unused give way to others.

    With no room, where other processes write as well, nothing is ever known here.
    """

    def __init__(self, room: int = MOST_CHARACTERS) -> None:
        self._room = room
        self._messages: OrderedDict[str, tuple[Message, ...]] = OrderedDict()
        self._characters = 0

    def get(self, cid: str) -> tuple[Message, ...] | None:
        """All that is remembered of a conversation, or `None` where that is not known here."""
        if cid not in self._messages:
            return None
        self._messages.move_to_end(cid)
        return self._messages[cid]

    def put(self, cid: str, messages: tuple[Message, ...]) -> None:
        self.drop(cid)
        self._messages[cid] = messages
        self._characters += _cost(messages)
        while self._characters > self._room:
            _, dropped = self._messages.popitem(last=False)
            self._characters -= _cost(dropped)

    def drop(self, cid: str) -> None:
        self._characters -= _cost(self._messages.pop(cid)) if cid in self._messages else 0


def _cost(messages: tuple[Message, ...]) -> int:
    return PER_CONVERSATION + sum(len(message.content) for message in messages)

"""Conversations as this browser keeps them, and as the miner remembers them.

A miner keeps the last messages of a conversation for some days. The browser keeps what was said on
this page, as it was typed, failed questions and all.
"""

from collections.abc import Sequence

from tools.client.answers import Message
from tools.playground import formulas

TASK = "Answer the user"
TALKS_KEPT, TURNS_KEPT = 30, 200
USER, ASSISTANT = "user", "assistant"

Turn = tuple[str, str]
"""Who says it, and what."""
Talks = list[tuple[str, list[Turn]]]
"""By user, that with the newest turn first; a change of address does not take it away."""


def turns_of(talks: Talks, cid: str) -> list[Turn]:
    """What this browser has of a conversation."""
    return [(role, text) for role, text in dict(talks).get(cid, [])]


def kept(talks: Talks, cid: str, turns: Sequence[Turn]) -> Talks:
    """The conversations with this one as it stands now; without turns it is dropped."""
    others = [(name, said) for name, said in talks if name != cid]
    now = [(cid, list(turns[-TURNS_KEPT:]))] if turns else []
    return [*now, *others][:TALKS_KEPT]


def remembered(messages: Sequence[Message]) -> list[Turn]:
    """What a miner has of a conversation, the questions as they were typed."""
    return [(each.role, _as_typed(each)) for each in messages]


def joined(here: list[Turn], there: list[Turn]) -> list[Turn]:
    """The turns of this browser, and those that the miner has had elsewhere since the last it has.

    Where the two have no answer in common, this browser's stand: it may have asked anew.
    """
    answers = [turn for turn in here if turn[0] == ASSISTANT]
    if not answers:
        return [*there, *here]
    common = [at for at, turn in enumerate(there) if turn in answers]
    return [*here, *there[common[-1] + 1 :]] if common else here


def messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """The turns as `gr.Chatbot` takes them."""
    return [
        {"role": role, "content": formulas.shown(text) if role == ASSISTANT else text}
        for role, text in turns
    ]


def last_exchange(turns: Sequence[Turn]) -> tuple[str, str]:
    """The last question that was answered, and its answer; empty where there is none."""
    for at in range(len(turns) - 1, 0, -1):
        if turns[at][0] == ASSISTANT and turns[at - 1][0] == USER:
            return turns[at - 1][1], turns[at][1]
    return "", ""


def _as_typed(message: Message) -> str:
    if message.role == USER:
        return message.content.removeprefix(f"{TASK}\n\n")
    return message.content

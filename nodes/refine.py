"""Revising an output until its feedbacks are dealt with."""

import re
from collections.abc import Sequence

from nodes import materials
from nodes.context import Material, Parts, compose
from nodes.miner import Miner
from nodes.state import Feedback, PreviousOutput, RefineState, Turn, Update
from nodes.steps import deadline

SYSTEM = """\
You are a careful editor. You are given a task, an output that tries to do it, and feedback on \
that output. Rewrite the output so that every point of the feedback is dealt with, keep what was \
right, and follow the user's preferences. Write only the new output, without any remark."""
JUDGE = """\
Compare what you wrote with the numbered feedback above. Which points are still not dealt with? \
Reply with one line and nothing else: OPEN: followed by their numbers, or OPEN: none."""
AGAIN = """\
These points are still not dealt with:
{points}
Write the whole output again with them put right too. Write only the output."""
JUDGE_TOKENS = 60
EXPECTED_JUDGE_TOKENS = 12

UNREAD = "unreadable judgement"

_OPEN = re.compile(r"\bOPEN\b[\s:*\-]*(.*)", re.IGNORECASE)
_NONE = re.compile(r"\W*(?:none|nothing|0\b|no\b(?!\.))", re.IGNORECASE)


async def rewrite(miner: Miner, state: RefineState) -> Update:
    """The first revision of the output under work."""
    prompt = await compose(
        miner,
        Parts(
            system=SYSTEM,
            preferences=state.preferences,
            history=(),
            task=f"Task: {state.task}",
            asked=[
                *materials.of_queries(state, "Input of the task"),
                Material("Output", state.output),
                Material("Feedback", numbered(state.feedbacks)),
            ],
            materials=materials.of_outputs(_others(state)),
            closing="Write the new output.",
        ),
    )
    reply = await miner.model.ask(
        "rewrite", prompt.turns, deadline=deadline(state), keep_partial=True
    )
    return {
        "prompt": prompt.turns,
        "cut": prompt.cut,
        "candidate": reply.text,
        "answer": reply.text,
        "truncated": reply.truncated,
        "stopped_by_deadline": reply.truncated == "deadline",
        "changed": reply.text != state.output.strip(),
        "rounds": 1,
        "calls": [reply.call],
    }


async def judge(miner: Miner, state: RefineState) -> Update:
    """Which feedbacks the newest revision leaves open; the best revision so far is the answer."""
    reply = await miner.model.ask(
        "judge",
        [*_rewritten(state), Turn(role="user", content=JUDGE)],
        deadline=deadline(state),
        limit=JUDGE_TOKENS,
        temperature=0.0,
    )
    still_open = read_open(reply.text, len(state.feedbacks))
    if still_open is None:
        return {"still_open": [], "fallback": UNREAD, "calls": [reply.call]}
    update: Update = {"still_open": still_open, "calls": [reply.call]}
    if state.fewest_open is None or len(still_open) < state.fewest_open:
        update |= {"answer": state.candidate, "truncated": "", "fewest_open": len(still_open)}
    return update


async def rewrite_again(miner: Miner, state: RefineState) -> Update:
    """Another revision, for the points still open."""
    points = numbered([state.feedbacks[index] for index in state.still_open])
    reply = await miner.model.ask(
        "rewrite_again",
        [*_rewritten(state), Turn(role="user", content=AGAIN.format(points=points))],
        deadline=deadline(state),
        shown=True,
    )
    usable = not reply.truncated and reply.text != state.candidate
    return {
        "candidate": reply.text if usable else state.candidate,
        "changed": usable,
        "rounds": state.rounds + 1,
        "calls": [reply.call],
    }


def expected_rewrite_tokens(state: RefineState) -> int:
    """Tokens another revision is expected to have: about as many as the first."""
    return state.calls[0].completion_tokens if state.calls else 0


def numbered(feedbacks: Sequence[Feedback]) -> str:
    """Feedbacks as a numbered list."""
    return "\n".join(
        f"{number}. {feedback.problem} {feedback.suggestion}".rstrip()
        for number, feedback in enumerate(feedbacks, 1)
    )


def _others(state: RefineState) -> list[PreviousOutput]:
    """The earlier outputs, without what stands in the prompt already as output or feedback."""
    told = {feedback.problem for feedback in state.feedbacks} | {state.output}
    return [
        output.model_copy(
            update={
                "immediate_response": _unless(told, output.immediate_response),
                "notebook": _unless(told, output.notebook),
            }
        )
        for output in state.previous_outputs
    ]


def _unless(told: set[str], text: str) -> str:
    return "" if text in told else text


def read_open(text: str, feedbacks: int) -> list[int] | None:
    """The indexes of the feedbacks a judge's reply lists as open; `None` if it is unreadable."""
    match = _OPEN.search(text)
    if match is None:
        return None
    if _NONE.match(match.group(1)):
        return []
    numbers = {int(digits) for digits in re.findall(r"\d{1,4}", match.group(1))}
    return sorted(number - 1 for number in numbers if 1 <= number <= feedbacks) or None


def _rewritten(state: RefineState) -> list[Turn]:
    return [*state.prompt, Turn(role="assistant", content=state.candidate)]

"""Revising an output until its feedbacks are dealt with."""

import itertools
import re
from collections.abc import Sequence

from nodes import materials
from nodes.context import Material, Parts, Prompt, compose
from nodes.documents import says_nothing
from nodes.llm.turns import Reply
from nodes.materials import OUTPUT_HEADING
from nodes.miner import Miner
from nodes.remarks import replaces
from nodes.state import Feedback, PreviousOutput, RefineState, RefineUpdate, Turn
from nodes.steps import ask

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
NOT_WHOLE = "no whole revision came; the output stands as it was"
SEEN_IN_PART = "the output exceeds the window; it stands as it was"

_OPEN = re.compile(r"\bOPEN\b[\s:*\-]*(.*)", re.IGNORECASE)
_LISTED = re.compile(r"\W*(\d{1,4})\b")
_NUMBERS = re.compile(r"(\d{1,4})(?:\s*(?:-|–|—|\bto\b)\s*(\d{1,4}))?")
_ALL = re.compile(r"\W*(?:all|every|each|both)\b", re.IGNORECASE)
_DONE = re.compile(r"\b(?:done|dealt|addressed|resolved|fixed|closed)\b", re.IGNORECASE)
_NONE = re.compile(r"\W*(?:none|nothing|0\b|no\b(?!\.))", re.IGNORECASE)


async def rewrite(miner: Miner, state: RefineState) -> RefineUpdate:
    """The first revision of the output under work."""
    prompt = await compose(
        miner,
        Parts(
            system=SYSTEM,
            preferences=state.preferences,
            history=state.history,
            task=f"Task: {state.task}",
            asked=[
                *materials.of_queries(state, "Input of the task"),
                Material(OUTPUT_HEADING, state.output, foreign=True, ahead=True),
                Material("Feedback", numbered(state.feedbacks), foreign=True),
            ],
            materials=materials.of_outputs(_others(state)),
            closing="Write the new output.",
        ),
    )
    reply = await ask(miner, state, prompt.turns, keep_partial=True)
    update: RefineUpdate = {
        "prompt": prompt.turns,
        "cut": prompt.cut,
        "candidate": reply.text,
        "answer": reply.text,
        "truncated": reply.truncated,
        "changed": reply.text != state.output.strip(),
        "rounds": 1,
        "calls": [reply.call],
    }
    kept = _why_kept(state, reply, prompt)
    if kept is None:
        return update
    update |= {"changed": False, "fallbacks": [kept] if kept else []}
    update |= {"halted": "deadline" if reply.truncated == "deadline" else ""}
    # What becomes of a document is decided where it meets the caller's notebook.
    return update if state.output_is_document else update | _as_it_was(state)


async def judge(miner: Miner, state: RefineState) -> RefineUpdate:
    """Which feedbacks the newest revision leaves open; the best revision so far is the answer."""
    reply = await ask(
        miner,
        state,
        [*_rewritten(state), Turn(role="user", content=JUDGE)],
        limit=JUDGE_TOKENS,
        temperature=0.0,
    )
    still_open = read_open(reply.text, len(state.feedbacks))
    if still_open is None:
        return {"still_open": [], "fallbacks": [UNREAD], "calls": [reply.call]}
    update: RefineUpdate = {"still_open": still_open, "calls": [reply.call]}
    if state.fewest_open is None or len(still_open) < state.fewest_open:
        update |= {"answer": state.candidate, "truncated": "", "fewest_open": len(still_open)}
    return update


async def rewrite_again(miner: Miner, state: RefineState) -> RefineUpdate:
    """Another revision, for the points still open."""
    points = numbered([state.feedbacks[index] for index in state.still_open])
    reply = await ask(
        miner,
        state,
        [*_rewritten(state), Turn(role="user", content=AGAIN.format(points=points))],
        shown=True,
    )
    usable = not reply.truncated and reply.text != state.candidate
    usable = usable and replaces(reply.text, state, truncated=False)
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
    told = match.group(1)
    if _NONE.match(told):
        return []
    if _ALL.match(told):
        return None if _DONE.search(told) else list(range(feedbacks))
    below = text[match.end() :].split("\n")[1:]
    numbers = {
        int(each[1]) for each in itertools.takewhile(bool, map(_LISTED.match, below)) if each
    }
    for first, last in _NUMBERS.findall(told):
        numbers |= set(range(int(first), int(last or first) + 1))
    return sorted(number - 1 for number in numbers if 1 <= number <= feedbacks) or None


def _why_kept(state: RefineState, reply: Reply, prompt: Prompt) -> str | None:
    """What to tell where the revision cannot take the output's place; `None` where it can."""
    if not state.output.strip():
        return None
    if says_nothing(reply.text):
        return ""
    if OUTPUT_HEADING in prompt.cut:
        return SEEN_IN_PART
    usable = replaces(reply.text, state, truncated=bool(reply.truncated))
    return None if usable else NOT_WHOLE


def _as_it_was(state: RefineState) -> RefineUpdate:
    return {"answer": state.output, "truncated": ""}


def _rewritten(state: RefineState) -> list[Turn]:
    return [*state.prompt, Turn(role="assistant", content=state.candidate)]

"""Finding what is wrong with an output, in plain labelled lines."""

from functools import partial

from nodes import materials
from nodes.background import aside
from nodes.context import Material, Parts
from nodes.labelled import read_feedbacks, read_praise
from nodes.llm.providers import row_of
from nodes.miner import Miner
from nodes.state import Feedback, FeedbackState, FeedbackUpdate, Turn
from nodes.steps import ask, write

SYSTEM = """\
You are a strict and fair reviewer. You are given a task and an output that tries to do it. Name \
the most important faults of the output, at most five: what is wrong, missing, unclear, or \
against the user's preferences. For each fault write two lines of this form and nothing else:
PROBLEM: <what is wrong>
SUGGESTION: <what to do about it>"""
REVIEW = """\
You are a strict and fair reviewer. You are given a task and one or more outputs that try to do \
it. For each output write its strengths, its weaknesses (what is wrong, missing, unclear, or \
against the user's preferences) and your suggestions, under these three headings."""
SHORT = "You review outputs. You write two lines: PROBLEM: and SUGGESTION:"
SHORT_CLOSING = "Write one PROBLEM: line and one SUGGESTION: line."
EXAMPLE = """\
Task: Answer the question

Input of the task:
What is the capital of France?

Output to review:
The capital of France is Lyon.

Write one PROBLEM: line and one SUGGESTION: line."""
EXAMPLE_REVIEW = """\
PROBLEM: Lyon is not the capital of France.
SUGGESTION: Write Paris instead of Lyon."""
REFORMAT = """\
Write your review again so that every fault is two lines of this form, and write nothing else:
PROBLEM: <what is wrong>
SUGGESTION: <what to do about it>"""
REFORMAT_TOKENS = 600


async def critique(miner: Miner, state: FeedbackState) -> FeedbackUpdate:
    """A review of the output under work."""
    copies = not row_of(miner.settings).judges and not state.canvas
    example = [Turn(role="user", content=EXAMPLE), Turn(role="assistant", content=EXAMPLE_REVIEW)]
    reply, update = await write(
        miner,
        state,
        Parts(
            system=REVIEW if state.canvas else SHORT if copies else SYSTEM,
            preferences=state.preferences,
            history=example if copies else state.history,
            task=f"Task: {state.task}",
            asked=[
                *materials.of_queries(state, "Input of the task"),
                Material("Output to review", state.output, foreign=True),
            ],
            materials=materials.of_outputs(state.previous_outputs),
            closing=SHORT_CLOSING if copies else "Review the output.",
        ),
    )
    return {
        **update,
        "critique": reply.text,
        "feedbacks": [] if state.canvas else await _read(reply.text),
    }


async def reformat(miner: Miner, state: FeedbackState) -> FeedbackUpdate:
    """The same review in lines that can be read."""
    reply = await ask(
        miner,
        state,
        [
            *state.prompt,
            Turn(role="assistant", content=state.critique),
            Turn(role="user", content=REFORMAT),
        ],
        limit=REFORMAT_TOKENS,
        temperature=0.0,
    )
    return {
        "feedbacks": await _read(reply.text),
        "fallbacks": ["reformatted"],
        "rounds": state.rounds + 1,
        "calls": [reply.call],
    }


async def keep_whole(_: Miner, state: FeedbackState) -> FeedbackUpdate:
    """The whole review as one item, since no single faults could be read off it."""
    whole = Feedback(problem=state.critique, suggestion="")
    return {"feedbacks": [whole], "fallbacks": ["unparsed critique"]}


async def _read(text: str) -> list[Feedback]:
    return await aside(len(text), partial(_found, text))


def _found(text: str) -> list[Feedback]:
    """The faults of a review; where nothing is wrong, its own words for that as the one item."""
    found = read_feedbacks(text)
    praise = "" if found else read_praise(text)
    return [Feedback(problem=praise, suggestion="")] if praise else found

"""Finding what is wrong with an output, in plain labelled lines."""

from nodes import materials
from nodes.context import Material, Parts, compose
from nodes.labelled import read_feedbacks
from nodes.miner import Miner
from nodes.state import Feedback, FeedbackState, Turn, Update
from nodes.steps import deadline

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
REFORMAT = """\
Write your review again so that every fault is two lines of this form, and write nothing else:
PROBLEM: <what is wrong>
SUGGESTION: <what to do about it>"""
REFORMAT_TOKENS = 600


async def critique(miner: Miner, state: FeedbackState) -> Update:
    """A review of the output under work."""
    prompt = await compose(
        miner,
        Parts(
            system=REVIEW if state.canvas else SYSTEM,
            preferences=state.preferences,
            history=(),
            task=f"Task: {state.task}",
            asked=[
                *materials.of_queries(state, "Input of the task"),
                Material("Output to review", state.output),
            ],
            materials=materials.of_outputs(state.previous_outputs),
            closing="Review the output.",
        ),
    )
    reply = await miner.model.ask(
        "critique", prompt.turns, deadline=deadline(state), keep_partial=True
    )
    return {
        "prompt": prompt.turns,
        "cut": prompt.cut,
        "critique": reply.text,
        "answer": reply.text,
        "feedbacks": [] if state.canvas else read_feedbacks(reply.text),
        "truncated": reply.truncated,
        "stopped_by_deadline": reply.truncated == "deadline",
        "rounds": 1,
        "calls": [reply.call],
    }


async def reformat(miner: Miner, state: FeedbackState) -> Update:
    """The same review in lines that can be read."""
    reply = await miner.model.ask(
        "reformat",
        [
            *state.prompt,
            Turn(role="assistant", content=state.critique),
            Turn(role="user", content=REFORMAT),
        ],
        deadline=deadline(state),
        limit=REFORMAT_TOKENS,
        temperature=0.0,
    )
    return {
        "feedbacks": read_feedbacks(reply.text),
        "fallback": state.fallback or "reformatted",
        "rounds": state.rounds + 1,
        "calls": [reply.call],
    }


async def keep_whole(_: Miner, state: FeedbackState) -> Update:
    """The whole review as one item, since no single faults could be read off it."""
    whole = Feedback(problem=state.critique, suggestion="")
    return {"feedbacks": [whole], "fallback": "unparsed critique"}

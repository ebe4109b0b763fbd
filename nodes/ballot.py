"""Counting the final answers of earlier outputs; the model decides only where none can be read."""

from collections import Counter

from nodes import materials
from nodes.context import Parts, compose
from nodes.final_answers import FinalAnswer, read_final_answer, read_short_answer
from nodes.miner import Miner
from nodes.notebook import carries_document
from nodes.state import AggregateState, PreviousOutput, Update
from nodes.steps import deadline

SYSTEM = """\
You are given a task and several answers to it. Decide what the right answer is: prefer what most \
of them agree on, and among the rest what is best supported. First say in one sentence which \
answers you followed, then write the whole answer. Follow the user's preferences."""
NO_BALLOT = frozenset({"feedback", "human_feedback"})  # these answer no question
ENOUGH = 0.5  # the share of outputs that must be readable for the count to decide
NOTHING = "There is nothing to aggregate: the request carries no previous outputs."


async def nothing_to_count(_: Miner, __: AggregateState) -> Update:
    """Say so; no model is asked."""
    return {"answer": NOTHING}


async def count(_: Miner, state: AggregateState) -> Update:
    """Count the final answers that can be read off the outputs, and answer with the leading one."""
    ballots = [output for output in state.previous_outputs if output.component not in NO_BALLOT]
    answers = _readable(ballots)
    votes = Counter(answer for answer in answers if answer is not None)
    if votes.total() < ENOUGH * len(answers) or not votes:
        return {"counted": False}
    winner, most = votes.most_common(1)[0]
    voter = answers.index(winner)
    return {
        "counted": True,
        "answer": f"Answer: {winner.value}\n\n{_told(votes, len(answers), most)}",
        "document": ballots[voter].notebook if carries_document(ballots[voter]) else "",
        "strategy": "majority",
    }


async def judge_answers(miner: Miner, state: AggregateState) -> Update:
    """Let the model decide between answers that cannot be counted, and say that it did."""
    prompt = await compose(
        miner,
        Parts(
            system=SYSTEM,
            preferences=state.preferences,
            history=(),
            task=f"Task: {state.task}",
            asked=materials.of_queries(state),
            materials=materials.of_outputs(state.previous_outputs),
            closing="Decide, and write the answer.",
        ),
    )
    reply = await miner.model.ask(
        "judge_answers", prompt.turns, deadline=deadline(state), keep_partial=True
    )
    told = "No vote: the answers could not be counted, so the model decided."
    return {
        "prompt": prompt.turns,
        "cut": prompt.cut,
        "answer": f"{reply.text}\n\n{told}",
        "truncated": reply.truncated,
        "stopped_by_deadline": reply.truncated == "deadline",
        "strategy": "judge",
        "rounds": 1,
        "calls": [reply.call],
    }


def _readable(outputs: list[PreviousOutput]) -> list[FinalAnswer | None]:
    texts = [output.immediate_response for output in outputs]
    return [read_final_answer(text) or read_short_answer(text) for text in texts]


def _told(votes: Counter[FinalAnswer], outputs: int, most: int) -> str:
    leading = [answer.value for answer, count in votes.items() if count == most]
    counts = ", ".join(f"{answer.value}: {count}" for answer, count in votes.most_common())
    text = f"Vote of {outputs}: {counts}."
    unread = outputs - votes.total()
    if unread:
        text += f" In {unread} no final answer could be read."
    if len(leading) > 1:
        text += f" This is a tie between {' and '.join(leading)}; the one given first stands."
    elif votes.total() > most:
        text += f" {votes.total() - most} dissented."
    return text

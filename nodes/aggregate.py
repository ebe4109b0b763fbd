"""The vote of earlier outputs by their final answers; the model decides where none can be read."""

import re
from collections import Counter

from nodes import materials
from nodes.answers import FinalAnswer, read_short_answer
from nodes.background import aside
from nodes.context import Parts
from nodes.miner import Miner
from nodes.state import LONGEST_RESPONSE, AggregateState, AggregateUpdate, PreviousOutput, Update
from nodes.steps import tell, write
from nodes.vote import ENOUGH, final_answers, groups

SYSTEM = """\
You are given a task and several answers to it. Decide what the right answer is: prefer what most \
of them agree on, and among the rest what is best supported. First say in one sentence which \
answers you followed, then write the whole answer. Follow the user's preferences."""
NO_VOTERS = frozenset({"feedback", "human_feedback"})  # these answer no question
NOTHING = "There is nothing to aggregate: the request carries no previous outputs."
NO_VOTE = "No vote: the answers could not be counted, so the model decided."
LONGEST_ANSWER = LONGEST_RESPONSE - 5_000  # what the vote is told in stands before it

_STATES_AN_ANSWER = re.compile(r"\banswer\b|答案|^####|\\boxed", re.IGNORECASE | re.MULTILINE)


async def nothing_to_count(_: Miner, __: AggregateState) -> AggregateUpdate:
    """Say so; no model is asked."""
    return {"answer": NOTHING}


async def count(miner: Miner, state: AggregateState) -> AggregateUpdate:
    """Count the final answers that can be read off the outputs, and answer with the leading one."""
    voters = [output for output in state.previous_outputs if output.component not in NO_VOTERS]
    # A document that all of several carry was handed on to them; else they wrote them themselves.
    common = len(voters) > 1 and len({voter.notebook for voter in voters}) == 1
    answers = await aside(
        sum(len(voter.immediate_response) for voter in voters),
        lambda: [_answers(voter, state, own_document=not common) for voter in voters],
    )
    found = await groups(miner, state, answers)
    votes = Counter(group for group in found if group is not None)
    enough = 1 if len(state.queries) > 1 else ENOUGH
    if not votes or votes.total() < enough * len(voters):
        return {"counted": False}
    first = {group: found.index(group) for group in votes}
    spelled = {group: "; ".join(each.text for each in answers[at]) for group, at in first.items()}
    ranked = votes.most_common()
    winner = ranked[0][0]
    chosen = voters[first[winner]]
    tell(votes={spelled[group]: number for group, number in ranked}, voters=len(voters))
    told = _told([(spelled[group], number) for group, number in ranked], len(voters))
    return {
        "counted": True,
        "answer": f"{told}\n\n{_stated(spelled[winner], chosen.immediate_response)}",
        "document": chosen.notebook if chosen.carries_document else "",
        "strategy": "majority",
    }


async def judge_answers(miner: Miner, state: AggregateState) -> Update:
    """Let the model decide between answers that cannot be counted, and say that it did."""
    documents = materials.document_instruction(state) if state.documents else ""
    closing = ("Decide, and write the answer.", materials.closing_of(state), documents)
    reply, update = await write(
        miner,
        state,
        Parts(
            system=SYSTEM,
            preferences=state.preferences,
            history=state.history,
            task=f"Task: {state.task}",
            asked=materials.of_queries(state),
            materials=materials.of_outputs(state.previous_outputs),
            closing="\n".join(part for part in closing if part),
        ),
    )
    return {
        **update,
        "answer": f"{NO_VOTE}\n\n{reply.text}",
        "strategy": "judge",
    }


def _answers(
    output: PreviousOutput, state: AggregateState, *, own_document: bool
) -> list[FinalAnswer]:
    """The output's answers to all queries; none where any cannot be read."""
    text = output.immediate_response
    # Beside a document of its own the response is a remark, which all may have in common.
    remark = own_document and output.carries_document
    if remark and not _STATES_AN_ANSWER.search(text):
        return []
    found = final_answers(state, text)
    short = read_short_answer(text) if not found and len(state.queries) <= 1 else None
    return [short] if short else found


def _stated(spelled: str, text: str) -> str:
    """The output that won, with its reasoning; its answer alone where that would be too long."""
    if len(text) > LONGEST_ANSWER:
        return f"Answer: {spelled}"
    return text if _STATES_AN_ANSWER.search(text) else f"Answer: {text.strip()}"


def _told(ranked: list[tuple[str, int]], outputs: int) -> str:
    counts = ", ".join(f"{answer}: {number}" for answer, number in ranked)
    text = f"Vote of {outputs}: {counts}."
    counted, most = sum(number for _, number in ranked), ranked[0][1]
    if unread := outputs - counted:
        text += f" In {unread} no final answer could be read."
    leading = [answer for answer, number in ranked if number == most]
    if len(leading) > 1:
        text += f" This is a tie between {' and '.join(leading)}; the one given first stands."
    elif counted > most:
        text += f" {counted - most} dissented."
    return text

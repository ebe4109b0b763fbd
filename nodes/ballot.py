"""Counting the final answers of earlier outputs; the model decides only where none can be read."""

import re
from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction

from nodes import materials, notebook
from nodes.context import Parts, compose
from nodes.final_answers import FinalAnswer, read_final_answer, read_short_answer
from nodes.miner import Miner
from nodes.state import AggregateState, PreviousOutput, Update
from nodes.steps import deadline

SYSTEM = """\
You are given a task and several answers to it. Decide what the right answer is: prefer what most \
of them agree on, and among the rest what is best supported. First say in one sentence which \
answers you followed, then write the whole answer. Follow the user's preferences."""
NO_BALLOT = frozenset({"feedback", "human_feedback"})  # these answer no question
ENOUGH = 0.5  # the share of outputs that must be readable for the count to decide
NOTHING = "There is nothing to aggregate: the request carries no previous outputs."
NO_VOTE = "No vote: the answers could not be counted, so the model decided."
LONGEST_ANSWER = notebook.LONGEST_RESPONSE - 5_000  # what the vote is told in stands before it
DIGITS = 60

_PLAIN = re.compile(r"\\(?:text|textbf|mathrm)\{([^{}]*)\}")
_STATES_AN_ANSWER = re.compile(r"\banswer\b|^####|\\boxed", re.IGNORECASE | re.MULTILINE)


async def nothing_to_count(_: Miner, __: AggregateState) -> Update:
    """Say so; no model is asked."""
    return {"answer": NOTHING}


async def count(_: Miner, state: AggregateState) -> Update:
    """Count the final answers that can be read off the outputs, and answer with the leading one."""
    ballots = [output for output in state.previous_outputs if output.component not in NO_BALLOT]
    answers = _readable(ballots)
    cast = [None if answer is None else _key(answer) for answer in answers]
    votes = Counter(key for key in cast if key is not None)
    if votes.total() < ENOUGH * len(cast) or not votes:
        return {"counted": False}
    spelled = {
        _key(answer): _spelled(answer, output.immediate_response)
        for answer, output in reversed(list(zip(answers, ballots, strict=True)))
        if answer is not None  # reversed, so that the first spelling stays
    }
    winner = votes.most_common(1)[0][0]
    chosen = ballots[cast.index(winner)]
    told = _told({spelled[key]: number for key, number in votes.items()}, len(cast))
    return {
        "counted": True,
        "answer": f"{told}\n\n{_stated(spelled[winner], chosen.immediate_response)}",
        "document": chosen.notebook if notebook.carries_document(chosen) else "",
        "strategy": "majority",
    }


async def judge_answers(miner: Miner, state: AggregateState) -> Update:
    """Let the model decide between answers that cannot be counted, and say that it did."""
    documents = notebook.instruction(state) if notebook.carried(state) else ""
    closing = ("Decide, and write the answer.", materials.closing_of(state), documents)
    prompt = await compose(
        miner,
        Parts(
            system=SYSTEM,
            preferences=state.preferences,
            history=(),
            task=f"Task: {state.task}",
            asked=materials.of_queries(state),
            materials=materials.of_outputs(state.previous_outputs),
            closing="\n".join(part for part in closing if part),
        ),
    )
    reply = await miner.model.ask(
        "judge_answers", prompt.turns, deadline=deadline(state), keep_partial=True
    )
    found = notebook.written(state, reply.text, reply.truncated)
    note = found.note or (notebook.DOCUMENT_NOTE if found.document else reply.text)
    return {
        "prompt": prompt.turns,
        "cut": prompt.cut,
        "answer": f"{NO_VOTE}\n\n{note}",
        "document": found.document or "",
        "truncated": reply.truncated,
        "stopped_by_deadline": reply.truncated == "deadline",
        "strategy": "judge",
        "rounds": 1,
        "calls": [reply.call],
    }


def _readable(outputs: list[PreviousOutput]) -> list[FinalAnswer | None]:
    # One that all of several carry was handed on to them; else they wrote them themselves.
    common = len(outputs) > 1 and len({output.notebook for output in outputs}) == 1
    return [_final(output, own_documents=not common) for output in outputs]


def _final(output: PreviousOutput, *, own_documents: bool) -> FinalAnswer | None:
    text = output.immediate_response
    # Beside a document of its own the response is a remark, which all may have in common.
    remark = own_documents and notebook.carries_document(output)
    if remark and not _STATES_AN_ANSWER.search(text):
        return None
    return read_final_answer(text) or read_short_answer(text)


def _key(answer: FinalAnswer) -> str:
    """What two answers have in common that say the same, however they were stated."""
    return "".join(_PLAIN.sub(r"\1", answer.value).casefold().split())


def _stated(spelled: str, text: str) -> str:
    """The output that won, with its reasoning; its answer alone where that would be too long."""
    if len(text) > LONGEST_ANSWER:
        return f"Answer: {spelled}"
    return text if _STATES_AN_ANSWER.search(text) else f"Answer: {text.strip()}"


def _spelled(answer: FinalAnswer, text: str) -> str:
    """The answer as people write it: a number in digits, words as they stand in the output."""
    if answer.kind == "number":
        return _in_digits(Fraction(answer.value))
    value = _PLAIN.sub(r"\1", answer.value)
    begin = text.casefold().find(value)
    found = text[begin : begin + len(value)]
    return found if begin >= 0 and found.casefold() == value else value


def _in_digits(number: Fraction) -> str:
    """A decimal number where that is exact, else a fraction."""
    with localcontext(prec=DIGITS):
        decimal = Decimal(number.numerator) / Decimal(number.denominator)
    return f"{decimal:f}" if Fraction(decimal) == number else str(number)


def _told(votes: dict[str, int], outputs: int) -> str:
    ranked = sorted(votes.items(), key=lambda vote: -vote[1])
    counts = ", ".join(f"{answer}: {number}" for answer, number in ranked)
    text = f"Vote of {outputs}: {counts}."
    counted, most = sum(votes.values()), ranked[0][1]
    if unread := outputs - counted:
        text += f" In {unread} no final answer could be read."
    leading = [answer for answer, number in ranked if number == most]
    if len(leading) > 1:
        text += f" This is a tie between {' and '.join(leading)}; the one given first stands."
    elif counted > most:
        text += f" {counted - most} dissented."
    return text

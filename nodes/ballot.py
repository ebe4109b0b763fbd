"""Counting the final answers of earlier outputs; the model decides only where none can be read."""

import re
from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction

from nodes import materials
from nodes.answers.agreement import Cast, counted_as
from nodes.answers.final_answers import read_final_answer, read_final_answers, read_short_answer
from nodes.answers.forms import FinalAnswer
from nodes.answers.quantities import NAME
from nodes.context import Parts
from nodes.miner import Miner
from nodes.state import AggregateState, AggregateUpdate, PreviousOutput, Update
from nodes.steps import write

SYSTEM = """\
You are given a task and several answers to it. Decide what the right answer is: prefer what most \
of them agree on, and among the rest what is best supported. First say in one sentence which \
answers you followed, then write the whole answer. Follow the user's preferences."""
NO_BALLOT = frozenset({"feedback", "human_feedback"})  # these answer no question
ENOUGH = 0.5  # the share of outputs that must be readable for the count to decide
NOTHING = "There is nothing to aggregate: the request carries no previous outputs."
NO_VOTE = "No vote: the answers could not be counted, so the model decided."
LONGEST_ANSWER = materials.LONGEST_RESPONSE - 5_000  # what the vote is told in stands before it
DIGITS = 60

_STATES_AN_ANSWER = re.compile(r"\banswer\b|答案|^####|\\boxed", re.IGNORECASE | re.MULTILINE)

Answers = tuple[FinalAnswer, ...]


async def nothing_to_count(_: Miner, __: AggregateState) -> AggregateUpdate:
    """Say so; no model is asked."""
    return {"answer": NOTHING}


async def count(_: Miner, state: AggregateState) -> AggregateUpdate:
    """Count the final answers that can be read off the outputs, and answer with the leading one."""
    ballots = [output for output in state.previous_outputs if output.component not in NO_BALLOT]
    answers = _readable(ballots, len(state.queries))
    cast = counted_as([None if each is None else tuple(map(str, each)) for each in answers])
    votes = Counter(key for key in cast if key is not None)
    if not _decides(votes, len(cast), several=len(state.queries) > 1):
        return {"counted": False}
    spelled = _spellings(votes, cast, answers, ballots)
    winner = votes.most_common(1)[0][0]
    chosen = ballots[cast.index(winner)]
    told = _told([(spelled[key], number) for key, number in votes.most_common()], len(cast))
    return {
        "counted": True,
        "answer": f"{told}\n\n{_stated(spelled[winner], chosen.immediate_response)}",
        "document": chosen.notebook if materials.carries_document(chosen) else "",
        "strategy": "majority",
    }


async def judge_answers(miner: Miner, state: AggregateState) -> Update:
    """Let the model decide between answers that cannot be counted, and say that it did."""
    documents = materials.document_instruction(state) if materials.carried(state) else ""
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


def _decides(votes: Counter[Cast], outputs: int, *, several: bool) -> bool:
    """Whether enough could be read; of the answers to several queries, each has to be."""
    return bool(votes) and votes.total() >= (1 if several else ENOUGH) * outputs


def _readable(outputs: list[PreviousOutput], asked: int) -> list[Answers | None]:
    # One that all of several carry was handed on to them; else they wrote them themselves.
    common = len(outputs) > 1 and len({output.notebook for output in outputs}) == 1
    return [_final(output, asked, own_documents=not common) for output in outputs]


def _final(output: PreviousOutput, asked: int, *, own_documents: bool) -> Answers | None:
    text = output.immediate_response
    # Beside a document of its own the response is a remark, which all may have in common.
    remark = own_documents and materials.carries_document(output)
    if remark and not _STATES_AN_ANSWER.search(text):
        return None
    if asked > 1:
        return read_final_answers(text, asked)
    found = read_final_answer(text) or read_short_answer(text)
    return (found,) if found else None


def _stated(spelled: str, text: str) -> str:
    """The output that won, with its reasoning; its answer alone where that would be too long."""
    if len(text) > LONGEST_ANSWER:
        return f"Answer: {spelled}"
    return text if _STATES_AN_ANSWER.search(text) else f"Answer: {text.strip()}"


def _spellings(
    votes: Counter[Cast],
    cast: list[Cast | None],
    answers: list[Answers | None],
    outputs: list[PreviousOutput],
) -> dict[Cast, str]:
    """Each answer as it was first spelled; with its unit where there is more than one."""
    first = {key: cast.index(key) for key in votes}
    short = {key: _spelled(answers[at], outputs[at], units=False) for key, at in first.items()}
    often = Counter(short.values())
    return {
        key: short[key]
        if often[short[key]] == 1
        else _spelled(answers[at], outputs[at], units=True)
        for key, at in first.items()
    }


def _spelled(answers: Answers | None, output: PreviousOutput, *, units: bool) -> str:
    text = output.immediate_response
    return "; ".join(_spelled_one(answer, text, units) for answer in answers or ())


def _spelled_one(answer: FinalAnswer, text: str, units: bool) -> str:
    """The answer as people write it: a number in digits, words as they stand in the output."""
    value = answer.value
    if answer.kind == "number":
        number, *words = value.split()
        counted = (
            sorted(word.replace("/", "per ").removeprefix(NAME) for word in words) if units else []
        )
        return " ".join([_in_digits(Fraction(number)), *counted])
    if answer.kind == "choice":
        value = value.replace(" ", ". ", 1)
    begin = text.casefold().find(value.casefold())
    found = text[begin : begin + len(value)]
    return found if begin >= 0 and found.casefold() == value.casefold() else value


def _in_digits(number: Fraction) -> str:
    """A decimal number where that is exact, else a fraction."""
    with localcontext(prec=DIGITS):
        decimal = Decimal(number.numerator) / Decimal(number.denominator)
    return f"{decimal:f}" if Fraction(decimal) == number else str(number)


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

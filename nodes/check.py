"""Looking at an answer once more, and changing it only for a better one.

A model asked whether it is sure overturns more right answers than wrong ones (Huang et al. 2023,
arXiv:2310.01798), so a revision has to win against the draft in both orders of a comparison.
"""

from functools import partial

from nodes import materials
from nodes.background import aside
from nodes.documents import settle
from nodes.miner import Miner
from nodes.state import Call, CompleteState, CompleteUpdate, State, Turn
from nodes.steps import ask
from nodes.verdicts import read_pick, read_verdict

CHECK = """\
Check your answer above against the task and the preferences. Reply with one line and nothing \
else: PASS if it is correct and complete, or REVISE: followed by what is wrong with it."""
REVISE = """\
Something is wrong with your answer: {fault}
Write the whole answer again with this put right. Write only the answer."""
COMPARE = """\
Here are two answers to the task above.

Answer 1:
{first}

Answer 2:
{second}

Which one does the task better: is correct, complete, and follows the preferences? Reply with 1 \
or 2 and nothing else."""
CHECK_TOKENS = 80
EXPECTED_CHECK_TOKENS = 30
COMPARE_TOKENS = 8
LOOKS = (0.0, 0.7)  # temperatures of a comparison, and of another where it contradicts itself


async def check(miner: Miner, state: CompleteState) -> CompleteUpdate:
    """One line about the answer: a fault, or none."""
    reply = await ask(
        miner,
        state,
        [*_answered(state), Turn(role="user", content=CHECK)],
        limit=CHECK_TOKENS,
        temperature=0.0,
    )
    return {"fault": read_verdict(reply.text), "calls": [reply.call]}


async def revise(miner: Miner, state: CompleteState) -> CompleteUpdate:
    """The answer again with the fault put right; not yet accepted."""
    reply = await ask(
        miner,
        state,
        [*_answered(state), Turn(role="user", content=REVISE.format(fault=state.fault))],
        shown=True,
    )
    asked = materials.asked_of(state, [*state.preferences, state.fault])
    cut = bool(reply.truncated)
    settled = await aside(
        len(reply.text) + len(state.answer),
        partial(settle, reply.text, state.answer, asked, wanted=state.fault, cut=cut),
    )
    revised = settled.document or ""
    return {
        "candidate": "" if revised.strip() == state.answer.strip() else revised,
        "rounds": state.rounds + 1,
        "calls": [reply.call],
    }


async def compare(miner: Miner, state: CompleteState) -> CompleteUpdate:
    """Put the revision in the answer's place if it is judged better in both orders."""
    better, calls = await wins(miner, state, state.candidate, state.answer)
    if not better:
        return {"replaced": False, "calls": calls}
    return {"replaced": True, "answer": state.candidate, "truncated": "", "calls": calls}


async def wins(miner: Miner, state: State, new: str, old: str) -> tuple[bool, list[Call]]:
    """Whether `new` does the prompt's task better than `old`, in whichever order it is asked.

    A judge that prefers `new` in one order only is asked once more.
    """
    calls: list[Call] = []
    for temperature in LOOKS:
        for first, second, better in ((old, new, "2"), (new, old, "1")):
            turns = _comparison(state, first, second)
            reply = await ask(miner, state, turns, limit=COMPARE_TOKENS, temperature=temperature)
            calls.append(reply.call)
            picked = read_pick(reply.text)
            if picked != better:
                break
        else:
            return True, calls
        if better == "2" or not picked:
            break
    return False, calls


def _answered(state: CompleteState) -> list[Turn]:
    return [*state.prompt, Turn(role="assistant", content=state.answer)]


def _comparison(state: State, first: str, second: str) -> list[Turn]:
    question = COMPARE.format(first=first, second=second)
    task = state.prompt[-1].content
    return [*state.prompt[:-1], Turn(role="user", content=f"{task}\n\n{question}")]

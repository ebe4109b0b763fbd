"""Looking at an answer once more, and changing it only for a better one.

A model asked whether it is sure overturns more right answers than wrong ones (Huang et al. 2023,
arXiv:2310.01798), so a revision has to win against the draft in both orders of a comparison.
"""

import re

from nodes.miner import Miner
from nodes.remarks import much_shorter, said_instead
from nodes.state import Call, CompleteState, CompleteUpdate, Turn
from nodes.steps import ask

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

# In capitals anywhere, as asked for; in small letters only where the line begins with it.
_VERDICT = re.compile(
    r"(?:\b(PASS|REVISE)\b|^[ \t*_>\"'-]*((?i:pass|revise))\b(?=[\s*_]*[:.]))"
    r"[\s:*_.\-]*(.*)",
    re.MULTILINE,
)
# What stands there where nothing is wrong, or where the question's own words are repeated.
_NO_FAULT = re.compile(
    r"(?:none|nothing|n/?a|no(?: revisions?| changes?| faults?)?|(?:(?:it|this|that) )?(?:is )?not)"
    r"(?: (?:is |are |was )?(?:needed|necessary|required|wrong|to (?:revise|change|fix|add)))?"
    r"|<[^>]*>|(?:followed by )?what is wrong(?: with it)?",
    re.IGNORECASE,
)
_REMARK = re.compile(r"\W*(PASS|REVISE)\b")
_PICK = re.compile(r"\b([12])\b")


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
    usable = not reply.truncated and is_answer(reply.text, state.answer)
    return {
        "candidate": reply.text if usable else "",
        "rounds": state.rounds + 1,
        "calls": [reply.call],
    }


async def compare(miner: Miner, state: CompleteState) -> CompleteUpdate:
    """Put the revision in the answer's place if it is judged better in both orders."""
    calls: list[Call] = []
    for first, second, better in (
        (state.answer, state.candidate, "2"),
        (state.candidate, state.answer, "1"),
    ):
        reply = await ask(
            miner,
            state,
            _comparison(state, first, second),
            limit=COMPARE_TOKENS,
            temperature=0.0,
        )
        calls.append(reply.call)
        if read_pick(reply.text) != better:
            return {"replaced": False, "calls": calls}
    return {"replaced": True, "answer": state.candidate, "truncated": "", "calls": calls}


def read_verdict(text: str) -> str:
    """The fault named in a check's reply; empty for PASS and for anything unreadable."""
    match = _VERDICT.search(text)
    if match is None or (match.group(1) or match.group(2)).upper() == "PASS":
        return ""
    fault = match.group(3).strip()
    return "" if _NO_FAULT.fullmatch(fault.strip(" \t.!*_\"'()[]")) else fault


def read_pick(text: str) -> str:
    """The number a comparison's reply names, `1` or `2`; empty where it names neither or both."""
    named = set(_PICK.findall(text))
    return named.pop() if len(named) == 1 else ""


def is_answer(text: str, draft: str) -> bool:
    """Whether a revision is a whole answer, other than the draft."""
    if _REMARK.match(text) or text == draft:
        return False
    return not (much_shorter(text, draft) or said_instead(text, draft))


def _answered(state: CompleteState) -> list[Turn]:
    return [*state.prompt, Turn(role="assistant", content=state.answer)]


def _comparison(state: CompleteState, first: str, second: str) -> list[Turn]:
    question = COMPARE.format(first=first, second=second)
    task = state.prompt[-1].content
    return [*state.prompt[:-1], Turn(role="user", content=f"{task}\n\n{question}")]

"""Revising an output until its feedbacks are dealt with; the output stands until one is better."""

from collections.abc import Sequence
from functools import partial
from typing import cast

from nodes import materials
from nodes.background import aside
from nodes.check import wins
from nodes.context import Material, Parts
from nodes.documents import Settled, revision_in, settle
from nodes.llm.providers import row_of
from nodes.llm.turns import Reply
from nodes.materials import OUTPUT_HEADING
from nodes.miner import Miner
from nodes.state import Call, Feedback, PreviousOutput, RefineState, RefineUpdate, Turn
from nodes.steps import ask, write
from nodes.verdicts import read_open

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
NOT_TAKEN = "the output stands, and not the revision: {reason}"
NOT_BETTER = "it was not judged to be better"
SEEN_IN_PART = "the model saw only a part of the output"


async def rewrite(miner: Miner, state: RefineState) -> RefineUpdate:
    """The first revision of the output under work.

    It takes the output's place at once where there is none, or nobody to judge it.
    """
    parts = Parts(
        system=materials.system_of(state, SYSTEM),
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
    )
    reply, written = await write(miner, state, parts)
    update = cast(RefineUpdate, written)
    if not state.output.strip():
        return update | {"candidate": reply.text, "improved": True}
    settled = await _settled(state, reply)
    if OUTPUT_HEADING in update["cut"]:
        settled = Settled(settled.note, None, SEEN_IN_PART)
    if settled.document is None:
        return update | _kept(state, reply, settled.reason)
    changed = settled.document.strip() != state.output.strip()
    text = _revision(state, reply, settled.document)
    update |= {"candidate": text, "changed": changed, "answer": state.output}
    if not row_of(miner.settings).judges:
        update |= {"answer": text, "improved": True}
    return update


async def judge(miner: Miner, state: RefineState) -> RefineUpdate:
    """Put the newest revision in the place of the best text so far if it is better.

    It is if fewer feedbacks are open in it: in the output itself all of them are. Where that
    cannot be read, it has to win a comparison in both orders.
    """
    still_open, calls = await _still_open(miner, state)
    update: RefineUpdate = {"still_open": still_open or [], "calls": calls}
    if still_open is None:
        better, compared = await wins(miner, state, state.candidate, state.answer)
        update["calls"] = calls + compared
        update["fallbacks"] = [UNREAD] if calls else []
    else:
        better = len(still_open) < _fewest_open(state)
        update["fewest_open"] = min(len(still_open), _fewest_open(state))
    if better:
        update |= {"answer": state.candidate, "truncated": "", "improved": True}
    return update


async def rewrite_again(miner: Miner, state: RefineState) -> RefineUpdate:
    """Another revision, for the points still open."""
    points = numbered([state.feedbacks[index] for index in state.still_open])
    turns = [*_rewritten(state), Turn(role="user", content=AGAIN.format(points=points))]
    reply = await ask(miner, state, turns, shown=True)
    settled = await _settled(state, reply)
    revised = settled.document
    changed = revised is not None and revised not in (state.candidate, state.output)
    text = _revision(state, reply, revised) if changed and revised else state.candidate
    return {
        "candidate": text,
        "changed": changed,
        "rounds": state.rounds + 1,
        "calls": [reply.call],
    }


async def keep_output(_: Miner, __: RefineState) -> RefineUpdate:
    """Say that no revision has taken the output's place."""
    return {"fallbacks": [NOT_TAKEN.format(reason=NOT_BETTER)]}


def numbered(feedbacks: Sequence[Feedback]) -> str:
    """Feedbacks as a numbered list."""
    return "\n".join(
        f"{number}. {each.problem} {each.suggestion}".rstrip()
        for number, each in enumerate(feedbacks, 1)
    )


async def _still_open(miner: Miner, state: RefineState) -> tuple[list[int] | None, list[Call]]:
    """The feedbacks that the newest revision leaves open; `None` where that cannot be told."""
    if not state.feedbacks:
        return None, []
    turns = [*_rewritten(state), Turn(role="user", content=JUDGE)]
    reply = await ask(miner, state, turns, limit=JUDGE_TOKENS, temperature=0.0)
    return read_open(reply.text, len(state.feedbacks)), [reply.call]


def _fewest_open(state: RefineState) -> int:
    if state.fewest_open is None:
        return len(state.feedbacks) + (not state.output.strip())
    return state.fewest_open


async def _settled(state: RefineState, reply: Reply) -> Settled:
    """What of a reply may stand in the output's place, whole and in the output's form."""
    asked, cut = materials.asked_of(state, state.preferences), bool(reply.truncated)
    if state.output_is_document:
        take = partial(revision_in, reply.text, state.output, asked, cut=cut)
    else:
        wanted = numbered(state.feedbacks)
        take = partial(settle, reply.text, state.output, asked, wanted=wanted, cut=cut)
    return await aside(len(reply.text) + len(state.output), take)


def _revision(state: RefineState, reply: Reply, document: str) -> str:
    """The new text; of a document the whole reply, which its notebook takes apart."""
    return reply.text if state.output_is_document else document


def _kept(state: RefineState, reply: Reply, reason: str) -> RefineUpdate:
    """The output as it was, and why; what becomes of a document, its notebook decides."""
    late = reply.truncated == "deadline"
    update: RefineUpdate = {"changed": False, "halted": "deadline" if late else ""}
    if reason:
        update["fallbacks"] = [NOT_TAKEN.format(reason=reason)]
    if not state.output_is_document:
        update |= {"answer": state.output, "truncated": ""}
    return update


def _others(state: RefineState) -> list[PreviousOutput]:
    """The earlier outputs, without what stands in the prompt already as output or feedback."""
    told = {feedback.problem for feedback in state.feedbacks} | {state.output}
    fields = ("immediate_response", "notebook")
    return [
        each.model_copy(update={name: "" for name in fields if getattr(each, name) in told})
        for each in state.previous_outputs
    ]


def _rewritten(state: RefineState) -> list[Turn]:
    return [*state.prompt, Turn(role="assistant", content=state.candidate)]

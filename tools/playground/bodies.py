"""Request bodies in both forms of the API, from what stands in the fields of a tab."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.playground.client import Body

FLAT, UNIFIED = "Flat", "Unified"
FORMS = (FLAT, UNIFIED)
NO_UPDATE = "no update"

Feedbacks = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Work:
    """An output, and the task and input that it answers."""

    cid: str
    task: str
    question: str
    output: str


def unified(
    cid: str,
    task: str,
    items: list[dict[str, str]],
    *,
    previous_outputs: Sequence[Body] = (),
    use_history: bool = True,
    use_playbook: bool = True,
) -> Body:
    """The body that all components take in the unified form."""
    return {
        "cid": cid,
        "task": task,
        "input": items,
        "previous_outputs": list(previous_outputs),
        "use_conversation_history": use_history,
        "use_playbook": use_playbook,
    }


def previous_output(component: str, task: str, response: str, notebook: str) -> Body:
    """What an earlier call of a chain gave; an empty notebook is one without a document."""
    output = {"immediate_response": response, "notebook": notebook or NO_UPDATE}
    return {"task": task, "input": [], "output": output, "component": component}


def feedback(form: str, work: Work) -> Body:
    """Ask for a critique of the output."""
    if form == FLAT:
        return _flat(work)
    item = _item(user_query=work.question, output_to_analyze=work.output)
    return unified(work.cid, work.task, [item])


def refine(form: str, work: Work, feedbacks: Feedbacks) -> Body:
    """Ask for a revision of the output; a feedback is a problem and a suggestion."""
    if form == FLAT:
        listed = [{"problem": problem, "suggestion": what} for problem, what in feedbacks]
        return {**_flat(work), "feedbacks": listed}
    said = [{"feedback": f"{problem} {what}".strip()} for problem, what in feedbacks]
    item = _item(user_query=work.question, original_output=work.output)
    return unified(work.cid, work.task, [item, *said])


def human_feedback(form: str, cid: str, said: str) -> Body:
    """Tell what the user said of the answers."""
    if form == FLAT:
        return {"cid": cid, "human_feedback": said}
    return unified(cid, "Learn what the user prefers", [{"feedback_text": said}])


def answer_of(body: Body) -> str:
    """The answer in a response of either form."""
    return str(
        _output(body).get("immediate_response") or body.get("response") or body.get("output", "")
    )


def document_of(body: Body) -> str:
    """The document in a unified response; empty where there is none."""
    notebook = str(_output(body).get("notebook", NO_UPDATE))
    return "" if notebook == NO_UPDATE else notebook


def _output(body: Body) -> dict[str, Any]:
    output = body.get("output")
    return output if isinstance(output, dict) else {}


def _flat(work: Work) -> Body:
    return {"cid": work.cid, "task": work.task, "input": work.question, "output": work.output}


def _item(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value.strip()}

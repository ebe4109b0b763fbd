"""The calls that a miner takes: where each goes, what it carries, what its answer is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from tools.client import answers

Body = dict[str, Any]
Answer = TypeVar("Answer", bound=answers.Answered)
Item = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """One request to a miner, and the type of its answer. `path` is quoted already."""

    method: str
    path: str
    answer: type[Answer]
    body: Body | None = None

    @property
    def component(self) -> str:
        """The component that it runs, if it runs one."""
        return self.path.strip("/")


def complete(cid: str, task: str, input: str) -> Call[answers.Completion]:
    """Answer a task. Flat: all texts, `task` up to 10,000 characters, `input` up to 100,000."""
    return _post("complete", answers.Completion, {"cid": cid, "task": task, "input": input})


def feedback(
    cid: str,
    task: str,
    input: str,
    output: str,
) -> Call[answers.Critique]:
    """Criticise an output that answers `task` and `input`."""
    body = {"cid": cid, "task": task, "input": input, "output": output}
    return _post("feedback", answers.Critique, body)


def refine(
    cid: str,
    task: str,
    input: str,
    output: str,
    feedbacks: Iterable[answers.FeedbackItem],
) -> Call[answers.Revision]:
    """Revise an output until its feedbacks, at most 50, are dealt with."""
    listed = [{"problem": each.problem, "suggestion": each.suggestion} for each in feedbacks]
    body = {"cid": cid, "task": task, "input": input, "output": output, "feedbacks": listed}
    return _post("refine", answers.Revision, body)


def human_feedback(cid: str, said: str) -> Call[answers.Learnt]:
    """Learn what a user prefers from what they said of the answers, 1 to 10,000 characters."""
    return _post("human_feedback", answers.Learnt, {"cid": cid, "human_feedback": said})


def unified(
    component: str,
    cid: str,
    task: str,
    items: Sequence[str | Item],
    *,
    previous_outputs: Sequence[Body | answers.Unified] = (),
    use_history: bool = True,
    use_playbook: bool = True,
) -> Call[answers.Unified]:
    """Run any of the seven components in the form that they share.

    An item is a query, or a mapping with the fields that its component reads; there are 1 to 50.
    """
    body = {
        "cid": cid,
        "task": task,
        "input": [{"user_query": item} if isinstance(item, str) else dict(item) for item in items],
        "previous_outputs": [_earlier(output) for output in previous_outputs],
        "use_conversation_history": use_history,
        "use_playbook": use_playbook,
    }
    return _post(component, answers.Unified, body)


def previous_output(component: str, task: str, response: str, notebook: str = "") -> Body:
    """What an earlier call of a chain gave; an empty notebook is one without a document."""
    output = {"immediate_response": response, "notebook": notebook or answers.NO_UPDATE}
    return {"task": task, "input": [], "output": output, "component": component}


def health() -> Call[answers.Health]:
    """Ask whether the miner is up; takes no key, and tells more with it."""
    return Call("GET", "/health", answers.Health)


def capabilities() -> Call[answers.Capabilities]:
    """Ask what the miner can do."""
    return Call("GET", "/capabilities", answers.Capabilities)


def conversations(*, limit: int = 100, offset: int = 0) -> Call[answers.Conversations]:
    """List conversations, at most 1000 at once."""
    path = f"/conversations?limit={limit}&offset={offset}"
    return Call("GET", path, answers.Conversations)


def conversation(cid: str) -> Call[answers.Conversation]:
    """Read a conversation; one that is not known is refused with 404."""
    return Call("GET", f"/conversations/{_quoted(cid)}", answers.Conversation)


def forget_conversation(cid: str) -> Call[answers.Done]:
    """Erase a conversation; one that is not known is refused with 404."""
    return Call("DELETE", f"/conversations/{_quoted(cid)}", answers.Done)


def playbook(cid: str, *, limit: int = 100, offset: int = 0) -> Call[answers.Playbook]:
    """Read a user's preferences, at most 1000 at once."""
    path = f"/playbook/{_quoted(cid)}?limit={limit}&offset={offset}"
    return Call("GET", path, answers.Playbook)


def add_preference(cid: str, content: str, category: str = "") -> Call[answers.Entry]:
    """Add a preference by hand; without a category it is `other`."""
    body = {"content": content} | ({"category": category} if category else {})
    return Call("POST", f"/playbook/{_quoted(cid)}", answers.Entry, body)


def edit_preference(
    cid: str, entry: answers.Entry, content: str, category: str = ""
) -> Call[answers.Entry]:
    """Change an entry as it was read; refused with 409 if another has changed it since."""
    body: Body = {"content": content, "expected_version": entry.version}
    body |= {"category": category} if category else {}
    return Call("PATCH", _entry(cid, entry), answers.Entry, body)


def remove_preference(cid: str, entry: answers.Entry) -> Call[answers.Done]:
    """Remove an entry with its history."""
    return Call("DELETE", _entry(cid, entry), answers.Done)


def _post(component: str, answer: type[Answer], body: Body) -> Call[Answer]:
    return Call("POST", f"/{component}", answer, body)


def _earlier(output: Body | answers.Unified) -> Body:
    return output.model_dump() if isinstance(output, answers.Unified) else output


def _entry(cid: str, entry: answers.Entry) -> str:
    return f"/playbook/{_quoted(cid)}/{_quoted(entry.node_id)}"


def _quoted(text: str) -> str:
    return quote(text, safe="")

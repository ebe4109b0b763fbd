"""What a miner answers, typed. Fields of a later miner are kept, missing ones have defaults."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

NO_UPDATE = "no update"


class Answered(BaseModel):
    """Base of all answers; `model_dump` gives the body back."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Action(Answered):
    """A further call that the caller may make."""

    task: str = ""
    input: str = ""


class Completion(Answered):
    """The answer of `complete`, flat."""

    response: str
    actions: list[Action] = []


class FeedbackItem(Answered):
    """One thing that is wrong with an output, and what to do about it."""

    problem: str
    suggestion: str = ""


class Critique(Answered):
    """The answer of `feedback`, flat."""

    feedbacks: list[FeedbackItem]


class Revision(Answered):
    """The answer of `refine`, flat."""

    output: str


class AppliedAction(Answered):
    """What became of one change to the user's playbook."""

    action: str
    node_id: str = ""
    success: bool = True
    message: str = ""
    content: str | None = None


class Learnt(Answered):
    """The answer of `human_feedback`, flat."""

    message: str
    actions_applied: list[AppliedAction] = []


class Output(Answered):
    """What is said, and the document under work or `no update`."""

    immediate_response: str = ""
    notebook: str = ""

    @property
    def document(self) -> str:
        """The document under work; empty where there is none."""
        return "" if self.notebook == NO_UPDATE else self.notebook


class Unified(Answered):
    """The answer of every component in the unified form; a later call takes it as an earlier one.

    `model_dump` gives what belongs into `previous_outputs`.
    """

    cid: str = ""
    task: str = ""
    input: list[dict[str, Any]] = []
    output: Output
    component: str = ""


class Health(Answered):
    """Whether the miner is up; all but `status` is told to a caller with the key alone."""

    status: str
    version: str = ""
    llm_provider: str = ""
    model: str = ""
    llm_available: bool | None = None
    memory_available: bool | None = None
    playbook_entries: int | None = None
    conversations: int | None = None


class Capabilities(Answered):
    """What the miner can do. Without the key it tells of its components alone."""

    miner_name: str = ""
    llm_provider: str = ""
    model: str = ""
    note: str = ""
    components: list[str] = []
    features: list[str] = []
    max_context_length: int | None = None


class Message(Answered):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str
    created_at: str = ""


class Conversation(Answered):
    """The messages that the next prompt would see, oldest first."""

    cid: str
    messages: list[Message] = []


class ConversationSummary(Answered):
    """A conversation in a list."""

    cid: str
    messages: int = 0
    last_at: str = ""


class Conversations(Answered):
    """A page of conversations, that with the newest message first."""

    conversations: list[ConversationSummary] = []
    total: int = 0


class Entry(Answered):
    """One preference as it stands."""

    node_id: str
    content: str
    category: str = ""
    evidence: str = ""
    version: int = 1


class Playbook(Answered):
    """A page of a user's preferences, oldest first."""

    cid: str
    entries: list[Entry] = []
    total: int = 0


class Done(Answered):
    """The answer to an erasure."""

    cid: str = ""
    entries: int = 0
    messages: int = 0

"""What is kept of each user, as callers read it and change it by hand."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    computed_field,
    model_validator,
)

from memory import CATEGORIES, QUERY_CHARACTERS, Applies, Version
from server.wire.form import text

LARGEST_OFFSET = 1_000_000_000
_NODE = "0f6a4c0e1b5d4f7c9a2e3d4c5b6a7988"


def _known(category: str) -> str:
    if category not in CATEGORIES:
        raise ValueError(f"Input should be one of {', '.join(CATEGORIES)}")
    return category


def _operation(version: int) -> str:
    return "insert" if version == 1 else "update"


Text = Annotated[str, BeforeValidator(text)]
Content = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000),
    AfterValidator(text),
]
APPLIES = "to every answer (`always`), or where the question is of its `topic`"
Category = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": [*CATEGORIES]})]


class Sent(BaseModel):
    """A body as it is sent. What is not known is ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel):
    """Which part of a list is wanted."""

    limit: int = Field(100, ge=1, le=1000, description="items at most")
    offset: int = Field(0, ge=0, le=LARGEST_OFFSET, description="items passed over")


class Listed(Page):
    """The part of the list that is shown, and how long the whole is."""

    total: int = Field(description="items in all")


class ConversationSummary(Shown):
    cid: Text
    messages: int
    last_at: datetime = Field(description="when the last message came")


class Conversations(Listed):
    """That with the newest message first."""

    conversations: list[ConversationSummary]


class Message(Shown):
    role: Literal["user", "assistant"]
    content: Text
    created_at: datetime


class Conversation(Listed):
    """Oldest message first."""

    cid: str
    messages: list[Message]


class Entry(Shown):
    """One preference as it stands."""

    node_id: str = Field(examples=[_NODE])
    content: str = Field(examples=["Answer in French"])
    category: str = Field(examples=["language"])
    evidence: str = Field(description="the words it rests on", examples=["added by hand"])
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="1 is the first")
    applies: Applies = Field(description=APPLIES)

    # What pages made for the reference miner read, said of the same entry.
    insight_type: str = Field(
        validation_alias=AliasPath("category"), description="the same as `category`"
    )
    key: str = Field(validation_alias=AliasPath("node_id"), description="the same as `node_id`")
    value: str = Field(validation_alias=AliasPath("content"), description="the same as `content`")
    operation: Annotated[Literal["insert", "update"], BeforeValidator(_operation)] = Field(
        validation_alias=AliasPath("version"), description="what the latest change was"
    )
    confidence_score: float = Field(1.0, description="an entry rests on the user's own words")
    tags: Annotated[list[str], BeforeValidator(lambda category: [category])] = Field(
        validation_alias=AliasPath("category"), description="the category alone"
    )


class Playbook(Listed):
    """Oldest entry first."""

    cid: str
    entries: list[Entry]


class NewEntry(Sent):
    """A preference added by hand."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"content": "Answer in French", "category": "language"}]}
    )

    content: Content = Field(examples=["Answer in French"])
    category: Category = Field("other", examples=["language"])
    applies: Applies = Field("always", description=APPLIES)


class EntryChange(Sent):
    """What is left out stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"content": "Answer in German", "expected_version": 1}]}
    )

    content: Content | None = Field(None, examples=["Answer in German"])
    category: Category | None = None
    applies: Applies | None = None
    expected_version: int | None = Field(
        None, ge=1, description="refuse the change unless the entry is at this version"
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.content is None and self.category is None and self.applies is None:
            raise ValueError("Body should have content, category or applies")
        return self


class EntryHistory(Listed):
    """Oldest version first, the current one last; the latest 100 are kept."""

    cid: str
    node_id: str
    versions: list[Version]


class ContextQuery(BaseModel):
    query: str = Field(
        "", max_length=QUERY_CHARACTERS, description="what the request would be about"
    )


class Context(BaseModel):
    """The playbook as it would be put into a prompt."""

    cid: str
    context: str = Field(description="empty where there are no preferences")
    entries: list[str] = Field(description="the node_id of each entry in it, in their order")
    total: int = Field(description="entries of the whole playbook")

    @computed_field(description="the same as `total`")
    @property
    def total_entries(self) -> int:
        return self.total


class Imported(BaseModel):
    cid: str
    entries: list[Entry]


class Erased(BaseModel):
    """How much there was to erase."""

    cid: str
    entries: int = Field(0, description="entries of the playbook, each with its history")
    messages: int = Field(0, description="messages of the conversation")

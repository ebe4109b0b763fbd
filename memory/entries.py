"""What a user prefers, as values: entries, their versions, and the form they are stored in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Self, TypeVar
from uuid import uuid4

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from memory.errors import InvalidEntry

CATEGORIES: Final = ("style", "format", "tone", "language", "content", "domain", "other")
"""What an entry may be filed under."""

QUERY_CHARACTERS: Final = 4_000
"""What of a request is looked at to rank entries for it."""

KEPT_VERSIONS: Final = 100
"""Versions kept of an entry, the current one included: the record is one row, rewritten whole."""

MOST_EXPORTED: Final = 1_000
"""Entries of an export: as many as MAX_PLAYBOOK_NODES can allow."""

ALWAYS_RECALLED: Final = frozenset({"style", "format", "tone", "language"})
"""Categories that apply to every question, though their entries resemble none."""

Content = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One preference, as it stands. Times are in UTC; the first version is 1."""

    node_id: str
    content: str
    category: str
    evidence: str
    created_at: datetime
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Version:
    """What an entry said from `at` on, until its next version."""

    node_id: str
    version: int
    content: str
    category: str
    evidence: str
    at: datetime


class State(BaseModel):
    """A version as it is stored and exported."""

    model_config = ConfigDict(frozen=True)

    version: int = Field(ge=1)
    content: Content
    category: str = Field("", max_length=100)
    evidence: str = Field("", max_length=10_000)
    at: AwareDatetime


class History(BaseModel):
    """An entry with its versions, oldest first, as it is exported."""

    model_config = ConfigDict(frozen=True)

    node_id: str = Field(pattern="^[0-9a-f]{32}$")
    created_at: AwareDatetime
    versions: tuple[State, ...] = Field(min_length=1, max_length=KEPT_VERSIONS)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        numbers = [state.version for state in self.versions]
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise ValueError("versions must be numbered one after another")
        return self

    @classmethod
    def begin(cls, content: str, category: str, evidence: str) -> Self:
        """The history of a new entry. Raises `InvalidEntry`."""
        state = _state(1, content, category, evidence)
        return cls(node_id=uuid4().hex, created_at=state.at, versions=(state,))

    def superseded(self, content: str, category: str | None, evidence: str) -> Self:
        """With a further version; `category` None keeps the one it has. Raises `InvalidEntry`."""
        last = self.versions[-1]
        kept = last.category if category is None else category
        state = _state(last.version + 1, content, kept, evidence)
        return self.model_copy(update={"versions": (*self.versions, state)[-KEPT_VERSIONS:]})

    def entry(self) -> Entry:
        last = self.versions[-1]
        return Entry(
            node_id=self.node_id,
            content=last.content,
            category=last.category,
            evidence=last.evidence,
            created_at=self.created_at.astimezone(UTC),
            updated_at=last.at.astimezone(UTC),
            version=last.version,
        )

    def history(self) -> list[Version]:
        return [
            Version(
                node_id=self.node_id,
                version=state.version,
                content=state.content,
                category=state.category,
                evidence=state.evidence,
                at=state.at.astimezone(UTC),
            )
            for state in self.versions
        ]


class Record(BaseModel):
    """A row of the store: whose it is, its place among the user's entries, and the entry.

    Places only grow, so that the order holds when the clock does not.
    """

    model_config = ConfigDict(frozen=True)

    cid: str
    place: int
    history: History


class Export(BaseModel):
    """A user's playbook in JSON."""

    cid: str
    # The first that is wrong ends the check: a body has room for millions of wrong ones.
    entries: Annotated[tuple[History, ...], FailFast()] = Field(max_length=MOST_EXPORTED)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({entry.node_id for entry in self.entries}) < len(self.entries):
            raise ValueError("two entries have the same node_id")
        return self

    @classmethod
    def read(cls, data: object) -> Self:
        """Raises `InvalidEntry`, naming the first field that is wrong."""
        return _validated(cls, data)


ModelT = TypeVar("ModelT", bound=BaseModel)


def _state(version: int, content: str, category: str, evidence: str) -> State:
    fields = {"content": content, "category": category, "evidence": evidence}
    return _validated(State, {"version": version, "at": datetime.now(UTC), **fields})


def _validated(model: type[ModelT], data: object) -> ModelT:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "playbook"
        reason = first["msg"].removeprefix("Value error, ")
        raise InvalidEntry(f"{name}: {reason}") from None

"""What a user prefers, as values: entries, their versions, and the form they are stored in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self, TypeVar
from uuid import uuid4

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from memory.errors import InvalidEntry

CATEGORIES: Final = ("style", "format", "tone", "language", "content", "domain", "other")
"""What an entry may be filed under."""

QUERY_CHARACTERS: Final = 4_000
"""What of a request is looked at to rank entries for it."""

KEPT_VERSIONS: Final = 100
"""Versions kept of an entry, the current one included."""

MOST_EXPORTED: Final = 1_000
"""Entries of an export: as many as MAX_PLAYBOOK_NODES can allow."""

Applies = Literal["always", "topic"]
"""To every answer, or only where the question is of the entry's topic."""

Content = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
UtcTime = Annotated[AwareDatetime, AfterValidator(lambda time: time.astimezone(UTC))]


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
    applies: Applies = "always"


class Version(BaseModel):
    """What an entry said from `at` on, until its next version. Also stored and exported so."""

    model_config = ConfigDict(frozen=True)

    version: int = Field(ge=1)
    content: Content
    category: str = Field("", max_length=100)
    evidence: str = Field("", max_length=10_000, description="the words it rests on")
    applies: Applies = "always"
    at: UtcTime

    @classmethod
    def now(
        cls, version: int, content: str, category: str, evidence: str, applies: Applies
    ) -> Self:
        """Raises `InvalidEntry`."""
        fields = {"content": content, "category": category, "evidence": evidence}
        fixed = {"version": version, "at": datetime.now(UTC), "applies": applies}
        return _validated(cls, fixed | fields)


class History(BaseModel):
    """An entry with its versions, oldest first, as it is exported."""

    model_config = ConfigDict(frozen=True)

    node_id: str = Field(pattern="^[0-9a-f]{32}$")
    created_at: UtcTime
    versions: tuple[Version, ...] = Field(min_length=1, max_length=KEPT_VERSIONS)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        numbers = [state.version for state in self.versions]
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise ValueError("versions must be numbered one after another")
        return self

    @classmethod
    def begin(cls, content: str, category: str, evidence: str, applies: Applies) -> Self:
        """The history of a new entry. Raises `InvalidEntry`."""
        first = Version.now(1, content, category, evidence, applies)
        return cls(node_id=uuid4().hex, created_at=first.at, versions=(first,))


class Record(BaseModel):
    """What is read with every prompt: whose entry it is, its place among the user's, and what it
    says now. Its earlier versions are stored beside it.

    Places only grow, so that the order holds when the clock does not.
    """

    model_config = ConfigDict(frozen=True)

    cid: str
    place: int
    node_id: str
    created_at: UtcTime
    current: Version


_VERSIONS: Final = TypeAdapter(tuple[Version, ...])


@dataclass(frozen=True, slots=True)
class Slot:
    """One of a user's numbered places with the entry in it.

    `past` is the JSON of its earlier versions, read only where somebody asks for them.
    """

    number: int
    record: Record
    past: str = "[]"

    @classmethod
    def of(cls, number: int, cid: str, place: int, history: History) -> Self:
        *past, current = history.versions
        record = Record(
            cid=cid,
            place=place,
            node_id=history.node_id,
            created_at=history.created_at,
            current=current,
        )
        return cls(number, record, _VERSIONS.dump_json(tuple(past)).decode())

    @property
    def entry(self) -> Entry:
        current = self.record.current
        return Entry(
            node_id=self.record.node_id,
            content=current.content,
            category=current.category,
            evidence=current.evidence,
            created_at=self.record.created_at,
            updated_at=current.at,
            version=current.version,
            applies=current.applies,
        )

    def versions(self) -> tuple[Version, ...]:
        """Oldest first, the current one last."""
        return (*_VERSIONS.validate_json(self.past), self.record.current)

    def history(self) -> History:
        return History(
            node_id=self.record.node_id,
            created_at=self.record.created_at,
            versions=self.versions(),
        )

    def with_version(self, version: Version) -> "Slot":
        """The same entry as it says now; what it said before goes into its history."""
        versions = (*self.versions(), version)[-KEPT_VERSIONS:]
        history = self.history().model_copy(update={"versions": versions})
        return Slot.of(self.number, self.record.cid, self.record.place, history)


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


def _validated(model: type[ModelT], data: object) -> ModelT:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "playbook"
        reason = first["msg"].removeprefix("Value error, ")
        raise InvalidEntry(f"{name}: {reason}") from None

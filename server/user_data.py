"""What is kept of each user: read, changed by hand, carried elsewhere, erased."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel

from memory import Replace
from memory.entries import Export
from memory.errors import UnknownEntry
from nodes.miner import Miner
from nodes.state import preferences_listed
from server.context import context_of
from server.errors import ApiError, ErrorBody
from server.openapi import body
from server.raw_path import RawPathRoute
from server.wire import user_data as wire
from server.wire.form import Cid
from server.wire.parse import read

ADDED = "added by hand"
EDITED = "edited by hand"

LIMITS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The body is not JSON."},
    422: {"model": ErrorBody, "description": "A field is wrong; `detail` names it and its limit."},
    503: {"model": ErrorBody, "description": "The memory does not answer."},
}
UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "There is no such conversation or entry."}
}
TAKEN: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "The playbook is full, or the entry has changed."}
}

BODIES = (wire.NewEntry, wire.EntryChange, Export)

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)

routes = APIRouter(route_class=RawPathRoute, responses=LIMITS, tags=["what is remembered"])


async def _miner(request: Request) -> Miner:
    miner: Miner = request.state.miner
    return miner


def _reading(model: type[Model]) -> Callable[[Request], Awaitable[Model]]:
    async def sent(request: Request) -> Model:
        return read(model, context_of(request.scope).take_body())

    return sent


OpenMiner = Annotated[Miner, Depends(_miner)]
NodeId = Annotated[str, Path(description="names an entry of this playbook")]
Paged = Annotated[wire.Page, Query()]
NewEntry = Annotated[wire.NewEntry, Depends(_reading(wire.NewEntry))]
EntryChange = Annotated[wire.EntryChange, Depends(_reading(wire.EntryChange))]
Exported = Annotated[Export, Depends(_reading(Export))]


@routes.get("/conversations", summary="List the conversations")
async def list_conversations(miner: OpenMiner, page: Paged) -> wire.Conversations:
    """That with the newest message first."""
    items, total = await miner.conversations.list(limit=page.limit, offset=page.offset)
    shown = [wire.ConversationSummary.model_validate(item) for item in items]
    return wire.Conversations(conversations=shown, total=total, **page.model_dump())


@routes.get("/conversations/{cid}", summary="Read a conversation", responses=UNKNOWN)
async def read_conversation(cid: Cid, miner: OpenMiner, page: Paged) -> wire.Conversation:
    """The messages that the next prompt of this conversation would see, oldest first."""
    messages = await miner.conversations.messages(cid)
    if not messages:
        raise _no_conversation()
    shown = [wire.Message.model_validate(message) for message in _part(messages, page)]
    return wire.Conversation(cid=cid, messages=shown, total=len(messages), **page.model_dump())


@routes.delete("/conversations/{cid}", summary="Erase a conversation", responses=UNKNOWN)
async def erase_conversation(cid: Cid, miner: OpenMiner) -> wire.Erased:
    """Its messages are overwritten in the database."""
    erased = await miner.conversations.erase(cid)
    if not erased:
        raise _no_conversation()
    return wire.Erased(cid=cid, messages=erased)


@routes.get("/playbook/{cid}", summary="Read a playbook")
async def read_playbook(cid: Cid, miner: OpenMiner, page: Paged) -> wire.Playbook:
    """What the user prefers, oldest entry first; empty for a user who is not known."""
    entries = await miner.playbook.all(cid)
    shown = [wire.Entry.model_validate(entry) for entry in _part(entries, page)]
    return wire.Playbook(cid=cid, entries=shown, total=len(entries), **page.model_dump())


@routes.post(
    "/playbook/{cid}",
    summary="Add a preference by hand",
    status_code=201,
    responses=TAKEN,
    openapi_extra=body(wire.NewEntry),
)
async def add_preference(cid: Cid, new: NewEntry, miner: OpenMiner) -> wire.Entry:
    """The new entry, whose evidence says that it was added by hand."""
    return wire.Entry.model_validate(
        await miner.playbook.add(cid, new.content, new.category, ADDED, new.applies)
    )


@routes.delete("/playbook/{cid}", summary="Erase a playbook")
async def erase_playbook(cid: Cid, miner: OpenMiner) -> wire.Erased:
    """All entries of the user with their histories; of no entries, none is erased."""
    return wire.Erased(cid=cid, entries=await miner.playbook.erase(cid))


@routes.get("/playbook/{cid}/context", summary="Read a playbook as a prompt shows it")
async def playbook_context(
    cid: Cid, miner: OpenMiner, about: Annotated[wire.ContextQuery, Query()]
) -> wire.Context:
    """All preferences while they fit PLAYBOOK_TOKEN_BUDGET, beyond it those that matter most.

    Those that apply to every answer come first, then what is relevant to `query`. A prompt whose
    other parts fill the model's window may have room for fewer.
    """
    entries = await miner.playbook.recall(
        cid,
        about.query,
        max_tokens=miner.settings.playbook_token_budget,
        count_tokens=miner.tokens.count,
    )
    return wire.Context(
        cid=cid,
        context=preferences_listed(list(dict.fromkeys(entry.content for entry in entries))),
        entries=[entry.node_id for entry in entries],
        total=len(await miner.playbook.all(cid)),
    )


@routes.get("/playbook/{cid}/export", summary="Export a playbook")
async def export_playbook(cid: Cid, miner: OpenMiner) -> Export:
    """All entries with their histories, as `import` takes them."""
    return Export.model_validate(await miner.playbook.export(cid))


@routes.post(
    "/playbook/{cid}/import",
    summary="Import a playbook",
    responses=TAKEN,
    openapi_extra=body(Export),
)
async def import_playbook(cid: Cid, exported: Exported, miner: OpenMiner) -> wire.Imported:
    """Put back an export, of this user or of another: all of it or nothing.

    An entry that is still there (by its `node_id`) goes back to its exported state; others stay.
    An export larger than MAX_BODY_BYTES is refused like any other body.
    """
    entries = await miner.playbook.restore(cid, exported.model_dump(mode="json"))
    shown = [wire.Entry.model_validate(entry) for entry in entries]
    return wire.Imported(cid=cid, entries=shown)


@routes.get(
    "/playbook/{cid}/{node_id}/history", summary="Read an entry's history", responses=UNKNOWN
)
async def entry_history(
    cid: Cid, node_id: NodeId, miner: OpenMiner, page: Paged
) -> wire.EntryHistory:
    """What the entry said, since when, and what that rested on."""
    versions = await miner.playbook.history(cid, node_id)
    return wire.EntryHistory(
        cid=cid,
        node_id=node_id,
        versions=list(_part(versions, page)),
        total=len(versions),
        **page.model_dump(),
    )


@routes.patch(
    "/playbook/{cid}/{node_id}",
    summary="Edit a preference by hand",
    responses={**UNKNOWN, **TAKEN},
    openapi_extra=body(wire.EntryChange),
)
async def edit_preference(
    cid: Cid, node_id: NodeId, change: EntryChange, miner: OpenMiner
) -> wire.Entry:
    """The entry as it stands now; what it said before goes into its history."""
    async with miner.playbook.writing(cid) as writer:
        present = {entry.node_id: entry for entry in await writer.all()}
        if node_id not in present:
            raise UnknownEntry("there is no such entry in this playbook")
        [entry] = await writer.apply(
            [
                Replace(
                    node_id,
                    change.content or present[node_id].content,
                    change.category,
                    EDITED,
                    change.applies,
                    change.expected_version,
                )
            ]
        )
    return wire.Entry.model_validate(entry)


@routes.delete("/playbook/{cid}/{node_id}", summary="Remove a preference", responses=UNKNOWN)
async def remove_preference(cid: Cid, node_id: NodeId, miner: OpenMiner) -> wire.Erased:
    """The entry goes with its history."""
    await miner.playbook.forget(cid, node_id)
    return wire.Erased(cid=cid, entries=1)


@routes.delete("/users/{cid}", summary="Erase all that is remembered of a user")
async def erase_user(cid: Cid, miner: OpenMiner) -> wire.Erased:
    """The user's whole playbook with its history, and the conversation: both stores.

    Succeeds also where there is nothing, so that it can be repeated after a failure, which may
    leave one of the two. A request of the user that is still running may be remembered after it.
    """
    entries = await miner.playbook.erase(cid)
    return wire.Erased(cid=cid, entries=entries, messages=await miner.conversations.erase(cid))


def _part(items: Sequence[T], page: wire.Page) -> Sequence[T]:
    return items[page.offset : page.offset + page.limit]


def _no_conversation() -> ApiError:
    return ApiError(404, "not_found", "there is no such conversation")

"""Everything that is remembered, as lines of JSON: read for a backup, and put back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from io import BytesIO
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from memory import Message
from memory.entries import Export
from nodes.miner import Miner
from server.context import context_of
from server.errors import ApiError, ErrorBody
from server.raw_path import RawPathRoute
from server.user_data import OpenMiner
from server.wire.form import Cid

MEDIA_TYPE = "application/x-ndjson"
MOST_MESSAGES = 1_000
READ_AT_ONCE = 64 * 1024  # bytes of lines; then others have their turn

routes = APIRouter(route_class=RawPathRoute, tags=["what is remembered"])


class Said(BaseModel):
    """A message of a conversation."""

    role: Literal["user", "assistant"]
    content: str
    created_at: AwareDatetime


class Conversation(BaseModel):
    """A conversation, oldest message first."""

    cid: Annotated[Cid, Field(min_length=1)]
    messages: Annotated[list[Said], Field(max_length=MOST_MESSAGES)]


class Line(BaseModel):
    """One line of a backup: a user's playbook or a conversation."""

    model_config = ConfigDict(extra="ignore")

    playbook: Export | None = None
    conversation: Conversation | None = None


class End(BaseModel):
    """The last line: how many of each came before it, so that a cut is noticed."""

    playbooks: int = 0
    conversations: int = 0


class Restored(End):
    """How many were put back, and how many conversations stayed as they were: newer ones."""

    kept: int = 0


@routes.get(
    "/backup",
    summary="Read everything that is remembered",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "One JSON object a line."}},
)
async def backup(miner: OpenMiner) -> StreamingResponse:
    """A line for each user's playbook and for each conversation, each as of one moment, while the
    miner goes on; the last line, `{"end": …}`, counts them. Kept by `python -m tools.backup`."""
    return StreamingResponse(_lines(miner), media_type=MEDIA_TYPE)


async def _lines(miner: Miner) -> AsyncIterator[str]:
    end = End()
    async for playbook in miner.playbook.exports():
        yield Line(playbook=playbook).model_dump_json(exclude_none=True) + "\n"
        end.playbooks += 1
    async for cid, messages in miner.conversations.exports():
        said = [_said(message.role, message.content, message.created_at) for message in messages]
        conversation = Conversation.model_construct(cid=_whole(cid), messages=said)
        yield Line(conversation=conversation).model_dump_json(exclude_none=True) + "\n"
        end.conversations += 1
    yield f'{{"end": {end.model_dump_json()}}}\n'


async def _sent(request: Request) -> bytes | bytearray:
    """The body, each of whose lines has been read once: a wrong one changes nothing."""
    body = context_of(request.scope).take_body()
    async for _ in _read(body):
        pass
    return body


async def _read(body: bytes | bytearray) -> AsyncIterator[Line]:
    """The lines one by one: freeing many of them at a time would stop everybody else."""
    unbroken = 0
    for number, line in enumerate(BytesIO(body), 1):
        unbroken += len(line)
        if unbroken > READ_AT_ONCE:
            unbroken = 0
            await asyncio.sleep(0)
        try:
            yield Line.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "line"
            detail = f"line {number}: {field}: {first['msg']}"
            raise ApiError(422, "invalid_request", detail) from None


@routes.post(
    "/restore",
    summary="Put back lines of a backup",
    responses={422: {"model": ErrorBody, "description": "A line is wrong; `detail` names it."}},
    openapi_extra={
        "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}
    },
)
async def restore(body: Annotated[bytes | bytearray, Depends(_sent)], miner: OpenMiner) -> Restored:
    """Lines as `/backup` gives them, in any number that MAX_BODY_BYTES allows.

    An entry goes back to its state in the backup, others stay; a conversation of which anything
    is remembered stays as it is. Can be repeated after a failure.
    """
    restored = Restored()
    async for line in _read(body):
        if line.playbook is not None:
            cid = line.playbook.cid
            await miner.playbook.restore(cid, line.playbook.model_dump(mode="json"))
            restored.playbooks += 1
        if line.conversation is not None:
            said = line.conversation.messages
            messages = [Message(each.role, each.content, each.created_at) for each in said]
            put_back = await miner.conversations.restore(line.conversation.cid, messages)
            restored.conversations += put_back
            restored.kept += not put_back
    return restored


def _said(role: Literal["user", "assistant"], content: str, at: datetime) -> Said:
    return Said(role=role, content=_whole(content), created_at=at)


def _whole(text: str) -> str:
    """The text with half surrogate pairs, which JSON cannot carry, as question marks."""
    return text.encode(errors="replace").decode()

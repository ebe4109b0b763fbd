"""Turns among processes that share a Chroma server: one writer per key at a time.

Chroma's one atomic primitive is that adding an id which exists changes nothing. A lease is a row
added under an id computed from its key; reading it back tells who won. A holder that died leaves
its row to expire. Taking over from it is won in the same way, under an id computed from the dead
holder's nonce: deleting the row first would let two contenders each delete the other's lease.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import Final
from uuid import uuid4

import numpy as np
from pydantic import BaseModel, ConfigDict

from memory.completion import finish
from memory.errors import StoreUnavailable
from memory.store import Collection, Row, Store

LEASE_SECONDS: Final = 20.0
RETRY_SECONDS: Final = (0.01, 0.04)
PAGE: Final = 500
VECTOR: Final = np.ones(1, dtype=np.float32)


class Claim(BaseModel):
    """Who claims a lease, and until when, on the clock of `time.time()`."""

    model_config = ConfigDict(frozen=True)

    nonce: str
    expires: float


class Lease:
    """A turn that its holder has, and must keep before each write."""

    def __init__(self, rows: Collection, id_: str, seconds: float) -> None:
        self._rows = rows
        self._id = id_
        self._seconds = seconds
        self._claim = Claim(nonce=uuid4().hex, expires=0)

    async def keep(self) -> None:
        """Make sure that the turn lasts through one more call to the server.

        Raises `StoreUnavailable` if it is over: somebody else may be writing.
        """
        remaining = self._claim.expires - time.time()
        if remaining < self._seconds / 4:
            raise StoreUnavailable("the turn to write is over; nothing was changed, try again")
        if remaining < self._seconds / 2:
            self._claim = self._fresh()
            await self._rows.upsert([_row(self._id, self._claim)])

    async def attempt(self) -> bool:
        """Whether the turn is ours now; if not, it is worth another try a little later."""
        mine = self._claim = self._fresh()
        await self._rows.add([_row(self._id, mine)])
        holder = _claims(await self._rows.get([self._id])).get(self._id)
        if holder is None:
            return False
        return holder.nonce == mine.nonce or await self._succeed(holder)

    async def release(self) -> None:
        """Give the turn back, unless it may be somebody else's by now."""
        if self._claim.expires - time.time() < self._seconds / 4:
            return
        holder = _claims(await self._rows.get([self._id])).get(self._id)
        if holder is not None and holder.nonce == self._claim.nonce:
            await self._rows.delete([self._id])

    async def _succeed(self, holder: Claim) -> bool:
        """Follow the chain of dead holders to its end, and be its next link."""
        dead, last, links = holder, holder, list[str]()
        while last.nonce != self._claim.nonce:
            if not self._is_dead(last):
                return False
            links.append(f"{self._id}-{last.nonce}")
            await self._rows.add([_row(links[-1], self._claim)])
            claims = _claims(await self._rows.get([self._id, links[-1]]))
            if links[-1] not in claims:
                return False
            last = claims[links[-1]]
        return await self._replace(dead, links, claims)

    async def _replace(self, dead: Claim, links: list[str], claims: Mapping[str, Claim]) -> bool:
        # A chain that was already resolved and swept away looks free: its root tells.
        if (root := claims.get(self._id)) is None or root.nonce != dead.nonce:
            await self._rows.delete(links[-1:])
            return False
        await self._rows.upsert([_row(self._id, self._claim)])
        await self._rows.delete(links)
        return True

    def is_other(self, claim: Claim) -> bool:
        """Whether somebody else has, or is about to take, a turn by `claim`."""
        return claim.nonce != self._claim.nonce and not self._is_dead(claim)

    def _fresh(self) -> Claim:
        return Claim(nonce=self._claim.nonce, expires=time.time() + self._seconds)

    def _is_dead(self, claim: Claim) -> bool:
        # The margin is for clocks that differ between machines.
        return claim.expires + self._seconds / 10 < time.time()


class Leases:
    """The leases of one Chroma server, for a playbook kept in the collection `playbook`.

    A holder that does not come back for `seconds` loses its turn.
    """

    def __init__(self, rows: Collection, playbook: str, seconds: float = LEASE_SECONDS) -> None:
        self._rows = rows
        self._playbook = playbook
        self._seconds = seconds

    @classmethod
    async def open(cls, store: Store, playbook: str, seconds: float = LEASE_SECONDS) -> "Leases":
        return cls(await store.collection("turns", {"holds": "turns"}), playbook, seconds)

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[Lease]:
        """Wait for the turn of `key`, and give it back at the end of the block.

        Raises `StoreUnavailable` also if the playbook has moved to another collection.
        """
        async with self.hold_unfenced(key) as lease:
            # Read after the lease was won: whoever raises the fence then waits for this lease.
            if await self._rows.get([_fence(self._playbook)]):
                raise StoreUnavailable(
                    "another process changed the embeddings of the playbook: restart this one "
                    "with the same EMBEDDINGS and EMBEDDING_MODEL"
                )
            yield lease

    @asynccontextmanager
    async def hold_unfenced(self, key: str) -> AsyncIterator[Lease]:
        """`hold`, for the one who moves the playbook."""
        lease = Lease(self._rows, f"turn-{sha256(key.encode()).hexdigest()}", self._seconds)
        try:
            while not await finish(lease.attempt()):  # noqa: ASYNC110 (other processes' turns)
                await asyncio.sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311
            yield lease
        finally:
            # What was done in the turn stands, even if the server is gone by now.
            with suppress(StoreUnavailable):
                await finish(lease.release())

    async def fence(self, playbook: str, mover: Lease) -> None:
        """Let nobody begin to write to `playbook`, and wait for those who have begun."""
        await self._rows.upsert([Row(_fence(playbook), "{}", VECTOR)])
        while await self._others(mover):
            await asyncio.sleep(max(RETRY_SECONDS))
            await mover.keep()

    async def unfence(self, playbook: str) -> None:
        await self._rows.delete([_fence(playbook)])

    async def _others(self, mover: Lease) -> bool:
        offset = 0
        while rows := await self._rows.page(offset, PAGE):
            claims = _claims({row.id: row for row in rows})
            if any(mover.is_other(claim) for claim in claims.values()):
                return True
            offset += PAGE
        return False


def _fence(playbook: str) -> str:
    return f"fence-{playbook}"


def _row(id_: str, claim: Claim) -> Row:
    return Row(id_, claim.model_dump_json(), VECTOR)


def _claims(rows: Mapping[str, Row]) -> dict[str, Claim]:
    return {
        id_: Claim.model_validate_json(row.text)
        for id_, row in rows.items()
        if id_.startswith("turn-")
    }

"""A client of the miner's native API: `Client` and `AsyncClient` send what `calls` makes.

with Client("http://localhost:8001", key) as miner:
    print(miner.send(calls.complete("ann", "Answer the user", "What is 17 * 23?")).response)
"""

from tools.client import answers, calls
from tools.client.calls import Call
from tools.client.clients import (
    AsyncClient,
    Client,
    Reply,
    is_loopback,
    same_miner,
    usable_address,
)
from tools.client.errors import ClientError, Refused, Unreachable, Unusable
from tools.client.events import Event, Headers, NodeEvent, Result, Token

__all__ = [
    "AsyncClient",
    "Call",
    "Client",
    "ClientError",
    "Event",
    "Headers",
    "NodeEvent",
    "Refused",
    "Reply",
    "Result",
    "Token",
    "Unreachable",
    "Unusable",
    "answers",
    "calls",
    "is_loopback",
    "same_miner",
    "usable_address",
]

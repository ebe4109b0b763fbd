"""An orchestrator of the unified contract: it runs a DAG of calls and validates every response.

    responses = await run(client, DAG, cid="c", task="Answer the user", queries=["6 times 7?"])

Whole responses are passed on as `previous_outputs`. The models below are written from the
contract and know nothing of the miner.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]
Component = Literal[
    "complete",
    "refine",
    "feedback",
    "human_feedback",
    "internet_search",
    "summary",
    "aggregate",
]
NO_UPDATE = "no update"


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Output(_Strict):
    immediate_response: Annotated[str, Field(min_length=1, max_length=50_000)]
    notebook: Annotated[str, Field(min_length=1, max_length=100_000)]


class Response(_Strict):
    """What every component of the unified form answers."""

    cid: Annotated[str, Field(max_length=100)]
    task: Annotated[str, Field(max_length=1_000)]
    input: Annotated[list[Json], Field(min_length=1, max_length=50)]
    output: Output
    component: Component


@dataclass(frozen=True)
class Node:
    """One call of the DAG. `parents` are the nodes whose responses it is given, in this order."""

    name: str
    component: Component
    parents: tuple[str, ...] = ()


# Each node is given what its edges bring.
CHAIN = (
    Node("first", "complete"),
    Node("second", "complete"),
    Node("review", "feedback", ("first", "second")),
    Node("revision", "refine", ("review",)),
    Node("vote", "aggregate", ("revision",)),
    Node("summary", "summary", ("vote",)),
)
# Each node is given everything before it.
EVERYTHING = (
    Node("first", "complete"),
    Node("second", "complete"),
    Node("review", "feedback", ("first", "second")),
    Node("revision", "refine", ("first", "second", "review")),
    Node("vote", "aggregate", ("first", "second", "review", "revision")),
    Node("summary", "summary", ("first", "second", "review", "revision", "vote")),
)


def body(
    cid: str,
    task: str,
    queries: Sequence[str],
    previous_outputs: Sequence[Json] = (),
    **more: object,
) -> Json:
    """A request in the unified form."""
    return {
        "cid": cid,
        "task": task,
        "input": [{"user_query": query} for query in queries],
        "previous_outputs": list(previous_outputs),
        **more,
    }


def validated(sent: Json, component: str, response: httpx.Response) -> Json:
    """The body of a response that keeps the contract for what was sent."""
    assert response.status_code == 200, response.text
    got: Json = response.json()
    return checked(sent, component, got)


def checked(sent: Json, component: str, got: Json) -> Json:
    """A response body that keeps the contract for what was sent."""
    Response.model_validate(got)
    assert got["cid"] == sent["cid"]
    assert got["task"] == sent["task"]
    assert got["input"] == sent["input"]
    assert got["component"] == component
    return got


async def ask(client: httpx.AsyncClient, component: str, sent: Json) -> Json:
    """One call, validated."""
    return validated(sent, component, await client.post(f"/{component}", json=sent))


async def run(
    client: httpx.AsyncClient,
    nodes: Sequence[Node],
    *,
    cid: str,
    task: str,
    queries: Sequence[str],
) -> Mapping[str, Json]:
    """Run a DAG, every node as soon as its parents are done; the responses by the node's name."""
    calls: dict[str, asyncio.Task[Json]] = {}

    async def call(node: Node) -> Json:
        given = [await calls[parent] for parent in node.parents]
        return await ask(client, node.component, body(cid, task, queries, given))

    async with asyncio.TaskGroup() as group:
        for node in nodes:
            calls[node.name] = group.create_task(call(node))
    return {name: task.result() for name, task in calls.items()}

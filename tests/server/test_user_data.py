"""What is kept of each user, laid open: read, changed by hand, carried elsewhere, erased."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from memory import CATEGORIES
from memory.entries import Export
from running_miner import COMPLETE, client_of, miner_settings, serving
from scripted import Scripted
from server.wire.user_data import EntryChange, NewEntry

ODD_CIDS = [
    "a/b",
    "/",
    "//",
    "a%2Fb",
    "%",
    "%2",
    "a b",
    " ",
    "+",
    ".",
    "..",
    "../..",
    "a?b=c",
    "a#b",
    "a&limit=1;b",
    "context",
    "export",
    "häuser 漢字 🙂",
    "e\u0301",
    "\u202eab",
    "line\nbreak\t",
    'quote"\\',
    "x" * 100,
    "🙂" * 100,
]


class User:
    """The endpoints of one user, whose name is sent percent-encoded and otherwise as it is."""

    def __init__(self, client: httpx.AsyncClient, cid: str) -> None:
        self.client = client
        self.cid = cid

    async def call(
        self,
        method: str,
        kind: str,
        tail: str = "",
        *,
        query: str = "",
        json: object = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        path = f"/{kind}/{quote(self.cid, safe='')}{tail}" + (f"?{query}" if query else "")
        # Clients tidy `..` away; what is sent here is what arrives.
        extensions = {"target": path.encode()}
        return await self.client.request(
            method, "/", extensions=extensions, json=json, content=content
        )

    async def add(self, content: str, **fields: object) -> dict[str, Any]:
        response = await self.call("POST", "playbook", json={"content": content, **fields})
        assert response.status_code == 201, response.text
        added: dict[str, Any] = response.json()
        return added

    async def entries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call("GET", "playbook")).json()["entries"]
        return found

    async def contents(self) -> list[str]:
        return [entry["content"] for entry in await self.entries()]


@pytest.fixture
def user(client: httpx.AsyncClient, cid: str) -> User:
    return User(client, cid)


def refused(response: httpx.Response, status: int, error: str) -> dict[str, Any]:
    """The body of an error answer."""
    told: dict[str, Any] = response.json()
    assert response.status_code == status, told
    assert told["error"] == error
    assert told["request_id"] == response.headers["X-Request-ID"]
    return told


def fields_of(response: httpx.Response) -> list[str]:
    return [wrong["field"] for wrong in refused(response, 422, "invalid_request")["detail"]]


async def test_conversations_are_listed_in_pages_the_newest_first(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default("Paris")
    with serving(miner_settings(tmp_path, backend)) as address:
        async with client_of(address) as client:
            for cid in ("a", "b", "c", "a"):
                await client.post("/complete", json={**COMPLETE, "cid": cid})
            first = (await client.get("/conversations?limit=2")).json()
            last = (await client.get("/conversations?limit=2&offset=2")).json()
            beyond = (await client.get("/conversations?offset=1000000000")).json()
    assert [first["total"], first["limit"], first["offset"]] == [3, 2, 0]
    shown = [*first["conversations"], *last["conversations"]]
    assert [(each["cid"], each["messages"]) for each in shown] == [("a", 4), ("c", 2), ("b", 2)]
    assert beyond["conversations"] == []
    assert beyond["total"] == 3


@pytest.mark.parametrize("path", ["/conversations", "/conversations/c", "/playbook/c"])
@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "offset=-1", f"offset={2**64}", "limit=1.5"]
)
async def test_a_page_has_limits(client: httpx.AsyncClient, path: str, query: str) -> None:
    response = await client.get(f"{path}?{query}")
    assert fields_of(response) == [query.partition("=")[0]]


async def test_a_conversation_is_read_and_erased(user: User, shared_backend: Scripted) -> None:
    shared_backend.default("Paris")
    for _ in range(2):
        await user.client.post("/complete", json={**COMPLETE, "cid": user.cid})
    told = (await user.call("GET", "conversations")).json()
    assert [message["role"] for message in told["messages"]] == ["user", "assistant"] * 2
    assert "capital of France" in told["messages"][0]["content"]
    assert told["messages"][1]["content"] == "Paris"
    part = (await user.call("GET", "conversations", query="limit=1&offset=1")).json()
    assert part["messages"] == told["messages"][1:2]
    assert part["total"] == 4
    erased = await user.call("DELETE", "conversations")
    assert erased.json() == {"cid": user.cid, "entries": 0, "messages": 4}
    for method in ("GET", "DELETE"):
        refused(await user.call(method, "conversations"), 404, "not_found")


async def test_a_preference_is_added_by_hand(user: User) -> None:
    added = await user.add("  Answer in French ")
    assert added["content"] == "Answer in French"
    assert added["category"] == "other"
    assert added["evidence"] == "added by hand"
    assert added["version"] == 1
    for category in CATEGORIES:
        assert (await user.add("Anything", category=category))["category"] == category
    entries = await user.entries()
    assert entries[0] == added
    assert len(entries) == 1 + len(CATEGORIES)
    page = (await user.call("GET", "playbook", query="limit=2&offset=1")).json()
    assert page["entries"] == entries[1:3]
    assert page["total"] == len(entries)


async def test_a_user_who_is_not_known_has_an_empty_playbook(user: User) -> None:
    assert (await user.call("GET", "playbook")).json() == {
        "cid": user.cid,
        "entries": [],
        "limit": 100,
        "offset": 0,
        "total": 0,
    }
    assert (await user.call("DELETE", "playbook")).json()["entries"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"content": ""}, "content"),
        ({"content": " \n"}, "content"),
        ({"content": "x" * 10_001}, "content"),
        ({"content": 1}, "content"),
        ({"content": None}, "content"),
        ({"content": "x", "category": "cooking"}, "category"),
        ({"content": "x", "category": ""}, "category"),
        ({"content": "x", "category": 1}, "category"),
    ],
)
async def test_what_is_added_has_limits(user: User, body: dict[str, object], field: str) -> None:
    assert fields_of(await user.call("POST", "playbook", json=body)) == [field]
    assert await user.contents() == []


async def test_the_longest_content_is_taken_and_a_text_cut_in_an_emoji(user: User) -> None:
    await user.add("x" * 10_000)
    await user.call("POST", "playbook", content=b'{"content": "smile \\ud83d"}')
    assert [len(content) for content in await user.contents()] == [10_000, len("smile ?")]


@pytest.mark.parametrize("sent", [b"", b"{", b"\xff", b'{"content": }'])
async def test_what_is_no_json_is_told(user: User, sent: bytes) -> None:
    refused(await user.call("POST", "playbook", content=sent), 400, "malformed_json")


@pytest.mark.parametrize("sent", [b"[]", b'"text"', b"null"])
async def test_what_is_no_object_is_told(user: User, sent: bytes) -> None:
    assert fields_of(await user.call("POST", "playbook", content=sent)) == ["body"]


async def test_a_full_playbook_takes_no_more(tmp_path: Path, backend: Scripted) -> None:
    with serving(miner_settings(tmp_path, backend, max_playbook_nodes=2)) as address:
        async with client_of(address) as client:
            user, other = User(client, "a"), User(client, "b")
            await user.add("one")
            await user.add("two")
            await other.add("three")
            third = await user.call("POST", "playbook", json={"content": "three"})
            assert "the limit is 2" in refused(third, 409, "playbook_full")["detail"]
            exported = (await other.call("GET", "playbook", "/export")).json()
            more = await user.call("POST", "playbook", "/import", json=exported)
            refused(more, 409, "playbook_full")
            assert await user.contents() == ["one", "two"]


async def test_an_entry_is_edited_and_its_history_tells(user: User) -> None:
    node = f"/{(await user.add('Answer in French', category='language'))['node_id']}"
    edited = await user.call("PATCH", "playbook", node, json={"content": "Answer in German"})
    assert edited.json()["category"] == "language"
    change = {"category": "tone", "expected_version": 2}
    edited = await user.call("PATCH", "playbook", node, json=change)
    assert [edited.json()[name] for name in ("content", "category", "version", "evidence")] == [
        "Answer in German",
        "tone",
        3,
        "edited by hand",
    ]
    history = (await user.call("GET", "playbook", f"{node}/history")).json()
    assert [
        (version["version"], version["content"], version["category"], version["evidence"])
        for version in history["versions"]
    ] == [
        (1, "Answer in French", "language", "added by hand"),
        (2, "Answer in German", "language", "edited by hand"),
        (3, "Answer in German", "tone", "edited by hand"),
    ]
    times = [version["at"] for version in history["versions"]]
    assert times == sorted(times)
    assert times[-1] == edited.json()["updated_at"]
    page = (await user.call("GET", "playbook", f"{node}/history", query="offset=2")).json()
    assert [version["version"] for version in page["versions"]] == [3]
    assert page["total"] == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "body"),
        ({"contents": "misspelt"}, "body"),
        ({"content": None}, "body"),
        ({"content": ""}, "content"),
        ({"content": "x" * 10_001}, "content"),
        ({"category": "cooking"}, "category"),
        ({"content": "x", "expected_version": 0}, "expected_version"),
        ({"content": "x", "expected_version": "1"}, "expected_version"),
    ],
)
async def test_an_edit_has_limits(user: User, change: dict[str, object], field: str) -> None:
    added = await user.add("Answer in French")
    response = await user.call("PATCH", "playbook", f"/{added['node_id']}", json=change)
    assert fields_of(response) == [field]
    assert await user.entries() == [added]


async def test_an_edit_of_what_changed_meanwhile_is_refused(user: User) -> None:
    node = f"/{(await user.add('one'))['node_id']}"
    await user.call("PATCH", "playbook", node, json={"content": "two"})
    change = {"content": "three", "expected_version": 1}
    refused(await user.call("PATCH", "playbook", node, json=change), 409, "entry_conflict")
    assert await user.contents() == ["two"]


async def test_an_entry_is_removed_with_its_history(user: User) -> None:
    node = f"/{(await user.add('one'))['node_id']}"
    await user.add("two")
    removed = await user.call("DELETE", "playbook", node)
    assert removed.json() == {"cid": user.cid, "entries": 1, "messages": 0}
    assert await user.contents() == ["two"]
    refused(await user.call("DELETE", "playbook", node), 404, "not_found")
    refused(await user.call("GET", "playbook", f"{node}/history"), 404, "not_found")
    change = {"content": "three"}
    refused(await user.call("PATCH", "playbook", node, json=change), 404, "not_found")


async def test_an_entry_of_another_user_is_out_of_reach(user: User) -> None:
    node = f"/{(await user.add('one'))['node_id']}"
    other = User(user.client, f"{user.cid}-other")
    for method, tail in (("PATCH", node), ("DELETE", node), ("GET", f"{node}/history")):
        body = {"content": "two"} if method == "PATCH" else None
        refused(await other.call(method, "playbook", tail, json=body), 404, "not_found")
    assert await user.contents() == ["one"]


async def test_the_context_is_what_the_prompt_has(user: User, shared_backend: Scripted) -> None:
    empty = (await user.call("GET", "playbook", "/context")).json()
    nothing = {"context": "", "entries": [], "total": 0, "total_entries": 0}
    assert empty == {"cid": user.cid, **nothing}
    added = [await user.add("Answer in French"), await user.add("Use SI units")]
    told = (await user.call("GET", "playbook", "/context")).json()
    assert told["entries"] == [entry["node_id"] for entry in added]
    assert told["total"] == 2
    shared_backend.default("Paris")
    await user.client.post("/complete", json={**COMPLETE, "cid": user.cid})
    assert told["context"]
    assert told["context"] in shared_backend.requests[0].prompt


async def test_the_context_beyond_the_budget_is_what_matters_for_the_query(
    tmp_path: Path, backend: Scripted
) -> None:
    cooking = "Pasta recipes and sauces should leave out garlic and onions " * 2
    running = "Marathon training plans should keep to four running days a week " * 2
    with serving(miner_settings(tmp_path, backend, playbook_token_budget=50)) as address:
        async with client_of(address) as client:
            user = User(client, "a")
            for content in (cooking, running):
                await user.add(content, category="domain", applies="topic")
            for query, expected in (("a sauce for pasta", cooking), ("a marathon", running)):
                asked = f"query={quote(query)}"
                told = (await user.call("GET", "playbook", "/context", query=asked)).json()
                assert told["context"].endswith(f"- {expected.strip()}")
                assert [len(told["entries"]), told["total"]] == [1, 2]
            too_long = await user.call("GET", "playbook", "/context", query=f"query={'x' * 4001}")
            assert fields_of(too_long) == ["query"]


async def test_an_export_brings_everything_back(user: User) -> None:
    node = f"/{(await user.add('Answer in French', category='language'))['node_id']}"
    await user.call("PATCH", "playbook", node, json={"content": "Answer in German"})
    await user.add("Use SI units")
    before = await user.entries()
    history = (await user.call("GET", "playbook", f"{node}/history")).json()
    exported = (await user.call("GET", "playbook", "/export")).json()
    assert (await user.call("DELETE", "playbook")).json()["entries"] == 2
    assert await user.entries() == []
    imported = await user.call("POST", "playbook", "/import", json=exported)
    assert imported.json() == {"cid": user.cid, "entries": before}
    assert await user.entries() == before
    assert (await user.call("GET", "playbook", f"{node}/history")).json() == history
    other = User(user.client, f"{user.cid}-other")
    await other.call("POST", "playbook", "/import", json=exported)
    assert await other.entries() == before


def _twice(exported: dict[str, Any]) -> None:
    exported["entries"] *= 2


def _set(exported: dict[str, Any], name: str, value: object) -> None:
    exported["entries"][1]["versions"][0][name] = value


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda exported: exported.clear(), "cid"),
        (lambda exported: exported.update(entries=1), "entries"),
        (_twice, "body"),
        (lambda exported: _set(exported, "content", ""), "entries.1.versions.0.content"),
        (lambda exported: _set(exported, "content", "x" * 10_001), "entries.1.versions.0.content"),
        (lambda exported: _set(exported, "at", "yesterday"), "entries.1.versions.0.at"),
        (lambda exported: _set(exported, "at", "2026-01-01T00:00:00"), "entries.1.versions.0.at"),
        (lambda exported: _set(exported, "version", 0), "entries.1.versions.0.version"),
    ],
)
async def test_a_broken_import_changes_nothing(
    user: User, spoil: Callable[[dict[str, Any]], None], field: str
) -> None:
    await user.add("one")
    await user.add("two")
    exported = (await user.call("GET", "playbook", "/export")).json()
    exported["entries"][0]["versions"][0]["content"] = "another"
    spoil(exported)
    response = await user.call("POST", "playbook", "/import", json=exported)
    assert fields_of(response)[0] == field
    assert await user.contents() == ["one", "two"]


@pytest.mark.parametrize("cid", ODD_CIDS)
async def test_any_cid_can_be_addressed(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.default("Paris")
    user = User(client, cid)
    await client.post("/complete", json={**COMPLETE, "cid": cid})
    assert (await user.call("GET", "conversations")).json()["cid"] == cid
    listed = (await client.get("/conversations")).json()["conversations"]
    assert cid in [conversation["cid"] for conversation in listed]
    node = f"/{(await user.add('one'))['node_id']}"
    change = {"content": "two"}
    assert (await user.call("PATCH", "playbook", node, json=change)).status_code == 200
    assert (await user.call("GET", "playbook", f"{node}/history")).json()["total"] == 2
    assert (await user.call("GET", "playbook", "/context")).json()["total"] == 1
    exported = (await user.call("GET", "playbook", "/export")).json()
    assert exported["cid"] == cid
    assert (await user.call("POST", "playbook", "/import", json=exported)).status_code == 200
    await client.post("/complete", json={**COMPLETE, "cid": cid})
    assert "- two" in shared_backend.requests[-1].prompt
    erased = (await user.call("DELETE", "users")).json()
    assert erased == {"cid": cid, "entries": 1, "messages": 4}


async def test_cids_that_look_alike_are_different_users(client: httpx.AsyncClient) -> None:
    unique = uuid4().hex
    cids = [f"{unique}{tail}" for tail in ("", "/", "%2F", "/b", " ", "+", "%20", "/..", ".")]
    for cid in cids:
        await User(client, cid).add(cid)
    for cid in cids:
        assert await User(client, cid).contents() == [cid.strip()]


@pytest.mark.parametrize("sent", ["%ff", "%ed%a0%80", "a%00b", "x" * 101, "%F0%9F%99%82" * 101])
@pytest.mark.parametrize("kind", ["playbook", "conversations", "users"])
async def test_what_cannot_be_a_cid_is_refused(
    client: httpx.AsyncClient, sent: str, kind: str
) -> None:
    response = await client.request(
        "DELETE", "/", extensions={"target": f"/{kind}/{sent}".encode()}
    )
    assert fields_of(response) == ["cid"]


@pytest.mark.parametrize("path", ["/playbook/", "/playbook", "/conversations/", "/users/"])
async def test_without_a_cid_nothing_is_found(client: httpx.AsyncClient, path: str) -> None:
    refused(await client.delete(path), 404, "not_found")


SAID = "a-word-of-the-conversation"
PREFERRED = "a-word-of-the-playbook"
REPLACED = "a-word-of-its-history"


def readable(data_dir: Path) -> dict[str, int]:
    """How many rows of each table of both stores have words of the user or the user's name."""
    found: dict[str, int] = {}
    for path in (data_dir / "conversations.db", data_dir / "playbook" / "chroma.sqlite3"):
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        for table in tables(database):
            rows = [repr(row) for row in database.execute(f'SELECT * FROM "{table}"')]
            words = (SAID, PREFERRED, REPLACED, "erased-user")
            if hits := sum(any(word in row for word in words) for row in rows):
                found[table] = hits
        database.close()
    return found


def tables(database: sqlite3.Connection) -> Iterator[str]:
    # The rows of a virtual table stand in the tables behind it.
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'"
    for (name,) in database.execute(query).fetchall():
        yield name


async def remember_a_user(client: httpx.AsyncClient) -> User:
    user = User(client, "erased-user")
    await client.post("/complete", json={**COMPLETE, "cid": user.cid, "input": SAID})
    node = f"/{(await user.add(REPLACED))['node_id']}"
    await user.call("PATCH", "playbook", node, json={"content": PREFERRED})
    await User(client, "another").add("stays")
    return user


async def test_erasing_a_user_leaves_no_record_in_either_store(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default("Paris")
    settings = miner_settings(tmp_path, backend)
    with serving(settings) as address:
        async with client_of(address) as client:
            await remember_a_user(client)
    # The stores are looked into while nobody has them open.
    before = readable(tmp_path)
    assert {"messages", "embedding_metadata"} <= set(before)
    with serving(settings) as address:
        async with client_of(address) as client:
            user = User(client, "erased-user")
            erased = (await user.call("DELETE", "users")).json()
            assert erased == {"cid": user.cid, "entries": 1, "messages": 2}
            again = await user.call("DELETE", "users")
            assert again.json() == {"cid": user.cid, "entries": 0, "messages": 0}
            refused(await user.call("GET", "conversations"), 404, "not_found")
            assert (await user.call("GET", "playbook", "/export")).json()["entries"] == []
    # Chroma's log of writes has them until its index has taken a hundred writes in.
    assert set(readable(tmp_path)) <= {"embeddings_queue"}
    words = (SAID.encode(), b"erased-user")
    assert not [word for word in words if word in (tmp_path / "conversations.db").read_bytes()]
    with serving(settings) as address:
        async with client_of(address) as client:
            node = f"/{(await User(client, 'another').entries())[0]['node_id']}"
            for number in range(100):
                change = {"content": f"stays {number}"}
                await User(client, "another").call("PATCH", "playbook", node, json=change)
            assert await User(client, "another").contents() == ["stays 99"]
    assert readable(tmp_path) == {}


async def test_erasing_one_store_leaves_the_other(tmp_path: Path, backend: Scripted) -> None:
    backend.default("Paris")
    with serving(miner_settings(tmp_path, backend)) as address:
        async with client_of(address) as client:
            user = await remember_a_user(client)
            erased = await user.call("DELETE", "conversations")
            assert erased.json() == {"cid": user.cid, "entries": 0, "messages": 2}
            assert await user.contents() == [PREFERRED]
            await client.post("/complete", json={**COMPLETE, "cid": user.cid})
            erased = await user.call("DELETE", "playbook")
            assert erased.json() == {"cid": user.cid, "entries": 1, "messages": 0}
            assert (await user.call("GET", "conversations")).json()["total"] == 2


async def test_names_of_users_stay_out_of_the_log(
    tmp_path: Path, backend: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = miner_settings(tmp_path, backend, log_format="json", log_level="debug")
    with serving(settings) as address:
        async with client_of(address) as client, client_of(address, None) as stranger:
            for caller in (client, stranger):
                await caller.get("/playbook/a-name")
                await caller.get("/playbook/a-name/nothing/of/this")
                await caller.put("/conversations/a-name")
                await caller.delete("/users/a-name")
    logged = capfd.readouterr().err
    paths = [json.loads(line)["path"] for line in logged.splitlines() if '"path"' in line]
    assert len(paths) == 8
    assert {"/playbook/{cid}", "/users/{cid}", "/playbook/…"} <= set(paths)
    assert "a-name" not in logged


async def test_the_documentation_shows_what_to_send(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    assert not [name for name in schemas if "__" in name or "HTTPValidation" in name]
    for path, method, model in (
        ("/playbook/{cid}", "post", NewEntry),
        ("/playbook/{cid}/{node_id}", "patch", EntryChange),
        ("/playbook/{cid}/import", "post", Export),
    ):
        operation = document["paths"][path][method]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": f"#/components/schemas/{model.__name__}"}
        for example in schemas[model.__name__].get("examples", []):
            model.model_validate(example)
        assert {"400", "401", "409", "422", "503"} <= set(operation["responses"])
    assert schemas["NewEntry"]["examples"]
    assert schemas["NewEntry"]["properties"]["content"]["maxLength"] == 10_000
    assert "both stores" in document["paths"]["/users/{cid}"]["delete"]["description"]

"""What the playbook promises, on embedded Chroma and on a Chroma server alike."""

import asyncio
import gc
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from changing import supersede

from memory import (
    Add,
    Entry,
    EntryConflict,
    Forget,
    InvalidEntry,
    MemoryStoreError,
    Playbook,
    PlaybookFull,
    Replace,
    TurnTimeout,
    UnknownEntry,
)
from settings import Settings
from support import make_settings

LOOKALIKES = ["a", "A", "a ", "a:1", "a-1", "a-0", "a\n", "é", "e\u0301", "a\x00", "*", "1"]


def contents(entries: list[Entry]) -> list[str]:
    return [entry.content for entry in entries]


async def test_an_added_entry_is_remembered_as_given(playbook: Playbook, cid: str) -> None:
    before = datetime.now(UTC)
    added = await playbook.add(cid, "Answer in French", "language", "only in French, please")
    assert (added.content, added.category) == ("Answer in French", "language")
    assert (added.evidence, added.version) == ("only in French, please", 1)
    assert before <= added.created_at == added.updated_at <= datetime.now(UTC)
    assert await playbook.all(cid) == [added]


async def test_entries_come_oldest_first(playbook: Playbook, cid: str) -> None:
    first = await playbook.add(cid, "one", "topic")
    for content in ("two", "three", "four"):
        await playbook.add(cid, content, "topic")
    await playbook.forget(cid, first.node_id)
    await playbook.add(cid, "five", "topic")
    assert contents(await playbook.all(cid)) == ["two", "three", "four", "five"]


async def test_superseding_keeps_the_entry_and_its_past(playbook: Playbook, cid: str) -> None:
    first = await playbook.add(cid, "Answer in French", "language", "in French")
    second = await supersede(
        playbook, cid, first.node_id, "Answer in German", evidence="now German"
    )
    third = await supersede(playbook, cid, first.node_id, "Be brief", "style")
    assert (second.node_id, second.version, second.category) == (first.node_id, 2, "language")
    assert (third.version, third.category, third.evidence) == (3, "style", "")
    assert third.created_at == first.created_at <= second.updated_at <= third.updated_at
    assert await playbook.all(cid) == [third]
    history = await playbook.history(cid, first.node_id)
    assert [state.content for state in history] == [first.content, second.content, third.content]
    assert [state.version for state in history] == [1, 2, 3]
    assert [state.at for state in history] == [
        first.updated_at,
        second.updated_at,
        third.updated_at,
    ]


async def test_the_history_keeps_the_last_hundred_versions(playbook: Playbook, cid: str) -> None:
    [state] = exported(1)["entries"][0]["versions"]
    versions = [state | {"version": number} for number in range(1, 101)]
    [entry] = await playbook.restore(cid, exported(1, versions=versions))
    for number in (101, 102):
        await supersede(playbook, cid, entry.node_id, str(number))
    history = await playbook.history(cid, entry.node_id)
    assert [version.version for version in history] == list(range(3, 103))
    assert (await playbook.all(cid))[0].created_at == entry.created_at


async def test_a_forgotten_entry_is_gone_with_its_history(playbook: Playbook, cid: str) -> None:
    entry = await playbook.add(cid, "Answer in French", "language")
    await supersede(playbook, cid, entry.node_id, "Answer in German")
    await playbook.forget(cid, entry.node_id)
    assert await playbook.all(cid) == []
    with pytest.raises(UnknownEntry):
        await playbook.history(cid, entry.node_id)
    with pytest.raises(UnknownEntry):
        await playbook.forget(cid, entry.node_id)
    with pytest.raises(UnknownEntry):
        await supersede(playbook, cid, entry.node_id, "Answer in Greek")
    successor = await playbook.add(cid, "Answer in French", "language")
    assert successor.node_id != entry.node_id
    assert len(await playbook.history(cid, successor.node_id)) == 1


async def test_no_user_sees_or_changes_what_another_has(playbook: Playbook, cid: str) -> None:
    users = [name + cid for name in LOOKALIKES] + [cid + name for name in LOOKALIKES] + [cid]
    entries = {user: await playbook.add(user, f"of {user!r}", "topic") for user in users}
    for user in users:
        assert await playbook.all(user) == [entries[user]]
    with pytest.raises(UnknownEntry):
        await playbook.forget(users[0], entries[users[1]].node_id)
    assert await playbook.erase(users[0]) == 1
    assert [len(await playbook.all(user)) for user in users] == [0] + [1] * (len(users) - 1)


async def test_a_full_playbook_takes_no_more(store_settings: Settings, cid: str) -> None:
    limited = store_settings.model_copy(update={"max_playbook_nodes": 3})
    async with Playbook.open(limited) as playbook:
        entries = [await playbook.add(cid, str(number), "topic") for number in range(3)]
        with pytest.raises(PlaybookFull, match="limit is 3"):
            await playbook.add(cid, "one too many", "topic")
        assert await playbook.all(cid) == entries
        await supersede(playbook, cid, entries[0].node_id, "a change is no addition")
        await playbook.forget(cid, entries[1].node_id)
        await playbook.add(cid, "3", "topic")
        assert len(await playbook.all(cid)) == 3


async def test_a_lower_limit_hides_nothing(store_settings: Settings, cid: str) -> None:
    async with Playbook.open(store_settings) as playbook:
        entries = [await playbook.add(cid, str(number), "topic") for number in range(5)]
    lowered = store_settings.model_copy(update={"max_playbook_nodes": 2})
    for _ in range(2):
        async with Playbook.open(lowered) as playbook:
            assert await playbook.all(cid) == entries
            with pytest.raises(PlaybookFull):
                await playbook.add(cid, "5", "topic")
    raised = store_settings.model_copy(update={"max_playbook_nodes": 200})
    async with Playbook.open(raised) as playbook:
        await playbook.restore(cid, exported(150))
        assert len(await playbook.all(cid)) == 155


async def test_a_stale_change_is_refused(playbook: Playbook, cid: str) -> None:
    entry = await playbook.add(cid, "one", "topic")
    changed = await supersede(playbook, cid, entry.node_id, "two", expected_version=1)
    with pytest.raises(EntryConflict, match="version 2, not 1"):
        await supersede(playbook, cid, entry.node_id, "three", expected_version=1)
    with pytest.raises(EntryConflict):
        async with playbook.writing(cid) as writer:
            await writer.apply([Forget(entry.node_id, expected_version=1)])
    assert await playbook.all(cid) == [changed]
    async with playbook.writing(cid) as writer:
        await writer.apply([Forget(entry.node_id, expected_version=2)])
    assert await playbook.all(cid) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content", ""),
        ("content", " \n"),
        ("content", "x" * 10_001),
        ("content", "\ud800"),
        ("category", "x" * 101),
        ("evidence", "x" * 10_001),
    ],
)
async def test_a_field_beyond_its_limit_changes_nothing(
    playbook: Playbook, cid: str, field: str, value: str
) -> None:
    entry = await playbook.add(cid, "Answer in French", "language")
    wrong = {"content": "Be brief", "category": "style", "evidence": ""} | {field: value}
    with pytest.raises(InvalidEntry, match=field):
        await playbook.add(cid, **wrong)
    with pytest.raises(InvalidEntry, match=field):
        await supersede(playbook, cid, entry.node_id, **wrong)
    assert await playbook.all(cid) == [entry]


async def test_any_text_survives(playbook: Playbook, cid: str) -> None:
    text = "NUL \x00, quote \" ' \\, 日本語, 👩‍👩‍👧, \u202eright to left, {} %s"
    entry = await playbook.add(cid, text, text, text)
    assert (entry.content, entry.category, entry.evidence) == (text, text, text)
    assert await playbook.all(cid) == [entry]


async def test_an_export_restores_everything(playbook: Playbook, cid: str) -> None:
    first = await playbook.add(cid, "Answer in French", "language", "in French")
    await supersede(playbook, cid, first.node_id, "Answer in German")
    await playbook.add(cid, "Be brief", "style")
    before, history = await playbook.all(cid), await playbook.history(cid, first.node_id)
    data = json.loads(json.dumps(await playbook.export(cid)))
    assert await playbook.erase(cid) == 2
    assert await playbook.all(cid) == []
    assert await playbook.restore(cid, data) == before
    assert await playbook.all(cid) == before
    assert await playbook.history(cid, first.node_id) == history
    await playbook.restore(cid + "-copy", data)
    assert await playbook.all(cid + "-copy") == before


async def test_restoring_returns_entries_and_leaves_others(playbook: Playbook, cid: str) -> None:
    entry = await playbook.add(cid, "Answer in French", "language")
    data = await playbook.export(cid)
    await supersede(playbook, cid, entry.node_id, "Answer in German")
    other = await playbook.add(cid, "Be brief", "style")
    await playbook.restore(cid, data)
    assert await playbook.all(cid) == [entry, other]


def exported(count: int, **changes: object) -> dict[str, Any]:
    state = {"version": 1, "content": "Be brief", "at": "2026-01-01T00:00:00Z"}
    histories = [
        {
            "node_id": f"{number:032x}",
            "created_at": "2026-01-01T00:00:00Z",
            "versions": [state],
        }
        | changes
        for number in range(count)
    ]
    return {"cid": "anyone", "entries": histories}


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ([], "Export"),
        ({"cid": "anyone"}, "entries"),
        (exported(1, node_id="../x"), "entries.0.node_id"),
        (exported(2, node_id="0" * 32), "same node_id"),
        (exported(1, created_at="yesterday"), "entries.0.created_at"),
        (exported(1, created_at="2026-01-01T00:00:00"), "entries.0.created_at"),
        (exported(1, versions=[]), "entries.0.versions"),
        (exported(1, versions=exported(1)["entries"][0]["versions"] * 2), "numbered"),
        (exported(1, versions=[{"version": 1, "content": " ", "at": "2026-01-01T00:00:00Z"}]),
         "entries.0.versions.0.content"),
    ],
)  # fmt: skip
async def test_a_wrong_import_changes_nothing(
    playbook: Playbook, cid: str, data: object, named: str
) -> None:
    entry = await playbook.add(cid, "Answer in French", "language")
    with pytest.raises(InvalidEntry, match=named):
        await playbook.restore(cid, data)
    assert await playbook.all(cid) == [entry]


async def test_an_import_that_does_not_fit_changes_nothing(playbook: Playbook, cid: str) -> None:
    entry = await playbook.add(cid, "Answer in French", "language")
    with pytest.raises(PlaybookFull):
        await playbook.restore(cid, exported(100))
    assert await playbook.all(cid) == [entry]
    await playbook.restore(cid, exported(99))
    assert len(await playbook.all(cid)) == 100


async def test_writers_at_once_lose_nothing(playbook: Playbook, cid: str) -> None:
    added = await asyncio.gather(
        *(playbook.add(cid, f"preference {number}", "topic") for number in range(12))
    )
    assert sorted(contents(await playbook.all(cid))) == sorted(contents(added))


async def test_writers_at_once_respect_the_limit(store_settings: Settings, cid: str) -> None:
    limited = store_settings.model_copy(update={"max_playbook_nodes": 4})
    async with Playbook.open(limited) as playbook:
        adding = (playbook.add(cid, str(number), "topic") for number in range(8))
        results = await asyncio.gather(*adding, return_exceptions=True)
        assert sum(isinstance(result, PlaybookFull) for result in results) == 4
        assert len(await playbook.all(cid)) == 4


async def test_a_turn_keeps_others_out_until_it_ends(playbook: Playbook, cid: str) -> None:
    async with playbook.writing(cid) as writer:
        rival = asyncio.create_task(playbook.add(cid, "rival", "topic"))
        stranger = await playbook.add(cid + "-other", "another user's turn is free", "topic")
        [entry] = await writer.apply([Add("first", "topic")])
        await writer.apply([Replace(entry.node_id, "second")])
        assert contents(await writer.all()) == ["second"]
        assert not rival.done()
    await rival
    assert contents(await playbook.all(cid)) == ["second", "rival"]
    assert await playbook.all(cid + "-other") == [stranger]


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 4, 8, 16, 32])
async def test_a_cancelled_write_is_whole_and_over(
    playbook: Playbook, cid: str, milliseconds: int
) -> None:
    adding = asyncio.create_task(playbook.add(cid, "half-hearted", "topic"))
    await asyncio.sleep(milliseconds / 1000)
    adding.cancel()
    await asyncio.wait([adding])
    left = await playbook.all(cid)
    marker = await playbook.add(cid, "the turn is free, and nothing comes late", "topic")
    assert await playbook.all(cid) == [*left, marker]


async def test_turns_leave_no_locks_behind(playbook: Playbook, cid: str) -> None:
    await playbook.add(cid, "warm up", "topic")
    before = _locks()
    for number in range(6):
        await playbook.add(f"{cid}-{number}", "Be brief", "style")
    assert _locks() <= before + 1


def _locks() -> int:
    gc.collect()
    return sum(isinstance(found, asyncio.Lock) for found in gc.get_objects())


async def test_everything_survives_a_restart(store_settings: Settings, cid: str) -> None:
    async with Playbook.open(store_settings) as playbook:
        entry = await playbook.add(cid, "Answer in French", "language")
        await supersede(playbook, cid, entry.node_id, "Answer in German")
        before, history = await playbook.all(cid), await playbook.history(cid, entry.node_id)
        count = await playbook.count()
    async with Playbook.open(store_settings) as playbook:
        assert await playbook.all(cid) == before
        assert await playbook.history(cid, entry.node_id) == history
        assert await playbook.count() == count >= 1
        await playbook.count()


async def test_the_count_is_of_all_users(settings: Settings) -> None:
    async with Playbook.open(settings) as playbook:
        await playbook.add("a", "Be brief", "style")
        await playbook.add("b", "Be brief", "style")
        assert await playbook.count() == 2


async def test_a_batch_is_made_in_its_order(playbook: Playbook, cid: str) -> None:
    one, two = [await playbook.add(cid, content, "topic") for content in ("one", "two")]
    async with playbook.writing(cid) as writer:
        changed = await writer.apply(
            [
                Forget(one.node_id, expected_version=1),
                Replace(two.node_id, "second", "style", "said so", "topic"),
                Replace(two.node_id, "third", expected_version=2),
                Add("new", "tone", "its evidence", "topic"),
            ]
        )
        assert await writer.all() == [changed[2], changed[3]]
    assert changed[0] == one
    assert (changed[2].content, changed[2].version) == ("third", 3)
    assert (changed[2].category, changed[2].applies) == ("style", "topic")
    assert await playbook.all(cid) == [changed[2], changed[3]]
    past = await playbook.history(cid, two.node_id)
    assert [version.content for version in past] == ["two", "second", "third"]
    assert [version.applies for version in past] == ["always", "topic", "topic"]
    with pytest.raises(UnknownEntry):
        await playbook.history(cid, one.node_id)


async def test_a_batch_in_which_one_change_is_refused_makes_none(
    playbook: Playbook, cid: str
) -> None:
    present = [await playbook.add(cid, content, "topic") for content in ("one", "two")]
    good = [Forget(present[0].node_id), Add("new", "topic")]
    refused: dict[type[MemoryStoreError], list[Add | Replace | Forget]] = {
        UnknownEntry: [Forget(present[0].node_id)],
        EntryConflict: [Replace(present[1].node_id, "second", expected_version=2)],
        InvalidEntry: [Add("", "topic")],
        PlaybookFull: [Add(str(number), "topic") for number in range(100)],
    }
    for error, changes in refused.items():
        with pytest.raises(error):
            async with playbook.writing(cid) as writer:
                await writer.apply([*good, *changes])
        assert await playbook.all(cid) == present


async def test_what_is_forgotten_makes_room_in_the_same_batch(
    store_settings: Settings, cid: str
) -> None:
    limited = store_settings.model_copy(update={"max_playbook_nodes": 2})
    async with Playbook.open(limited) as playbook:
        old = [await playbook.add(cid, content, "topic") for content in ("one", "two")]
        async with playbook.writing(cid) as writer:
            new = await writer.apply(
                [*(Forget(entry.node_id) for entry in old), Add("1", "topic"), Add("2", "topic")]
            )
        assert await playbook.all(cid) == new[2:]
        for entry in new[2:]:
            assert len(await playbook.history(cid, entry.node_id)) == 1


async def test_nothing_is_written_after_the_deadline(playbook: Playbook, cid: str) -> None:
    async with playbook.writing(cid, deadline=time.monotonic() + 1) as writer:
        await writer.apply([Add("in time", "topic")])
        await asyncio.sleep(1)
        with pytest.raises(TurnTimeout):
            await writer.apply([Add("late", "topic")])
    assert contents(await playbook.all(cid)) == ["in time"]


async def test_a_turn_is_waited_for_within_the_deadline(playbook: Playbook, cid: str) -> None:
    async with playbook.writing(cid):
        with pytest.raises(TurnTimeout):
            async with playbook.writing(cid, deadline=time.monotonic() + 0.05):
                pass
    await playbook.add(cid, "the turn is free", "topic")


async def test_entries_of_a_higher_limit_are_erased_under_a_lower_one(
    store_settings: Settings, cid: str
) -> None:
    async with Playbook.open(store_settings) as playbook:
        await playbook.restore(cid, exported(70))
    lowered = store_settings.model_copy(update={"max_playbook_nodes": 2})
    async with Playbook.open(lowered) as playbook:
        assert await playbook.erase(cid) == 70
    async with Playbook.open(store_settings) as playbook:
        assert await playbook.all(cid) == []


async def test_slots_that_another_process_used_first_are_read(
    chroma_server: str, tmp_path: Path, cid: str
) -> None:
    settings = make_settings(tmp_path, chroma_url=chroma_server, max_playbook_nodes=1000)
    async with Playbook.open(settings) as one, Playbook.open(settings) as other:
        await one.restore(cid, exported(990))
        assert len(await other.all(cid)) == 990
        assert await other.count() == await one.count()
        assert await other.erase(cid) == 990

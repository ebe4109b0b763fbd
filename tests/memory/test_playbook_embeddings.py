"""A change of the embedding model: everything is embedded anew, and nothing is lost."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from memory import Embeddings, Entry, Playbook, Replace, StoreUnavailable
from memory.embeddings import Vectors
from settings import Settings
from stores import chroma
from support import make_settings

USERS = {"a": 70, "b": 5, "ä": 1}


class Hashes:
    """Vectors from a digest of each text. Stops working after `good_for` texts."""

    def __init__(self, name: str, dimension: int, good_for: int = 10_000) -> None:
        self.name = name
        self._dimension = dimension
        self.good_for = good_for

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.good_for -= len(texts)
        if self.good_for < 0:
            raise StoreUnavailable("the embedding endpoint is gone")
        rows = [self._embed(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self._dimension)

    def _embed(self, text: str) -> Vectors:
        seed = int.from_bytes(sha256(text.encode()).digest()[:4])
        vector = np.random.default_rng(seed).normal(size=self._dimension)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
async def filled(settings: Settings) -> dict[str, list[Entry]]:
    """What users have in a playbook written with 8-dimensional vectors, by user."""
    async with Playbook.open(settings, embeddings=Hashes("old", 8)) as playbook:
        return await _fill(playbook)


async def _fill(playbook: Playbook) -> dict[str, list[Entry]]:
    for cid, count in USERS.items():
        async with playbook.writing(cid) as writer:
            entries = await writer.restore(_export(cid, count))
            await writer.apply([Replace(entries[-1].node_id, "changed since")])
    return await _everything(playbook)


def _export(cid: str, count: int) -> dict[str, object]:
    at = "2026-01-01T00:00:00Z"
    contents = [f"preference {number} of {cid}" for number in range(count)]
    states = [
        {"version": 1, "content": content, "applies": "topic", "at": at} for content in contents
    ]
    entries = [
        {"node_id": f"{number:032x}", "created_at": at, "versions": [state]}
        for number, state in enumerate(states)
    ]
    return {"cid": cid, "entries": entries}


async def _everything(playbook: Playbook) -> dict[str, list[Entry]]:
    found = {cid: await playbook.all(cid) for cid in USERS}
    assert await playbook.count() == sum(map(len, found.values()))
    return found


async def _finds_by_meaning(playbook: Playbook) -> bool:
    """A text is nearest to itself only if its vector is of the model that embeds the query."""
    wanted = "preference 33 of a"
    found = await playbook.recall("a", wanted, max_tokens=1, count_tokens=lambda _: 1)
    return [entry.content for entry in found] == [wanted]


@pytest.mark.parametrize("dimension", [8, 3, 300])
async def test_a_new_model_embeds_everything(
    settings: Settings,
    filled: dict[str, list[Entry]],
    dimension: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for changed in (True, False):
        async with Playbook.open(settings, embeddings=Hashes("new", dimension)) as playbook:
            assert await _everything(playbook) == filled
            assert await _finds_by_meaning(playbook)
            assert len(await playbook.history("ä", filled["ä"][0].node_id)) == 2
        assert ("re-embedding the playbook: 100%" in capsys.readouterr().err) is changed


@pytest.mark.parametrize("reopened_with", ["new", "old", "third"])
@pytest.mark.parametrize("good_for", [0, 1, 65])
async def test_an_interrupted_change_loses_nothing(
    settings: Settings, filled: dict[str, list[Entry]], good_for: int, reopened_with: str
) -> None:
    with pytest.raises(StoreUnavailable, match="endpoint is gone"):
        async with Playbook.open(settings, embeddings=Hashes("new", 16, good_for)):
            pass
    dimension = {"new": 16, "old": 8, "third": 32}[reopened_with]
    async with Playbook.open(settings, embeddings=Hashes(reopened_with, dimension)) as playbook:
        assert await _everything(playbook) == filled
        assert await _finds_by_meaning(playbook)


async def test_what_was_embedded_before_the_interruption_is_not_embedded_again(
    settings: Settings, filled: dict[str, list[Entry]]
) -> None:
    with pytest.raises(StoreUnavailable):
        async with Playbook.open(settings, embeddings=Hashes("new", 16, good_for=65)):
            pass
    rest = Hashes("new", 16)
    async with Playbook.open(settings, embeddings=rest) as playbook:
        assert await _everything(playbook) == filled
    # One text more tells the dimension.
    assert rest.good_for == 10_000 - (sum(USERS.values()) - 64) - 1


async def test_there_and_back_again(settings: Settings, filled: dict[str, list[Entry]]) -> None:
    async with Playbook.open(settings, embeddings=Hashes("new", 16)) as playbook:
        await playbook.forget("b", filled["b"][0].node_id)
        added = await playbook.add("b", "written under the new model", "topic")
        expected = filled | {"b": [*filled["b"][1:], added]}
    async with Playbook.open(settings, embeddings=Hashes("old", 8)) as playbook:
        assert await _everything(playbook) == expected


async def test_slots_of_a_higher_limit_move_too(
    settings: Settings, filled: dict[str, list[Entry]]
) -> None:
    lowered = settings.model_copy(update={"max_playbook_nodes": 3})
    async with Playbook.open(lowered, embeddings=Hashes("new", 16)) as playbook:
        assert await _everything(playbook) == filled


async def test_a_server_shared_with_an_old_process_loses_no_write(tmp_path: Path) -> None:
    async with chroma(tmp_path / "files") as url:
        settings = make_settings(tmp_path, chroma_url=url)
        old: Embeddings = Hashes("old", 8)
        async with Playbook.open(settings, embeddings=old) as late:
            filled = await _fill(late)
            async with Playbook.open(settings, embeddings=Hashes("new", 16)) as playbook:
                with pytest.raises(StoreUnavailable, match="restart"):
                    await late.add("a", "to where nobody would look for it", "topic")
                assert await _everything(playbook) == filled
                added = await playbook.add("b", "the mover goes on", "topic")
        async with Playbook.open(settings, embeddings=old) as playbook:
            assert await _everything(playbook) == filled | {"b": [*filled["b"], added]}
            await playbook.add("b", "and so does who moves back", "topic")

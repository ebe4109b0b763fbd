"""Embedded Chroma, which holds the interpreter while it writes, is given little and plain text."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from changing import supersede

from memory import Playbook
from memory.store import playbook_folder
from stores import chroma
from support import make_settings

TEXTS = ["Answer in French", "用中文回答。" * 9, "\U0001f600" * 10_000, "be brief, " * 999, "zlib:"]


def _stored(data_dir: Path) -> list[str]:
    """Every text in the files of the playbook."""
    with closing(sqlite3.connect(playbook_folder(data_dir) / "chroma.sqlite3")) as files:
        kept = files.execute("SELECT string_value FROM embedding_metadata").fetchall()
        waiting = files.execute("SELECT metadata FROM embeddings_queue").fetchall()
    return [text for (text,) in (*kept, *waiting) if text]


@pytest.mark.parametrize("text", TEXTS)
async def test_any_text_comes_back_as_given(playbook: Playbook, cid: str, text: str) -> None:
    added = await playbook.add(cid, text.strip(), "style", text)
    changed = await supersede(playbook, cid, added.node_id, f"{text[:9_000]}!", evidence=text)
    assert await playbook.all(cid) == [changed]
    past, _ = await playbook.history(cid, added.node_id)
    assert (past.content, past.evidence) == (text.strip(), text)


async def test_embedded_chroma_is_given_ascii_and_no_long_runs(tmp_path: Path) -> None:
    async with Playbook.open(make_settings(tmp_path)) as playbook:
        for text in TEXTS:
            added = await playbook.add("a", text.strip(), "style", text)
            await supersede(playbook, "a", added.node_id, f"{text[:9_000]}!", evidence=text)
    stored = await asyncio.to_thread(_stored, tmp_path)
    assert len(stored) >= len(TEXTS)
    assert all(text.isascii() for text in stored)
    assert max(map(len, stored)) < 5_000


async def test_a_chroma_server_reads_what_embedded_chroma_wrote_and_the_reverse(
    tmp_path: Path,
) -> None:
    async with Playbook.open(make_settings(tmp_path)) as embedded:
        for text in TEXTS:
            await embedded.add("a", text.strip(), "style")
    async with (
        chroma(playbook_folder(tmp_path)) as url,
        Playbook.open(make_settings(tmp_path, chroma_url=url)) as served,
    ):
        for text in TEXTS:
            await served.add("a", f"{text[:9_000]}!", "style")
        known = await served.all("a")
    assert [entry.content for entry in known[: len(TEXTS)]] == [text.strip() for text in TEXTS]
    async with Playbook.open(make_settings(tmp_path)) as embedded:
        assert await embedded.all("a") == known

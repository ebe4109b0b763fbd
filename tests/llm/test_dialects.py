"""Every row of `dialects/`: what a backend does, what the caller must get, and in how many calls.

A row says `by` whom it was seen, what the backend `refuses` and `replies` (the last one stays), and
what is to be had, where that is more than "Hello!". Without `calls` the answer may take one, or
two where something is refused.
"""

import asyncio
import json
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from llm.dialect_backend import DialectBackend, Row, speaking
from llm.dialect_table import FILES, table
from nodes import errors
from nodes.llm.model import Model
from nodes.llm.tokens import TokenCounter
from nodes.llm.turns import Reply, Turn
from settings import ROOT, Settings
from support import make_settings

ROWS = [
    pytest.param(found | row, id=f"{file.stem}: {row['name']}")
    for file in FILES
    for found in [tomllib.loads(file.read_text(encoding="utf-8"))]
    for row in found.pop("row")
]
SECONDS = 6


def turns_of(row: Row) -> list[Turn]:
    said = row.get("turns", [["system", "Be kind."], ["user", "Say hello."]])
    return [
        Turn(role="user" if role == "recalled" else role, content=text, recalled=role == "recalled")
        for role, text in said
    ]


def variants(row: Row) -> list[Row]:
    """The row itself, or one for each of the reasons, or for each way to send what it says."""
    if "says" in row:
        pieces = [row["says"][at : at + 2] for at in range(0, len(row["says"]), 2)]
        chunks = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
        streamed = [*map(json.dumps, chunks), "[DONE]"]
        return [
            row | {"replies": [_whole(row["says"], "stop")], "stream": False},
            row | {"replies": [{"events": streamed}]},
        ]
    found = []
    for reason in row.get("variants", []):
        after = [_whole("Hello!", "stop")] if row.get("then_whole") else []
        found.append(row | {"replies": [_whole("Hello!", reason), *after]})
    return found or [row]


def _whole(text: str, reason: str) -> Row:
    return {"json": {"choices": [{"message": {"content": text}, "finish_reason": reason}]}}


def settings_of(data_dir: Path, backend: DialectBackend) -> Settings:
    return make_settings(
        data_dir,
        llm_provider="openai",
        openai_api_key="k",
        openai_base_url=backend.base_url,
        model_name="m",
        max_tokens=3000,
    )


async def ask(model: Model, row: Row) -> Reply:
    streamed = row.get("stream", True)
    return await model.ask(
        "test",
        turns_of(row),
        deadline=time.monotonic() + SECONDS,
        temperature=0.0,
        limit=row.get("most"),
        keep_partial=streamed,
    )


REFUSALS = [row for row in ROWS if row.values[0]["title"] == "Refusals that teach"]
LEARNT_AT_START = [row for row in REFUSALS if not row.values[0].keys() & {"turns", "most"}]


def test_the_operators_page_has_the_table_of_the_rows() -> None:
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    assert f"<!-- dialects -->\n{table()}\n<!-- /dialects -->" in page


@pytest.mark.parametrize("row", LEARNT_AT_START)
async def test_the_canary_learns_it_before_the_first_caller(
    tmp_path: Path, tokens: TokenCounter, row: Row
) -> None:
    want = row.get("want", {})
    if "error" in want or row["refuses"][0].keys() & {"above", "lacks"}:
        return  # no canary asks for so long an answer, or for one that is not streamed
    async with speaking(row) as backend:
        backend.opening = False
        async with Model.open(settings_of(tmp_path, backend), tokens) as model:
            backend.begin()
            assert (await ask(model, row)).text == "Hello!"
            assert len(backend.calls) == 1
            assert model.backends()[0].dialect


@pytest.mark.parametrize("row", LEARNT_AT_START)
async def test_first_calls_at_the_same_time_all_succeed(
    tmp_path: Path, tokens: TokenCounter, row: Row
) -> None:
    if "error" in row.get("want", {}):
        return
    async with (
        speaking(row) as backend,
        Model.open(settings_of(tmp_path, backend), tokens) as model,
    ):
        backend.begin()
        replies = await asyncio.gather(*(ask(model, row) for _ in range(4)))
        assert [reply.text for reply in replies] == ["Hello!"] * 4


@pytest.mark.parametrize("row", ROWS)
async def test_a_dialect_is_understood(tmp_path: Path, tokens: TokenCounter, row: Row) -> None:
    for variant in variants(row):
        async with speaking(variant) as backend:
            await _check(tmp_path, tokens, variant, backend)


async def _check(tmp_path: Path, tokens: TokenCounter, row: Row, backend: DialectBackend) -> None:
    want: dict[str, Any] = row.get("want", {})
    async with Model.open(settings_of(tmp_path, backend), tokens) as model:
        backend.begin()
        if "error" in want:
            with pytest.raises(getattr(errors, want["error"])):
                await ask(model, row)
        else:
            reply = await ask(model, row)
            told = {"text": reply.text, "truncated": reply.truncated} | reply.call.model_dump()
            expected = {"text": "Hello!", "truncated": ""} | want
            assert {name: told[name] for name in expected if name in told} == {
                name: value for name, value in expected.items() if name in told
            }
        assert len(backend.calls) == want.get("calls", 2 if row.get("refuses") else 1)
        last = backend.calls[-1]
        assert {name: last.get(name) for name in want.get("sends", {})} == want.get("sends", {})
        assert want.get("roles") in (None, [each["role"] for each in last["messages"]])
        assert want.get("window", model.context_length) == model.context_length
        if "available" in want:
            assert await model.ping() is want["available"]
            assert model.answered_lately()
        if row.get("refuses") and "error" not in want and "recalled" not in str(row.get("turns")):
            await ask(model, row)  # learnt once and for all
            assert len(backend.calls) == want.get("calls", 2) + 1

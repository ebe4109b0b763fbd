"""What the miner says of itself."""

import asyncio
import tomllib
from pathlib import Path

import httpx
import pytest

from graphs.registry import COMPONENTS
from nodes.miner import Miner
from running_miner import client_of, miner_settings, serving
from scripted import Scripted, until
from server.health import Health, Snapshot
from server.wire.parse import FORMS
from settings import ROOT


async def test_health_tells_a_stranger_that_it_is_up_and_no_more(address: str) -> None:
    async with client_of(address, None) as stranger:
        response = await stranger.get("/health")
        assert response.status_code == 200
        assert response.json() == {"status": "healthy"}
        assert (await stranger.head("/health")).status_code == 200


async def test_health_tells_a_caller_what_answers(tmp_path: Path, backend: Scripted) -> None:
    seen: list[dict[str, object]] = []
    with serving(miner_settings(tmp_path, backend)) as address:
        async with client_of(address) as client:
            asked = len(backend.model_requests)
            first = (await client.get("/health")).json()
            assert first["llm_available"] is None
            await until(lambda: len(backend.model_requests) > asked)
            for _ in range(100):
                seen.append((await client.get("/health")).json())
                if seen[-1]["llm_available"] is not None:
                    break
            assert len(backend.model_requests) == asked + 1
    assert not backend.requests
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert seen[-1] == {
        "status": "healthy",
        "version": version,
        "llm_provider": "vllm",
        "model": "scripted-model",
        "llm_available": True,
        "memory_available": True,
        "playbook_entries": 0,
        "conversations": 0,
        "backends": [
            {
                "provider": "vllm",
                "address": backend.base_url.split("/")[2],
                "model": "scripted-model",
                "context_length": 8192,
                "answers": True,
                "resting": False,
                "in_flight": 0,
                "json_schema": True,
                "dialect": [],
            }
        ],
    }


async def test_what_was_found_long_ago_is_not_told_as_if_it_were_now(
    tmp_path: Path, backend: Scripted
) -> None:
    async with (
        Miner.open(miner_settings(tmp_path, backend)) as miner,
        Health.open(miner, every=0.05, asked_within=0.2) as health,
    ):
        await until(lambda: health.snapshot().llm_available)
        await asyncio.to_thread(backend.stop)
        # Nobody asks for a while, so that nobody looks either.
        await asyncio.sleep(1)
        assert health.snapshot() == Snapshot()
        await until(lambda: health.snapshot().llm_available is False)
        await asyncio.to_thread(backend.start)


async def test_health_looks_again_by_itself_while_it_is_asked(
    tmp_path: Path, backend: Scripted
) -> None:
    async with (
        Miner.open(miner_settings(tmp_path, backend)) as miner,
        Health.open(miner, every=0.05) as health,
    ):
        asked = len(backend.model_requests)
        health.snapshot()
        await until(lambda: len(backend.model_requests) > asked + 2)


async def test_capabilities(tmp_path: Path, backend: Scripted) -> None:
    backend.max_model_len = 4096
    settings = miner_settings(tmp_path, backend, miner_name="mine", max_playbook_nodes=7)
    with serving(settings) as address:
        async with client_of(address) as client:
            told = (await client.get("/capabilities")).json()
    assert told["miner_name"] == "mine"
    assert told["llm_provider"] == "vllm"
    assert told["model"] == "scripted-model"
    served = [component for component in COMPONENTS if component != "internet_search"]
    assert told["supported_functions"] == told["components"] == served
    assert set(served) >= {"complete", "feedback", "refine", "human_feedback"}
    assert told["features"]
    assert told["max_context_length"] == 4096
    assert told["max_playbook_nodes"] == 7
    assert told["max_conversation_messages"] == 10
    assert told["message_retention_days"] == 7


@pytest.mark.parametrize("key", [None, "wrong"])
async def test_capabilities_tell_a_stranger_the_components_alone(
    client: httpx.AsyncClient, address: str, key: str | None
) -> None:
    async with client_of(address, key) as stranger:
        told = (await stranger.get("/capabilities")).json()
    served = (await client.get("/capabilities")).json()["components"]
    assert told == {"supported_functions": served, "components": served}


async def test_ready_while_model_and_memory_answer(tmp_path: Path, backend: Scripted) -> None:
    with serving(miner_settings(tmp_path, backend)) as address:
        async with client_of(address, None) as probe:
            response = await probe.get("/ready")
            assert (response.status_code, response.json()) == (200, {"status": "ready"})
            assert (await probe.head("/ready")).status_code == 200


async def test_not_ready_without_a_model(tmp_path: Path, backend: Scripted) -> None:
    await asyncio.to_thread(backend.stop)
    with serving(miner_settings(tmp_path, backend)) as address:
        async with client_of(address, None) as probe:
            response = await probe.get("/ready")
            assert response.status_code == 503
            told = response.json()
            assert (told["error"], told["detail"]) == ("not_ready", "does not answer: model")
            assert int(response.headers["Retry-After"]) >= 1
            assert (await probe.get("/health")).status_code == 200
    await asyncio.to_thread(backend.start)


async def test_the_embedded_model_is_said_to_be_small(tmp_path: Path, backend: Scripted) -> None:
    settings = miner_settings(
        tmp_path, backend, llm_provider="local", local_api_base=backend.base_url
    )
    with serving(settings) as address:
        async with client_of(address) as client:
            told = (await client.get("/capabilities")).json()
    assert told["llm_provider"] == "local"
    assert "small" in told["note"]


async def test_root_lists_the_endpoints(client: httpx.AsyncClient) -> None:
    told = (await client.get("/")).json()
    assert told["name"] == "playbook-miner"
    assert told["version"]
    expected = {f"POST /{component}" for component in COMPONENTS}
    expected |= {"GET /health", "GET /capabilities", "GET /"}
    assert expected <= set(told["endpoints"])


async def test_openapi_documents_what_callers_need(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    schemes = document["components"]["securitySchemes"]
    assert schemes == {
        "ApiKeyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "ApiKeyBearer": {"type": "http", "scheme": "bearer"},
    }
    for component in COMPONENTS:
        operation = document["paths"][f"/{component}"]["post"]
        assert operation["security"] == [{"ApiKeyHeader": []}, {"ApiKeyBearer": []}]
        assert {"200", "400", "401", "413", "422", "429", "502", "503", "504"} <= set(
            operation["responses"]
        )
        examples = operation["requestBody"]["content"]["application/json"]["examples"]
        for form, example in zip(FORMS[component], examples.values(), strict=True):
            form.request.model_validate(example["value"])
    assert "security" not in document["paths"]["/health"]["get"]
    references = _references(document)
    assert references
    assert references <= {
        f"#/components/schemas/{name}" for name in document["components"]["schemas"]
    }


def _references(part: object) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(_references(value) for value in part.values()))
    if isinstance(part, list):
        return set().union(*(_references(value) for value in part))
    return set()


async def test_every_component_has_a_form() -> None:
    assert set(FORMS) == set(COMPONENTS)


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_docs_can_be_switched_off(tmp_path: Path, backend: Scripted, path: str) -> None:
    with serving(miner_settings(tmp_path, backend, docs_enabled=False)) as address:
        async with client_of(address) as caller, client_of(address, None) as stranger:
            assert (await caller.get(path)).status_code == 404
            assert (await stranger.get(path)).status_code == 401
            assert (await caller.get("/")).status_code == 200

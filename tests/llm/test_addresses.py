"""Several addresses of one provider, and what must not stay of one bad moment."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from llm.dialect_backend import speaking
from nodes.errors import BackendUnavailable, MinerError
from nodes.llm.failures import retry_after
from nodes.llm.model import Model
from nodes.llm.proxies import proxy_for
from nodes.llm.tokens import TokenCounter
from nodes.llm.turns import Reply, Turn
from scripted import Disconnect, Hang, Scripted, Slow, Status, until
from settings import SettingsError
from support import make_settings

HELLO = [Turn(role="user", content="Say hello.")]


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


@pytest.fixture
def third() -> Iterator[Scripted]:
    with Scripted() as scripted:
        yield scripted


@pytest.fixture
async def model(
    tmp_path: Path, backend: Scripted, third: Scripted, tokens: TokenCounter
) -> AsyncIterator[Model]:
    both = f"{backend.base_url}, {third.base_url}/"
    settings = make_settings(tmp_path, llm_provider="vllm", vllm_api_base=both)
    async with Model.open(settings, tokens) as model:
        yield model


async def ask(model: Model, seconds: float = 10, *, keep_partial: bool = False) -> Reply:
    async with asyncio.timeout(seconds + 5):
        return await model.ask(
            "test", HELLO, deadline=time.monotonic() + seconds, keep_partial=keep_partial
        )


async def test_calls_go_to_the_address_with_the_fewest_in_flight(
    model: Model, backend: Scripted, third: Scripted
) -> None:
    for each in (backend, third):
        each.default(Slow("Hello there!", 0.2))
    replies = await asyncio.gather(*(ask(model) for _ in range(6)))
    assert (len(backend.requests), len(third.requests)) == (3, 3)
    told = {reply.call.address for reply in replies}
    assert told == {urlsplit(each.base_url).netloc for each in (backend, third)}
    assert {each.address for each in model.backends()} == told


async def test_an_address_that_fails_is_made_up_for_at_once_and_rests(
    model: Model, backend: Scripted, third: Scripted
) -> None:
    backend.default(Status(500))
    third.default("Hello!")
    began = time.monotonic()
    for _ in range(10):
        assert (await ask(model)).text == "Hello!"
    assert time.monotonic() - began < 5
    assert 1 <= len(backend.requests) <= 5
    assert [each.resting for each in model.backends()] == [True, False]


async def test_a_silent_address_leaves_the_other_all_the_time_that_is_left(
    model: Model, backend: Scripted, third: Scripted
) -> None:
    backend.default(Hang())
    third.default(Slow("word " * 8, 0.1))
    reply = await ask(model, seconds=3.2)
    assert reply.text.count("word") == 8
    await until(lambda: backend.requests[0].disconnected)


async def test_a_healthy_address_is_not_cut_at_half_of_the_time(
    model: Model, backend: Scripted, third: Scripted
) -> None:
    for each in (backend, third):
        each.default(Slow("word " * 20, 0.1))
    reply = await ask(model, seconds=3.5)
    assert (reply.text.count("word"), reply.call.retries) == (20, 0)
    assert not any(each.resting for each in model.backends())


async def test_a_third_of_the_calls_failing_fails_nobody(
    model: Model, backend: Scripted, third: Scripted
) -> None:
    for each in (backend, third):
        each.default("Hello!").reply(
            *([Status(500), "Hello!", Disconnect(), "Hello!", Status(429), "Hello!"] * 5)
        )
    replies = await asyncio.gather(*(ask(model) for _ in range(30)))
    assert {reply.text for reply in replies} == {"Hello!"}


async def test_an_absurd_wait_is_no_wait(model: Model, backend: Scripted, third: Scripted) -> None:
    for each in (backend, third):
        each.default(Status(429, retry_after=float("inf")))
    with pytest.raises(MinerError):
        await ask(model, seconds=1.5)
    assert len(backend.requests) + len(third.requests) > 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, 0.0),
        ({}, None),
    ],
)
def test_a_wait_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("address", "variables", "proxy"),
    [
        ("https://api.example/v1", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://api.example/v1", {"https_proxy": "p:1"}, "http://p:1"),
        ("https://api.example/v1", {"ALL_PROXY": "http://u:w@p:1"}, "http://u:w@p:1"),
        ("https://api.example/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ("https://api.example/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example"}, None),
        ("http://10.1.2.3:8000/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://10.1.2.3:8000/v1", {"HTTPS_PROXY": "http://p:1"}, None),
        ("http://127.0.0.1:8000/v1", {"ALL_PROXY": "http://p:1"}, None),
        ("http://localhost:8000/v1", {"HTTP_PROXY": "http://p:1"}, None),
        ("http://[::1]:8000/v1", {"HTTP_PROXY": "http://p:1"}, None),
    ],
)
def test_the_proxy_of_the_environment(
    no_proxies: pytest.MonkeyPatch, address: str, variables: dict[str, str], proxy: str | None
) -> None:
    for name, value in variables.items():
        no_proxies.setenv(name, value)
    assert proxy_for(urlsplit(address)) == proxy


NO_SOCKS = pytest.mark.skipif(find_spec("aiohttp_socks") is not None, reason="it can be used")


@pytest.mark.parametrize(
    "proxy",
    [
        *("ftp://p:1", "socks6://p:1", "socks5://p", "http://p:port"),
        pytest.param("socks5://p:1", marks=NO_SOCKS),
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    no_proxies: pytest.MonkeyPatch, proxy: str
) -> None:
    no_proxies.setenv("ALL_PROXY", proxy.replace("p:", "u:secret@p:"))
    with pytest.raises(SettingsError, match="ALL_PROXY") as error:
        proxy_for(urlsplit("https://api.example/v1"))
    assert "secret" not in str(error.value)


async def test_calls_go_through_a_proxy_and_its_own_errors_are_those_of_a_backend(
    tmp_path: Path, tokens: TokenCounter, no_proxies: pytest.MonkeyPatch
) -> None:
    async with speaking({}) as backend:
        no_proxies.setenv("HTTP_PROXY", backend.base_url.removesuffix("/v1"))
        settings = make_settings(
            tmp_path, llm_provider="vllm", vllm_api_base="http://model.example:8000/v1"
        )
        async with Model.open(settings, tokens) as model:
            backend.begin()
            assert (await ask(model)).text == "Hello!"
            backend.row["replies"] = [{"status": 502, "body": "no such host"}]
            with pytest.raises(BackendUnavailable):
                await ask(model, seconds=1.5)


def test_a_wrong_address_among_several_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="VLLM_API_BASE"):
        make_settings(tmp_path, llm_provider="vllm", vllm_api_base="http://a/v1,b/v1")

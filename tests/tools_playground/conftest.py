"""Fixtures: one miner, one playground and one browser for all tests of the playground."""

import shutil
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from launch.launched import eventually
from running_miner import KEY, miner_settings, serving
from scripted import Scripted
from support import require

if TYPE_CHECKING:
    from browser import Person, Playground
    from playwright.async_api import Browser

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)


@pytest.fixture(scope="session")
def browsing() -> None:
    """What a bare machine lacks for looking at the page."""
    require(bool(CHROMIUM), "there is no Chromium here")
    for package in ("playwright", "gradio", "httpx_sse"):
        require(find_spec(package) is not None, f"the package {package} is not installed")


@pytest.fixture(scope="session")
def _scripted() -> Iterator[Scripted]:
    with Scripted() as backend:
        backend.max_model_len = 100_000
        yield backend


@pytest.fixture
def backend(_scripted: Scripted, miner: str) -> Iterator[Scripted]:
    """The backend of the miner, with an empty script."""
    _scripted.reset()
    yield _scripted
    # What a test left running must not meet the script of the next one.
    eventually(lambda: "in_flight_runs 0.0" in _metrics(miner))
    unexpected = [request.prompt for request in _scripted.unexpected]
    assert not unexpected, f"the script had no answer for: {unexpected}"


def _metrics(miner: str) -> str:
    return httpx.get(f"{miner}/metrics", headers={"X-API-Key": KEY}, trust_env=False).text


@pytest.fixture(scope="session")
def miner(_scripted: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a miner that checks its answers."""
    data = tmp_path_factory.mktemp("data")
    with serving(miner_settings(data, _scripted, complete_strategy="check")) as address:
        yield address


@pytest.fixture(scope="session")
def running(
    browsing: None, miner: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Playground"]:
    """The playground, with settings that name the miner."""
    from browser import playground  # noqa: PLC0415 - it needs what a bare machine lacks

    with playground(tmp_path_factory.mktemp("playground"), miner) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _browser(browsing: None) -> AsyncIterator["Browser"]:
    from playwright.async_api import async_playwright  # noqa: PLC0415

    async with async_playwright() as drivers:
        browser = await drivers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
def screen() -> tuple[int, int, str]:
    """Width, height and colours of the person's screen."""
    return 1440, 900, "light"


@pytest_asyncio.fixture(loop_scope="session")
async def person(
    _browser: "Browser", running: "Playground", backend: Scripted, screen: tuple[int, int, str]
) -> AsyncIterator["Person"]:
    """Somebody who has just opened the page, as a new user of the miner."""
    from browser import Person  # noqa: PLC0415

    width, height, colours = screen
    context = await _browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=colours
    )
    person = Person(await context.new_page())
    await person.come_to(running.address)
    await person.come_as(f"user-{uuid4().hex[:8]}")
    yield person
    await context.close()
    assert person.complaints == []
    assert person.hosts == {"127.0.0.1"}

"""`/docs` and `/redoc` in a browser: they show the operations, and ask nobody but the miner."""

import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, Request, async_playwright

from running_miner import client_of, miner_settings, serving
from scripted import Scripted
from server.docs import PATHS
from support import require


async def shown(page: Page) -> None:
    await page.get_by_text("/v1/chat/completions").first.wait_for()


async def described(page: Page) -> None:
    await page.get_by_role("heading", name="Answer a chat").first.wait_for()


@pytest.mark.parametrize(("path", "ready"), [("/docs", shown), ("/redoc", described)])
async def test_a_page_opens_without_internet(
    address: str, path: str, ready: Callable[[Page], object]
) -> None:
    chromium = shutil.which("chromium")
    require(chromium is not None, "Debian's package chromium is not installed")
    asked: list[Request] = []
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--no-proxy-server"]
        )
        page = await browser.new_page()
        page.on("request", lambda request: asked.append(request))  # noqa: PLW0108
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{address}{path}")
        await ready(page)
        await page.wait_for_load_state("networkidle")
        await browser.close()

    here = (f"{address}/", "data:", "blob:")
    # What the page's own policy forbids is told of as well, but does not leave the browser.
    left = [(each.url, each.failure) for each in asked if not each.url.startswith(here)]
    assert [failure for _, failure in left if failure != "csp"] == []
    assert not complaints
    assert len(asked) > 3


@pytest.mark.parametrize("path", PATHS)
async def test_the_pages_need_no_key(address: str, path: str) -> None:
    async with client_of(address, None) as anybody:
        response = await anybody.get(path)

    assert response.status_code == 200
    assert response.content


async def test_an_operator_can_switch_them_off(tmp_path: Path, backend: Scripted) -> None:
    with serving(miner_settings(tmp_path, backend, docs_enabled=False)) as address:
        async with client_of(address) as client:
            found: list[httpx.Response] = [await client.get(path) for path in PATHS]

    assert {response.status_code for response in found} == {404}

"""The playground as a person uses it: a real process, a real browser, and what they reach."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from PIL import Image
from playwright.async_api import Dialog, Locator, Page, Request, TimeoutError, expect

from running_miner import KEY
from settings import ROOT
from support import free_port

IMAGES = ROOT / "docs" / "images"
LARGEST_IMAGE = 300_000  # bytes
PATIENCE = 15_000  # milliseconds that anything shown may take
BOTTOM = 60  # pixels below the box for messages
LOOK = 3_000  # milliseconds of it that one look for a tab takes

# Notes every address that the process looks up or connects to.
WATCHED = """
import runpy, sys
reached, program, sys.argv = sys.argv[1], sys.argv[2], sys.argv[2:]
def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = arguments[1] if event == "socket.connect" else arguments
        if isinstance(address, tuple):
            with open(reached, "a") as log:
                print(address[0], file=log)
sys.addaudithook(note)
runpy.run_path(program, run_name="__main__")
"""


class Playground:
    """A running playground. `logged` is all that it printed, `reached` whom it connected to."""

    def __init__(self, address: str, log: Path, reached: Path) -> None:
        self.address = address
        self._log, self._reached = log, reached

    @property
    def logged(self) -> str:
        return self._log.read_text()

    @property
    def reached(self) -> set[str]:
        return set(self._reached.read_text().split()) if self._reached.exists() else set()


@contextmanager
def playground(folder: Path, miner: str, *options: str) -> Iterator[Playground]:
    """`gradio_test_ui.py`, with settings whose miner is the one at `miner`."""
    port = free_port()
    shown = Playground(f"http://127.0.0.1:{port}", folder / "log", folder / "reached")
    command = [sys.executable, "-c", WATCHED, str(folder / "reached")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(ROOT / "gradio_test_ui.py"), "--port", str(port), *options],
            env=_environment(miner),
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(process, shown)
        yield shown
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, shown.logged


def _environment(miner: str) -> dict[str, str]:
    parts = urlsplit(miner)
    return {
        **os.environ,
        "LLM_PROVIDER": "local",
        "HOST": "127.0.0.1",
        "API_PORT": str(parts.port),
        "MINER_API_KEY": KEY,
    }


def _wait_for(process: subprocess.Popen[bytes], shown: Playground) -> None:
    limit = time.monotonic() + 90
    while not re.search(f"^playground on .*:{urlsplit(shown.address).port}$", shown.logged, re.M):
        assert process.poll() is None, shown.logged
        assert time.monotonic() < limit, shown.logged
        time.sleep(0.05)
    httpx.get(shown.address, trust_env=False).raise_for_status()


class Person:
    """Who uses the page. `visited` is every address that the browser asked for.

    `asked` are the questions of the page's own dialogs, which are answered with `agrees`.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.visited: list[str] = []
        self.blocked: list[str] = []
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.agrees = True
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self.visited.append(request.url))
        page.on("requestfailed", self._failed)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._answer)

    async def come_to(self, address: str) -> None:
        """Open the page, and wait until it has found the miner."""
        await self.page.goto(address)
        await self.see_line("playbook-miner")

    async def come_as(self, user: str) -> None:
        """Be this user from now on: type the name, again where the page was not ready."""
        await self.unfold_line()
        for _ in range(PATIENCE // LOOK):
            await self.fill("User (cid)", user)
            await self.field("User (cid)").press("Enter")
            with suppress(AssertionError):
                await expect(self.line).to_contain_text(f"as {user}", timeout=LOOK)
                break
        await self.see_line(f"as {user}")
        await self.see(self.page.locator("#talks").get_by_text(user, exact=True), hidden=True)
        await self.unfold_line()

    async def come_back(self) -> None:
        """Load the page again, and wait until it has found the miner."""
        await self.page.reload()
        await self.see_line("playbook-miner")

    @property
    def hosts(self) -> set[str]:
        """Those that the browser asked for anything, and was not kept from it by the page."""
        return {_host(url) for url in self.visited if url.startswith("http")} - {
            _host(url) for url in self.blocked
        }

    def _failed(self, request: Request) -> None:
        if request.failure == "csp":
            self.blocked.append(request.url)

    async def _answer(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":
            self.asked.append(dialog.type)
            await dialog.accept()
            return
        self.asked.append(dialog.message)
        await (dialog.accept() if self.agrees else dialog.dismiss())

    @property
    def line(self) -> Locator:
        """The line on top, which tells of the connection."""
        return self.page.locator("#connection > .label-wrap")

    async def see_line(self, text: str | re.Pattern[str]) -> None:
        await expect(self.line).to_contain_text(text, timeout=PATIENCE)

    async def unfold_line(self) -> None:
        """Unfold the line on top, or fold it again."""
        await self.line.click()

    @property
    def tab(self) -> Locator:
        """The tab that shows."""
        return self.page.locator("[role=tabpanel]:visible")

    async def open(self, tab: str) -> None:
        """Open a tab, from the menu of those that have no room where it is there.

        A page that has just changed lays its tabs out anew, so that one looks again.
        """
        for _ in range(PATIENCE // LOOK):
            try:
                await self._open(tab)
            except TimeoutError:
                continue
            return
        raise AssertionError(f"the tab {tab} is not to be found")

    async def _open(self, tab: str) -> None:
        named = self.page.get_by_role("tab", name=tab, exact=True)
        if not await named.locator("visible=true").count():
            await self.page.get_by_label("More tabs").click(timeout=LOOK)
            named = self.page.get_by_role("button", name=tab, exact=True)
        await named.locator("visible=true").first.click(timeout=LOOK)

    async def fill(self, label: str, text: str) -> None:
        await self.field(label).fill(text)

    def field(self, label: str) -> Locator:
        """A field of the tab, or of the line on top."""
        named = self.page.locator("label").filter(has=self.page.get_by_text(label, exact=True))
        return named.locator("textarea, input").locator("visible=true")

    @property
    def message(self) -> Locator:
        """The box that messages are written in."""
        return self.page.locator("#message textarea")

    @property
    def log(self) -> Locator:
        """What was said in the chat."""
        return self.page.locator("#chat [role=log]")

    async def ask(self, question: str) -> None:
        await self.message.fill(question)
        await self.message.press("Enter")

    async def see_said(self, *texts: str | re.Pattern[str]) -> None:
        for text in texts:
            await expect(self.log).to_contain_text(text, timeout=PATIENCE)

    async def see_answered(self) -> None:
        """The answer is there, and the box takes the next message."""
        told = self.page.locator("#chat-progress")
        await expect(told).to_contain_text("answered in", timeout=PATIENCE)
        await self.see(self.page.locator("#message .submit-button"))

    async def press(self, button: str) -> None:
        named = self.page.get_by_role("button", name=button, exact=True)
        await named.locator("visible=true").click()

    async def choose(self, option: str) -> None:
        await self.page.get_by_label(option, exact=True).locator("visible=true").check()

    async def see(self, what: Locator, *, hidden: bool = False) -> None:
        shown = what if hidden else what.locator("visible=true")
        await expect(shown.first).to_be_attached(timeout=PATIENCE)

    async def read(self, *texts: str | re.Pattern[str]) -> None:
        """See these texts in the tab."""
        for text in texts:
            await self.see(self.tab.get_by_text(text))

    @property
    def user(self) -> Locator:
        """The field of the user, which may be folded away."""
        return self.page.get_by_label("User (cid)")

    async def see_value(self, label: str, value: str | re.Pattern[str]) -> None:
        await expect(self.field(label)).to_have_value(value, timeout=PATIENCE)

    async def see_steps(self, component: str, *path: str) -> None:
        """The side panel has a run of this component through these steps, and draws them."""
        panel = self.page.locator("#panel")
        summary = re.compile(rf"^{component}: answered in")
        await expect(panel.locator(".pg-sum")).to_have_text(summary, timeout=PATIENCE)
        steps = panel.locator(".pg-steps > table").first.locator("th")
        await expect(steps).to_have_text(list(path), timeout=PATIENCE)
        drawn = panel.locator("#path g.node")
        await expect(drawn.filter(has_text=path[-1])).to_be_attached(timeout=PATIENCE)

    async def see_rows(self, table: str, *rows: str) -> None:
        """The second cells of the rows are these."""
        cells = self.tab.locator(f"#{table} [role=gridcell][data-col='1']")
        await expect(cells).to_have_text(list(rows), timeout=PATIENCE)

    async def write_cell(self, table: str, row: int, column: int, text: str) -> None:
        cell = self.tab.locator(f"#{table} [data-row='{row}'][data-col='{column}']")
        await cell.dblclick()
        await cell.locator("textarea, input").fill(text)
        await self.page.keyboard.press("Enter")

    async def see_hint_beside_copy(self, answer: str) -> None:
        """What stands where an answer will be is not covered by the button that copies it."""
        hint = await self.page.locator(f"#{answer} p").bounding_box()
        button = await self.page.locator(f"#{answer} button").bounding_box()
        assert hint is not None
        assert button is not None
        assert hint["x"] + hint["width"] <= button["x"]

    async def see_all_columns(self, table: str) -> None:
        """Neither the page nor a table in it is to be scrolled sideways."""
        rows = self.tab.locator(f"#{table} .virtual-table-viewport")
        for whole in (rows, self.page.locator("html")):
            assert await whole.evaluate("part => part.scrollWidth <= part.clientWidth")
        head, size = rows.get_by_role("columnheader").last, self.page.viewport_size
        box = await head.bounding_box()
        assert box is not None
        assert size is not None
        assert box["x"] + box["width"] <= size["width"]

    async def see_that_it_fits(self) -> None:
        """Nothing is wider than the page, and the box for messages stands at its bottom."""
        width = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0
        box, size = await self.message.bounding_box(), self.page.viewport_size
        assert box is not None
        assert size is not None
        below = size["height"] - box["y"] - box["height"]
        assert 0 <= below < BOTTOM

    async def photograph(self, name: str) -> None:
        """Keep a picture for the documentation, where UPDATE_SCREENSHOTS=1."""
        if os.environ.get("UPDATE_SCREENSHOTS") != "1":
            return
        await self.page.mouse.move(0, 0)
        taken = await self.page.screenshot(animations="disabled", caret="hide")
        with Image.open(BytesIO(taken)) as image:
            few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        path = IMAGES / f"playground-{name}.png"
        few.save(path, optimize=True)
        assert path.stat().st_size < LARGEST_IMAGE


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""

"""The playground as a person uses it: a real process, a real browser, and what they reach."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from PIL import Image
from playwright.async_api import Locator, Page, Request, expect

from running_miner import KEY
from settings import ROOT
from support import free_port

IMAGES = ROOT / "docs" / "images"
LARGEST_IMAGE = 150_000  # bytes
ON_PATH, OFF_PATH = "rgb(153, 246, 228)", "rgb(241, 245, 249)"
WORKING = "rgb(253, 230, 138)"
PATIENCE = 15_000  # milliseconds that anything shown may take

POINTS_ARE_LOOKS = """(least) => {
    const looks = parseInt(document.querySelector("#system-looks small")?.innerText);
    const line = "[aria-roledescription=point][aria-label$='line: requests']";
    return looks >= least && document.querySelectorAll(line).length === looks;
}"""

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
    """Who uses the page. `visited` is every address that the browser asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.visited: list[str] = []
        self.blocked: list[str] = []
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self.visited.append(request.url))
        page.on("requestfailed", self._failed)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def come_to(self, address: str) -> None:
        """Open the page, and wait until it has found the miner."""
        await self.page.goto(address)
        await self.see(self.page.locator("#pg-status").get_by_text("healthy"))

    @property
    def hosts(self) -> set[str]:
        """Those that the browser asked for anything, and was not kept from it by the page."""
        return {_host(url) for url in self.visited if url.startswith("http")} - {
            _host(url) for url in self.blocked
        }

    def _failed(self, request: Request) -> None:
        if request.failure == "csp":
            self.blocked.append(request.url)

    @property
    def tab(self) -> Locator:
        """The tab that shows."""
        return self.page.locator("[role=tabpanel]:visible")

    async def open(self, tab: str) -> None:
        await self.page.get_by_role("tab", name=tab, exact=True).click()

    async def fill(self, label: str, text: str) -> None:
        await self.field(label).fill(text)

    def field(self, label: str) -> Locator:
        """A field of the tab, or of the row on top."""
        named = self.page.locator("label").filter(has=self.page.get_by_text(label, exact=True))
        return named.locator("textarea, input").locator("visible=true")

    async def unfold(self, title: str) -> None:
        await self.tab.get_by_text(title, exact=True).click()

    async def press(self, button: str) -> None:
        named = self.page.get_by_role("button", name=button, exact=True)
        await named.locator("visible=true").click()

    async def choose(self, option: str) -> None:
        await self.tab.get_by_label(option, exact=True).locator("visible=true").check()

    async def see(self, what: Locator) -> None:
        await expect(what.locator("visible=true").first).to_be_visible(timeout=PATIENCE)

    async def see_other_than(self, what: Locator, text: str) -> None:
        """It no longer has this text."""
        await expect(what).not_to_have_text(text, use_inner_text=True, timeout=PATIENCE)

    async def read(self, *texts: str | re.Pattern[str]) -> None:
        """See these texts in the tab."""
        for text in texts:
            await self.see(self.tab.get_by_text(text))

    async def see_value(self, label: str, value: str | re.Pattern[str]) -> None:
        await expect(self.field(label)).to_have_value(value, timeout=PATIENCE)

    async def see_run(self, *path: str) -> None:
        """The run is over, its steps are these, and the picture has them on its path."""
        await self.see(self.tab.get_by_text(re.compile(r"^answered in \d")))
        steps = self.tab.locator(".pg-steps > table").first.locator("th")
        await expect(steps).to_have_text(list(path), timeout=PATIENCE)
        for node in ("start", *path):
            await expect(self._drawn(node)).to_have_css("fill", ON_PATH, timeout=PATIENCE)

    async def see_off_path(self, *nodes: str) -> None:
        """The picture has these nodes too, unlike those on the path."""
        for node in nodes:
            await expect(self._drawn(node)).to_have_css("fill", OFF_PATH, timeout=PATIENCE)

    async def see_working(self, node: str) -> None:
        """The picture has this node at work."""
        await expect(self._drawn(node)).to_have_css("fill", WORKING, timeout=PATIENCE)

    async def see_plot(self, title: str, label: str, value: str | re.Pattern[str]) -> None:
        """The plot of this title has a bar with this label and value."""
        plot = self.tab.locator("figure").filter(has_text=re.compile(rf"^\s*{title}"))
        row = plot.locator("tr").filter(has=self.page.get_by_role("rowheader", name=label))
        await expect(row.locator("td").last).to_have_text(value, timeout=PATIENCE)
        await self.see(row.locator("i"))

    async def see_looks(self, at_least: int) -> None:
        """The curves are of so many looks, and have a point for each."""
        await self.page.wait_for_function(POINTS_ARE_LOOKS, arg=at_least, timeout=PATIENCE)

    async def heights(self, title: str, unit: str, line: str) -> list[float]:
        """Where the points of a line lie, by the scale of the vertical axis."""
        titled = self.page.get_by_text(title, exact=True)
        plot = self.tab.locator(".pg-curve").filter(has=titled)
        axis = plot.locator(f"""[aria-label^="Y-axis titled '{unit}'"]""")
        await expect(axis).to_have_count(1, timeout=PATIENCE)
        named = plot.locator(f"[aria-roledescription=point][aria-label$='line: {line}']")
        labels = [await point.get_attribute("aria-label") for point in await named.all()]
        found = [re.search(rf"; {unit}: ([\d.,−]+);", label or "") for label in labels]
        return [float(each[1].replace(",", "").replace("−", "-")) for each in found if each]

    async def see_rows(self, table: str, *rows: str) -> None:
        """The second cells of the rows are these."""
        cells = self.tab.locator(f"#{table} [role=gridcell][data-col='1']")
        await expect(cells).to_have_text(list(rows), timeout=PATIENCE)

    async def write_cell(self, table: str, row: int, column: int, text: str) -> None:
        cell = self.tab.locator(f"#{table} [data-row='{row}'][data-col='{column}']")
        await cell.dblclick()
        await cell.locator("textarea, input").fill(text)
        await self.page.keyboard.press("Enter")

    def _drawn(self, node: str) -> Locator:
        named = self.page.get_by_text(node, exact=True)
        shapes = self.tab.locator(".pg-picture g.node").filter(has=named)
        return shapes.locator("rect.label-container, .label-container path").first

    @property
    def photographs(self) -> bool:
        """Whether pictures are kept for the documentation."""
        return os.environ.get("UPDATE_SCREENSHOTS") == "1"

    async def photograph(self, name: str) -> None:
        """Keep a picture for the documentation, where UPDATE_SCREENSHOTS=1."""
        if not self.photographs:
            return
        await self.page.mouse.move(0, 0)
        taken = await self.page.screenshot(full_page=True, animations="disabled", caret="hide")
        with Image.open(BytesIO(taken)) as image:
            few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        path = IMAGES / f"playground-{name}.png"
        few.save(path, optimize=True)
        assert path.stat().st_size < LARGEST_IMAGE


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""

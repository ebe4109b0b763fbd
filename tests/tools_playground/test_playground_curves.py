"""The curves of the tab System: what they show, when they begin anew, and when nobody is asked."""

import re
from typing import TYPE_CHECKING

import pytest
from counting import CountingMiner, counting

from running_miner import client_of
from scripted import Scripted

if TYPE_CHECKING:
    from browser import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

TICK, MINUTE = 5_000, 60_000  # milliseconds
ASKED = {"cid": "curves", "task": "Answer the user", "input": "What is machine learning?"}


async def test_what_happens_between_looks_is_drawn(
    person: "Person", backend: Scripted, miner: str
) -> None:
    backend.when("Check your answer", "PASS").default("It learns from examples.")
    await person.open("System")
    await person.read(re.compile(rf"looks? at {miner}"))
    async with client_of(miner) as client:
        for body in (ASKED, ASKED, {}):
            await client.post("/complete", json=body)
    await person.press("Look again")
    await person.see_looks(2)
    for title, unit, line in (
        ("Requests per minute", "per minute", "requests"),
        ("Time that requests take", "seconds", "median"),
        ("Time that requests take", "seconds", "95th percentile"),
        ("Tokens per second", "per second", "prompt"),
        ("Tokens per second", "per second", "completion"),
        ("Time that model calls take", "seconds", "95th percentile"),
        ("Errors per minute", "per minute", "refused"),
    ):
        assert (await person.heights(title, unit, line))[-1] > 0, (title, line)
    assert set(await person.heights("Errors per minute", "per minute", "failed")) == {0}
    assert set(await person.heights("Runs in work", "runs", "in work")) == {0}
    await person.read("95th percentile", "completion", "refused")  # the legends


async def look(person: "Person", miner: CountingMiner, requests: int) -> None:
    miner.tell(requests=requests)
    await person.press("Look again")


async def test_a_restarted_miner_and_another_one_begin_anew(
    person: "Person", backend: Scripted
) -> None:
    with counting() as miner, counting() as other:
        await person.fill("Miner", miner.address)
        await person.open("System")
        miner.tell(requests=10)
        await person.read(f"1 look at {miner.address}: one more look shows the first curves")
        assert not await person.tab.locator(".pg-curve:visible").count()
        await look(person, miner, 14)
        await person.see_looks(2)
        first = await person.heights("Requests per minute", "per minute", "requests")
        assert first[0] == first[1] > 0
        await look(person, miner, 14)
        await person.see_looks(3)

        await look(person, miner, 2)
        await person.read(f"1 look at {miner.address} since it restarted: one more look")
        await look(person, miner, 3)
        await person.see_looks(2)
        again = await person.heights("Requests per minute", "per minute", "requests")
        assert again[0] == again[1] > 0

        await person.fill("Miner", other.address)
        await look(person, other, 50)
        await person.read(f"1 look at {other.address}: one more look shows the first curves")


async def test_the_curves_outlast_a_miner_that_does_not_answer(
    person: "Person", backend: Scripted
) -> None:
    with counting() as miner:
        await person.fill("Miner", miner.address)
        await person.open("System")
        miner.tell(requests=1)
        await person.read(f"1 look at {miner.address}: one more look shows the first curves")
        await look(person, miner, 2)
        await person.see_looks(2)
    await person.press("Look again")
    await person.read(f"{miner.address} cannot be reached")
    await person.see_looks(2)
    assert len(await person.heights("Requests per minute", "per minute", "requests")) == 2


async def test_the_miner_is_asked_on_its_own_while_the_tab_shows(
    person: "Person", backend: Scripted
) -> None:
    page = person.page
    await page.clock.install()
    await person.come_to(page.url)
    await person.open("System")
    await person.read(re.compile("1 look at"))
    await page.clock.run_for(TICK)
    await person.see_looks(2)

    async def asks_nobody() -> None:
        before = len(person.visited)
        await page.clock.run_for(MINUTE)
        assert person.visited[before:] == []

    await person.field("Key").focus()
    await asks_nobody()
    await person.field("Key").press("Enter")
    await page.clock.run_for(TICK)
    await person.see_looks(3)
    await person.open("Feedback")
    await asks_nobody()
    await person.open("System")
    await person.see_looks(4)
    await person.tab.get_by_label("every 5 s").uncheck()
    await asks_nobody()


async def test_a_miner_that_refuses_is_left_alone(person: "Person", backend: Scripted) -> None:
    await person.fill("Key", "wrong-key")
    await person.open("System")
    await person.read(re.compile("^401 "))
    box = person.tab.get_by_label("every 5 s")
    await person.see(person.tab.locator("input[type=checkbox]:not(:checked)"))
    assert not await box.is_checked()

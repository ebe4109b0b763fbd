"""A person's whole visit, on each screen and in both colours, against a real miner."""

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from scripted import HangAfter, Json, Scripted, until

if TYPE_CHECKING:
    from browser import Person

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXAMPLE = "Explain in simple terms what machine learning is."
ANSWER = r"""Machine learning finds a rule in **examples**, such as $y = wx + b$, whose error

\[E = \sum_i (y_i - w x_i - b)^2\]

is smallest. A book on it costs between $20 and $50."""
CRITIQUE = """\
PROBLEM: It uses terms that a beginner does not know.
SUGGESTION: Use everyday words.
PROBLEM: The formula $y = wx + b$ is not explained.
SUGGESTION: Leave it out.
PROBLEM: It gives no example.
SUGGESTION: Show how a computer learns to tell cats from dogs."""
REVISION = (
    "Machine learning means that a computer learns from examples. Show it many pictures of cats "
    "and dogs, and it finds out by itself what tells them apart."
)
LEARNT = {
    "content": "Answer in French",
    "category": "language",
    "about": 0,
    "quote": "always answer in French",
}


@pytest.mark.timeout(300)  # all that a person does, on a machine that may be busy
@pytest.mark.parametrize(
    "screen",
    [
        (width, height, colours)
        for width, height in ((1440, 900), (1024, 768), (390, 844))
        for colours in ("light", "dark")
    ],
    ids=lambda screen: f"{screen[0]}-{screen[2]}",
)
async def test_a_whole_visit(
    person: "Person", backend: Scripted, screen: tuple[int, int, str]
) -> None:
    pictures = screen == (1440, 900, "light")
    await _chat(person, backend, pictures)
    await _criticise_and_refine(person, backend, pictures)
    await _playbook(person, backend, pictures)
    await _more(person, backend, pictures)
    await _system(person, pictures)
    await person.come_back()
    await person.see_said(EXAMPLE, "The beginning", "(stopped)")
    await expect(person.message).to_have_value("a thought for later")
    await person.see_that_it_fits()


async def _chat(person: "Person", backend: Scripted, pictures: bool) -> None:
    backend.when("Check your answer", "PASS").default(ANSWER)
    await person.see(person.tab.get_by_text("What would you like to know?"))
    await person.see_that_it_fits()
    await person.page.get_by_text(EXAMPLE).click()
    await person.see_answered()
    await expect(person.log.locator(".katex")).to_have_count(2)
    await person.see_said("costs between $20 and $50")
    await person.see_steps("complete", "recall", "draft", "check", "remember")
    if pictures:
        await person.photograph("chat")

    backend.reset()
    backend.default(HangAfter("The beginning of an answer"))
    await person.ask("What is deep learning?")
    await person.see_said("The beginning of an answer")
    await person.message.press_sequentially("a thought for later")
    await person.message.press("Enter")
    await expect(person.message).to_have_value("a thought for later")
    await person.page.locator("#message .stop-button").click()
    await until(lambda: backend.requests[-1].disconnected)
    await person.see_said("The beginning of an answer", "(stopped)")
    await person.see_that_it_fits()


async def _criticise_and_refine(person: "Person", backend: Scripted, pictures: bool) -> None:
    backend.reset()
    backend.when("strict and fair reviewer", CRITIQUE)
    backend.when("which points are still", "OPEN: none").when("Which points", "OPEN: none")
    backend.default(REVISION)
    await person.press("Criticise the answer →")
    await person.see_value("Input", "What is deep learning?")
    await person.see_hint_beside_copy("feedback-answer")
    await person.press("Criticise")
    await person.read("It gives no example.", "Use everyday words.")
    await expect(person.tab.locator("#feedback-items .katex")).to_have_count(1)
    await person.see_all_columns("feedback-items")
    if pictures:
        await person.photograph("feedback")
    await person.press("Refine with this →")
    await person.see_value("Output to revise", "The beginning of an answer")
    await person.read("It gives no example.")
    await person.see_all_columns("refine-feedbacks")
    await person.see_hint_beside_copy("refine-answer")
    await person.press("Refine")
    await person.see(person.tab.locator("#refine-answer").get_by_text(REVISION))
    await person.see(person.tab.locator("ins").get_by_text("pictures"))
    if pictures:
        await person.photograph("refine")


async def _playbook(person: "Person", backend: Scripted, pictures: bool) -> None:
    backend.reset()
    backend.default(Json({"preferences": [LEARNT]}))
    await person.open("Playbook")
    await person.read("Nothing is known of this user yet")
    await person.press("Please always answer in French.")
    await person.press("Learn")
    await person.see(person.tab.locator("#playbook").get_by_text("always answer in French"))
    if pictures:
        await person.photograph("playbook")
    await person.see_all_columns("playbook")
    await person.write_cell("playbook", 0, 1, "Answer in German")
    await person.read("1 change not saved")
    await person.open("Chat")
    await person.open("Playbook")
    await person.see_rows("playbook", "Answer in German")
    await person.press("Save the changes")
    await person.read("1 change saved")


async def _more(person: "Person", backend: Scripted, pictures: bool) -> None:
    await person.open("More")
    await expect(person.tab.get_by_label("Web search")).to_have_count(0)
    await person.see_hint_beside_copy("components-answer")
    await person.press("Example: majority vote")
    await person.see_value("Task", "Answer the question")
    await person.see_all_columns("earlier")
    await person.press("Run")
    await person.read(re.compile("205: 2, 215: 1"))
    if pictures:
        await person.photograph("more")


async def _system(person: "Person", pictures: bool) -> None:
    await person.open("System")
    await person.read("healthy", "scripted-model", "max_playbook_nodes")
    await person.see(person.tab.locator("canvas, svg.marks"))
    if pictures:
        await person.photograph("system")

"""What must not be lost, what must not be shown, and what goes wrong."""

import re
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest
from answering import sending, serving
from playwright.async_api import expect

from running_miner import KEY, client_of
from scripted import Scripted, Slow, Status, until

if TYPE_CHECKING:
    from browser import Person, Playground

pytestmark = pytest.mark.asyncio(loop_scope="session")

WELCOME = "What would you like to know?"
NOBODY = "http://127.0.0.1:9"


async def test_an_empty_message_is_not_sent(person: "Person", backend: Scripted) -> None:
    await person.ask("   ")
    await expect(person.message).to_have_value("   ")
    await person.see(person.tab.get_by_text(WELCOME))


async def test_a_draft_outlives_a_reload(person: "Person", backend: Scripted) -> None:
    await person.message.press_sequentially("half a thought")
    await person.come_back()
    await expect(person.message).to_have_value("half a thought")


async def test_the_miner_remembers_the_conversation(
    person: "Person", backend: Scripted, miner: str
) -> None:
    backend.when("Check your answer", "PASS").default("It is Paris.")
    await person.ask("What is the capital of France?")
    await person.see_answered()
    backend.default("About two million.")
    await person.ask("How many people live there?")
    await person.see_said("About two million.")
    await person.see_answered()
    assert "It is Paris." in backend.requests[-1].prompt
    first = await person.user.input_value()

    await person.press("New conversation")
    await person.see_line(f"as {first}-2")
    await person.see(person.tab.get_by_text(WELCOME))
    await person.page.evaluate("localStorage.clear()")
    await person.come_back()
    await person.page.locator("#talks").get_by_text(first, exact=True).click()
    await person.see_said("What is the capital of France?", "It is Paris.", "About two million.")
    assert "Answer the user" not in await person.log.inner_text()

    await person.press("Forget")
    await person.see(person.tab.get_by_text(WELCOME))
    assert person.asked == ["Erase this conversation here and on the miner? Its playbook stays."]
    async with client_of(miner) as client:
        assert (await client.get(f"/conversations/{first}")).status_code == 404


async def test_a_question_is_edited_asked_again_and_exported(
    person: "Person", backend: Scripted
) -> None:
    backend.when("Check your answer", "PASS").default("It is Paris.")
    await person.ask("What is the capital of Frnce?")
    await person.see_answered()
    backend.default("Paris, of course.")
    await person.press("Edit")
    await person.log.locator("textarea").fill("What is the capital of France?")
    await person.press("Submit")
    await person.see_said("What is the capital of France?", "Paris, of course.")
    await person.see_answered()
    await expect(person.log).not_to_contain_text("Frnce")
    backend.default("Still Paris.")
    await person.press("Retry")
    await person.see_said("Still Paris.")
    await person.see_answered()
    await expect(person.log).not_to_contain_text("of course")
    async with person.page.expect_download() as download:
        await person.press("Export")
    written = (await (await download.value).path()).read_text()
    assert written == (
        "**user**\n\nWhat is the capital of France?\n\n**assistant**\n\nStill Paris.\n"
    )


async def test_a_document_is_written_and_handed_on(person: "Person", backend: Scripted) -> None:
    backend.when("Check your answer", "PASS")
    backend.default("Here it is.\n<notebook>\ndef one() -> int:\n    return 1\n</notebook>")
    await person.unfold_line()
    await person.page.get_by_text("Advanced: the form of the API").click()
    await person.choose("Unified")
    await person.unfold_line()
    await person.page.get_by_text("Task and document").click()
    await person.ask("Write a Python function that returns 1.")
    await person.see_value("Document", re.compile("def one"))
    await person.see_answered()
    await person.fill("Document", "def uno() -> int:\n    return 1")
    await person.ask("Now let it return 2.")
    await until(lambda: any("def uno" in request.prompt for request in backend.requests))


async def test_what_is_typed_is_not_replaced_unasked(person: "Person", backend: Scripted) -> None:
    await person.open("Feedback")
    await person.press("Example: hard terms")
    await person.see_value("Input", "What is machine learning?")
    await person.press("Example: a wrong product")
    await person.see_value("Input", "What is 17 times 23?")
    assert person.asked == []
    await person.fill("Input", "What is 17 times 24?")
    person.agrees = False
    await person.press("Example: hard terms")
    await until(lambda: len(person.asked) == 1)
    await person.see_value("Input", "What is 17 times 24?")
    person.agrees = True
    await person.press("Example: hard terms")
    await person.see_value("Input", "What is machine learning?")


async def test_what_is_refused_stays_in_the_table_to_be_put_right(
    person: "Person", backend: Scripted
) -> None:
    await person.open("Playbook")
    for row, content in enumerate(("Answer in French", "Use short sentences")):
        await person.press("Add a row")
        await person.see_rows("playbook", *["Answer in French"][:row], "")
        await person.write_cell("playbook", row, 1, content)
    await person.write_cell("playbook", 1, 2, "nonsense")
    await person.read("2 changes not saved")
    await person.press("Save the changes")
    await person.read("1 change saved", "1 change not saved", "422 invalid_request", "category")
    await person.see_rows("playbook", "Answer in French", "Use short sentences")

    await person.come_as("somebody-else")
    await person.open("Chat")
    await person.open("Playbook")
    await person.read(re.compile("^Unsaved changes of user-"))
    await person.see_rows("playbook", "Answer in French", "Use short sentences")
    person.agrees = False
    await person.press("Discard the changes")
    await until(lambda: len(person.asked) == 1)
    await person.see_rows("playbook", "Answer in French", "Use short sentences")
    person.agrees = True
    await person.press("Discard the changes")
    await person.see_rows("playbook")


async def test_the_unified_critique_is_a_text(person: "Person", backend: Scripted) -> None:
    backend.default("**Strengths** It is short.\n\n**Weaknesses** The sum $17 \\cdot 23$ is wrong.")
    await person.unfold_line()
    await person.page.get_by_text("Advanced: the form of the API").click()
    await person.choose("Unified")
    await person.open("Feedback")
    await person.press("Example: a wrong product")
    await person.press("Criticise")
    await person.see(person.tab.locator("#feedback-answer strong").get_by_text("Weaknesses"))
    await person.see(person.tab.locator("#feedback-answer .katex"))


async def test_every_tab_can_be_stopped(person: "Person", backend: Scripted) -> None:
    backend.default(Slow("word " * 2000, 0.02))
    for tab, example, button in (
        ("Feedback", "Example: hard terms", "Criticise"),
        ("Refine", "Example: hard terms", "Refine"),
        ("Playbook", "Please always answer in French.", "Learn"),
        ("More", "Example: summary", "Run"),
    ):
        await person.open(tab)
        await person.press(example)
        asked = len(backend.requests)
        await person.press(button)
        await person.see(person.tab.get_by_role("button", name=re.compile(rf"^{button}: \w+ \d")))
        await until(lambda asked=asked: len(backend.requests) > asked)
        await person.press("Stop")
        await until(lambda: backend.requests[-1].disconnected)
        await person.see(person.tab.get_by_role("button", name=button, exact=True))


async def test_an_error_keeps_the_question_to_be_asked_again(
    person: "Person", backend: Scripted
) -> None:
    backend.default(Status(400))
    await person.ask("What is machine learning?")
    await person.read("backend_refused", "request_id")
    await person.see_said("What is machine learning?")
    backend.when("Check your answer", "PASS").default("It learns from examples.")
    await person.press("Try again")
    await person.see_said("What is machine learning?", "It learns from examples.")


async def test_an_answer_that_breaks_off_says_so(person: "Person", backend: Scripted) -> None:
    token = b'event: token\ndata: {"node": "draft", "kind": "text", "text": "Half an"}\n\n'
    with serving(sending(200, token, Content_Type="text/event-stream")) as broken:
        await person.unfold_line()
        await person.fill("Miner", broken)
        await person.ask("Will it end?")
        await person.see_said("Half an", "(stopped)")
        await person.read("the stream ended before the answer")
        await person.open("Playbook")
        await person.read("what answers there is not a miner")
        await expect(person.tab).not_to_contain_text("Reading the playbook")


async def test_the_line_tells_of_a_miner_that_is_not_there(
    person: "Person", backend: Scripted
) -> None:
    await person.unfold_line()
    await person.fill("Miner", NOBODY)
    await person.see_line("Not checked yet")
    await person.ask("Is anybody there?")
    await person.see_line(f"Not connected: {NOBODY} cannot be reached")
    await person.see_said("Is anybody there?")
    await person.fill("Miner", "ftp://127.0.0.1")
    await person.press("Connect")
    await person.see_line("the address must start with http:// or https://")


async def test_the_line_names_the_user_of_now_after_a_check_begun_before(
    person: "Person", backend: Scripted
) -> None:
    asked, released = threading.Event(), threading.Event()
    released.set()
    alive = b'{"status": "healthy", "cid": "ann", "miner_name": "slow-miner", "model": "its-model"}'

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/health":  # with which a check begins
            asked.set()
            released.wait(30)
        sending(200, alive)(handler)

    with serving(answer) as slow:
        await person.unfold_line()
        await person.fill("Miner", slow)
        await person.press("Connect")
        await person.see_line("slow-miner · its-model · as user-")
        await person.unfold_line()
        released.clear()
        asked.clear()
        await until(asked.is_set, 15)  # the page asks again by itself
        await person.fill("User (cid)", "ann")
        await person.see_line("as ann")
        alive = alive.replace(b"its-model", b"another-model")
        released.set()
        await person.see_line("slow-miner · another-model · as ann")


async def test_a_wrong_key_is_said_to_be_wrong(person: "Person", backend: Scripted) -> None:
    await person.unfold_line()
    await person.fill("Key", "wrong-key")
    await person.press("Connect")
    await person.see_line("The key is wrong")
    await person.see_that_it_fits()
    await person.ask("Does it answer?")
    await person.see_that_it_fits()
    answer = person.tab.get_by_text("Not answered: the line on top says why.")
    await expect(answer).to_be_in_viewport(ratio=1, timeout=15_000)
    told = person.page.get_by_text(re.compile("key is wrong|unauthorized")).locator("visible=true")
    await expect(told).to_have_count(1)
    await expect(person.field("Key")).to_be_in_viewport()
    assert not [url for url in person.visited if "wrong-key" in url]
    await person.page.reload()
    await person.see_line("The key is wrong")
    await person.see_value("Key", "wrong-key")


async def test_fields_that_are_wrong_are_named(person: "Person", backend: Scripted) -> None:
    await person.open("Playbook")
    await person.press("Learn")
    await person.read("422 invalid_request", "human_feedback", "request_id")
    await person.read(re.compile("should not be blank"))


async def test_an_image_in_an_answer_is_not_fetched(person: "Person", backend: Scripted) -> None:
    backend.when("Check your answer", "PASS")
    backend.default("Look: ![a picture](http://127.0.0.2/told.png) here")
    await person.ask("Show me something.")
    await person.see_answered()
    assert [url for url in person.visited if "127.0.0.2" in url] == person.blocked != []


async def test_the_key_of_the_settings_never_reaches_the_page(
    person: "Person", running: "Playground", backend: Scripted
) -> None:
    await person.unfold_line()
    await person.see_value("Key", "")
    assert KEY not in await person.page.content()
    assert KEY not in running.logged


async def test_nothing_leaves_the_machine(person: "Person", running: "Playground") -> None:
    await person.see(person.tab)
    assert running.reached <= {"127.0.0.1", "localhost", "::1"}
    assert "Traceback" not in running.logged

"""Every tab, used as a person would, against a real miner with a scripted backend."""

import re
from typing import TYPE_CHECKING

import pytest
from load import mixed_load, varied

from running_miner import KEY, client_of
from scripted import HangAfter, Json, Scripted, Slow, Status, until

if TYPE_CHECKING:
    from browser import Person, Playground

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "Explain in simple terms what machine learning is."
SAID = "What the user says of the answers"
ANSWER = "Machine learning lets a computer learn from **examples** instead of rules."
CRITIQUE = """\
PROBLEM: It uses terms that a beginner does not know.
SUGGESTION: Use everyday words.
PROBLEM: It gives no example.
SUGGESTION: Show how a computer learns to tell cats from dogs."""
REVISION = (
    "Machine learning means that a computer learns from examples. Show it many pictures of cats "
    "and dogs, and it finds out by itself what tells them apart."
)


async def test_an_example_is_asked_and_answered_in_the_chat(
    person: "Person", backend: Scripted
) -> None:
    backend.when("Check your answer", "PASS")
    backend.default(Slow(ANSWER, 0.02))
    await person.press(QUESTION)
    await person.see_value("Message", QUESTION)
    await person.press("Send")
    await person.see_run("recall", "draft", "check", "remember")
    await person.see_off_path("sample", "choose", "revise", "compare")
    await person.see(person.tab.locator("strong").get_by_text("examples"))
    await person.read("X-Miner-Strategy", "X-Miner-Model-Calls", re.compile("first token after"))
    await person.photograph("complete")


async def test_tokens_are_shown_as_they_come_and_a_run_can_be_stopped(
    person: "Person", backend: Scripted
) -> None:
    backend.default(HangAfter("The beginning of an answer"))
    await person.fill("Message", "What is machine learning?")
    await person.press("Send")
    await person.read("The beginning of an answer", re.compile("^running"))
    await person.see_working("draft")
    await person.press("Stop")
    await until(lambda: backend.requests[0].disconnected)
    await person.read("The beginning of an answer", re.compile("^stopped after"))


async def test_the_miner_remembers_the_conversation(person: "Person", backend: Scripted) -> None:
    backend.when("Check your answer", "PASS")
    backend.default("It is Paris.")
    await person.fill("Message", "What is the capital of France?")
    await person.field("Message").press("Enter")
    await person.see_run("recall", "draft", "check", "remember")
    backend.default("About two million.")
    await person.fill("Message", "How many people live there?")
    await person.press("Send")
    await person.read("About two million.")
    assert "It is Paris." in backend.requests[-1].prompt
    await person.press("Clear")
    await person.press("Load what the miner remembers")
    await person.read("What is the capital of France?", "It is Paris.", "About two million.")
    await person.press("Forget this conversation")
    await person.read("Ask something, or click an example below.")
    await person.press("Load what the miner remembers")
    await person.read("there is no such conversation")


async def test_a_document_is_written_and_handed_on(person: "Person", backend: Scripted) -> None:
    backend.when("Check your answer", "PASS")
    backend.default("Here it is.\n<notebook>\ndef one() -> int:\n    return 1\n</notebook>")
    await person.unfold("Form, task and document")
    await person.choose("Unified")
    await person.fill("Message", "Write a Python function that returns 1.")
    await person.press("Send")
    await person.see_value("Document (unified)", re.compile("def one"))
    await person.fill("Document (unified)", "def uno() -> int:\n    return 1")
    await person.fill("Message", "Now let it return 2.")
    await person.press("Send")
    await until(lambda: any("def uno" in request.prompt for request in backend.requests))


async def test_an_answer_is_criticised_refined_and_criticised_again(
    person: "Person", backend: Scripted
) -> None:
    backend.when("Check your answer", "PASS").when("strict and fair reviewer", CRITIQUE)
    backend.when("which points are still", "OPEN: none").when("Which points", "OPEN: none")
    backend.when("careful editor", REVISION).default(ANSWER)
    await person.fill("Message", QUESTION)
    await person.press("Send")
    await person.see_run("recall", "draft", "check", "remember")

    await person.press("Criticise the last answer →")
    await person.see_value("Input", QUESTION)
    await person.see_value("Output to criticise", ANSWER)
    await person.press("Criticise")
    await person.see_run("recall", "critique")
    await person.see_off_path("reformat")
    await person.read("It gives no example.", "Use everyday words.")
    await person.photograph("feedback")

    await person.press("Refine with this →")
    await person.see_value("Output to revise", ANSWER)
    await person.read("It gives no example.")
    await person.press("Refine")
    await person.see_value("Revised", REVISION)
    await person.see_run("recall", "rewrite", "judge")
    asked = next(request.prompt for request in backend.requests if "editor" in request.prompt)
    assert "Show how a computer learns to tell cats from dogs." in asked
    await person.see(person.tab.locator("ins").get_by_text("pictures"))
    await person.photograph("refine")

    await person.press("Criticise the revision →")
    await person.see_value("Output to criticise", REVISION)


async def test_the_unified_critique_is_a_text(person: "Person", backend: Scripted) -> None:
    backend.default("**Strengths** It is short.\n\n**Weaknesses** The sum is wrong.")
    await person.open("Feedback")
    await person.press("A product that is wrong")
    await person.see_value("Input", "What is 17 times 23?")
    await person.choose("Unified")
    await person.press("Criticise")
    await person.see_run("recall", "critique")
    await person.see(person.tab.locator("#feedback-critique strong").get_by_text("Weaknesses"))


async def test_a_preference_is_learnt_and_the_playbook_edited(
    person: "Person", backend: Scripted
) -> None:
    learnt = {"content": "Answer in French", "category": "language", "about": 0}
    backend.default(Json({"preferences": [{**learnt, "quote": "always answer in French"}]}))
    await person.open("Human feedback")
    await person.press("Please always answer in French.")
    await person.see_value(SAID, "Please always answer in French.")
    await person.press("Learn")
    await person.see_run("recall", "extract", "confirm", "apply")
    await person.read("insert")
    await person.see_rows("playbook", "Please always answer in French.")
    await person.photograph("human-feedback")

    await person.write_cell("playbook", 0, 1, "Answer in German")
    await person.press("Save the changes")
    await person.read("1 change saved")
    await person.see_rows("playbook", "Answer in German")
    history = await _history(person)
    assert [version["content"] for version in history] == [
        "Please always answer in French.",
        "Answer in German",
    ]

    await person.press("Add a row")
    await person.see_rows("playbook", "Answer in German", "")
    await person.write_cell("playbook", 1, 1, "Use short sentences")
    await person.press("Save the changes")
    await person.read("1 change saved")
    await person.see_rows("playbook", "Answer in German", "Use short sentences")

    await person.write_cell("playbook", 0, 1, "")
    await person.press("Save the changes")
    await person.read("1 change saved")
    await person.see_rows("playbook", "Use short sentences")


async def _history(person: "Person") -> list[dict[str, str]]:
    cid = await person.field("User (cid)").input_value()
    async with client_of(await person.field("Miner").input_value()) as client:
        [entry] = (await client.get(f"/playbook/{cid}")).json()["entries"]
        answer = await client.get(f"/playbook/{cid}/{entry['node_id']}/history")
    return list(answer.json()["versions"])


async def test_what_is_refused_stays_in_the_table_to_be_put_right(
    person: "Person", backend: Scripted
) -> None:
    await person.open("Human feedback")
    for row, content in enumerate(("Answer in French", "Use short sentences")):
        await person.press("Add a row")
        await person.see_rows("playbook", *["Answer in French"][:row], "")
        await person.write_cell("playbook", row, 1, content)
    await person.write_cell("playbook", 1, 2, "nonsense")
    await person.press("Save the changes")
    await person.read("1 change saved", "422 invalid_request", "category")
    await person.read(re.compile("should be one of"))
    await person.see_rows("playbook", "Answer in French", "Use short sentences")

    await person.write_cell("playbook", 1, 2, "style")
    await person.write_cell("playbook", 0, 1, "")
    await person.press("Save the changes")
    await person.read("2 changes saved")
    await person.see_rows("playbook", "Use short sentences")


async def test_the_other_components_answer(person: "Person", backend: Scripted) -> None:
    backend.when("You summarise", "Sales rose by 12%, but two suppliers were late.")
    await person.open("Other components")
    await person.press("summary")
    await person.see_value("Task", "Summarise for a manager")
    await person.press("Run")
    await person.read("Sales rose by 12%, but two suppliers were late.")

    await person.press("aggregate")
    await person.see_value("Task", "Answer the question")
    await person.see_off_path("start", "judge_answers")
    await person.press("Run")
    await person.read(re.compile("205: 2, 215: 1"))
    await person.photograph("components")

    await person.press("internet_search")
    await person.see_value("Task", "Answer from the web")
    await person.press("Run")
    await person.read(re.compile("search is (switched )?off|no search", re.I))


@pytest.mark.timeout(300)  # a photograph waits for the curves
async def test_the_system_is_shown_with_plots(
    person: "Person", backend: Scripted, miner: str
) -> None:
    backend.when("Check your answer", "PASS").default(varied)
    await person.fill("Message", QUESTION)
    await person.press("Send")
    await person.see_run("recall", "draft", "check", "remember")
    if person.photographs:
        await person.open("System")
        await mixed_load(miner)
    await person.open("System")
    await person.read("healthy", "requests", "scripted-model", "max_playbook_nodes")
    await person.see_plot("Requests", "complete", re.compile(r"^\d+$"))
    await person.see_plot("19 of 20 requests take less than", "complete", re.compile(r"\d s$"))
    await person.see_plot("Time spent in each step", "draft", re.compile(r"\d s$"))
    await person.see_plot("Tokens of the model", "completion", re.compile(r"^[\d,]+$"))
    await person.photograph("system")
    seen = await person.tab.locator("#system-health").inner_text()
    await person.press("Look again")
    await person.see_other_than(person.tab.locator("#system-health"), seen)


async def test_errors_are_shown_as_the_api_gives_them(person: "Person", backend: Scripted) -> None:
    await person.open("Feedback")
    await person.press("Criticise")
    await person.read("422 invalid_request", "task", "request_id")
    await person.read(re.compile("at least 1 character"))
    await person.photograph("error")
    await person.fill("Key", "wrong-key")
    await person.press("Criticise")
    await person.read(re.compile("^401 "))
    assert not [url for url in person.visited if "wrong-key" in url]


async def test_an_error_in_the_stream_keeps_the_message(
    person: "Person", backend: Scripted
) -> None:
    backend.default(Status(400))
    await person.fill("Message", "What is machine learning?")
    await person.press("Send")
    await person.read("backend_refused", "request_id")
    await person.see_value("Message", "What is machine learning?")


async def test_an_address_without_a_miner_is_named(person: "Person", backend: Scripted) -> None:
    for address, complaint in (
        ("http://127.0.0.1:9", "http://127.0.0.1:9 cannot be reached"),
        ("ftp://127.0.0.1", "write an address that starts with http:// or https://"),
    ):
        await person.fill("Miner", address)
        await person.press("Check")
        await person.see(person.page.locator("#pg-status").get_by_text(complaint))


async def test_an_image_in_an_answer_is_not_fetched(person: "Person", backend: Scripted) -> None:
    backend.when("Check your answer", "PASS")
    backend.default("Look: ![a picture](http://127.0.0.2/told.png) here")
    await person.fill("Message", "Show me something.")
    await person.press("Send")
    await person.see_run("recall", "draft", "check", "remember")
    assert [url for url in person.visited if "127.0.0.2" in url] == person.blocked != []


async def test_the_key_of_the_settings_never_reaches_the_page(
    person: "Person", running: "Playground", backend: Scripted
) -> None:
    await person.see_value("Key", "")
    assert KEY not in await person.page.content()
    await person.fill("Miner", "http://localhost:1")
    await person.press("Check")
    await person.see(person.page.locator("#pg-status").get_by_text("cannot be reached"))
    assert KEY not in running.logged


async def test_nothing_leaves_the_machine(person: "Person", running: "Playground") -> None:
    await person.see(person.tab)
    assert running.reached <= {"127.0.0.1", "localhost", "::1"}
    assert "Traceback" not in running.logged

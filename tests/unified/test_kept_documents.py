"""A chain never loses its document: not to a part of it, to a remark, nor to a refusal."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from orchestrator import NO_UPDATE, Json, ask, body
from running_miner import client_of, miner_settings, serving
from scripted import Recorded, Scripted, Truncated

STORY = "# The fox\n\n" + "Once there was a quick brown fox.\nIt jumped over the dog.\n" * 4
OTHER = "# The hare\n\n" + "Once there was a very slow hare.\nIt ran round the hedge.\n" * 4
SECTION = "## Section {number}\n\nThe fox jumps over dog number {number}, and over no other.\n\n"
REPORT = "".join(SECTION.format(number=number) for number in range(80))
CUT = "cut to fit the model's window"
WINDOW = 8192


def earlier(notebook: str = NO_UPDATE, said: str = "Here.", component: str = "complete") -> Json:
    output = {"immediate_response": said, "notebook": notebook}
    return {"task": "Write", "input": [], "output": output, "component": component}


def marked(document: str, note: str = "I changed it.") -> str:
    return f"{note}\n<notebook>\n{document}\n</notebook>"


async def answered(
    client: httpx.AsyncClient, component: str, *previous: Json, query: str = "Please."
) -> tuple[str, str]:
    sent = body("kept", "Do it", [query], previous, use_conversation_history=False)
    output = (await ask(client, component, sent))["output"]
    return output["immediate_response"], output["notebook"]


def document_shown(request: Recorded) -> str:
    """What a model that copies faithfully gives back of the report it was shown."""
    shown = request.prompt
    return shown[shown.index("## Section 0") : shown.rindex("Section 79") + 90]


@pytest.fixture
async def small_window(tmp_path: Path, backend: Scripted) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of a miner whose model has a window of 8,192 tokens."""
    backend.max_model_len = WINDOW
    with serving(miner_settings(tmp_path, backend)) as address:
        async with client_of(address) as client:
            yield client


async def test_a_document_that_fits_has_its_room_before_search_results(
    small_window: httpx.AsyncClient, backend: Scripted
) -> None:
    backend.default(lambda request: marked(document_shown(request).split("\n\nEarlier")[0]))
    found = [earlier(said=f"Result {n}. " * 2000, component="internet_search") for n in range(8)]
    said, notebook = await answered(small_window, "complete", earlier(REPORT), *found)
    assert notebook == REPORT
    assert said == "I changed it."
    assert "Result 7." in backend.requests[0].prompt


@pytest.mark.parametrize("untagged", [False, True])
async def test_a_document_shown_in_part_is_handed_on_whole(
    small_window: httpx.AsyncClient, backend: Scripted, untagged: bool
) -> None:
    report = REPORT * 9
    new = "# A new report\n\nIt has one section, which is about the last dog of all.\n" * 3
    backend.default(document_shown if untagged else marked(new.strip()))
    said, notebook = await answered(small_window, "complete", earlier(report))
    assert notebook == report
    assert "stays as it was" in said or untagged
    assert untagged or new.strip() in said


async def test_a_copy_of_the_mark_of_a_cut_replaces_no_document(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default(marked(STORY + "\n[… cut to fit the model's window …]\n"))
    said, notebook = await answered(client, "complete", earlier(STORY))
    assert notebook == STORY
    assert CUT not in said


async def test_an_output_shown_in_part_is_not_replaced_by_its_revision(
    small_window: httpx.AsyncClient, backend: Scripted
) -> None:
    report = REPORT * 9
    backend.default("Revised whole, " * 2000)
    said, notebook = await answered(small_window, "refine", earlier(report))
    assert notebook == report
    assert "stays as it was" in said
    assert "Revised whole" in said
    flat = {"cid": "kept", "task": "Write", "input": "i", "output": report, "feedbacks": []}
    response = await small_window.post("/refine", json=flat)
    assert response.json()["output"] == report
    assert "only a part of the output" in response.headers["X-Miner-Fallback"]
    assert "Output" in response.headers["X-Miner-Cut"]


DOCUMENTS = {
    "code": "import sys\n\nanswer = 42\nprint('The answer is', answer)",
    "report": "#### 1. Foxes\n\nThere are 12.\n\n#### 2. Dogs\n\nThere are 42.",
    "quiz": "1. What is 2 + 2?\nAnswer: 4\n2. What is 3 + 3?\nAnswer: 6",
    "poem": "The answer, my friend,\nis in 12 winds\nthat blow.",
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
async def test_a_document_without_a_note_is_a_document(
    client: httpx.AsyncClient, shared_backend: Scripted, document: str
) -> None:
    shared_backend.default(marked(document, ""))
    said, notebook = await answered(client, "complete")
    assert notebook == document
    assert said == "The document is in the notebook."


@pytest.mark.parametrize(
    "words",
    [
        "no update.",
        "No update needed",
        "(unchanged)",
        "**No changes required.**",
        "[no update]",
        "Answer: 42",
        "6 * 7 = 42, so:\nAnswer: 42",
        "Paris",
        "I'm sorry, I can't do that.",
        "I have revised the story as you asked, and I made sure that every line of it is right.",
        "[the whole document]",
        "[The new and unabridged story of the fox goes in this place, with all that it does.]",
    ],
)
@pytest.mark.parametrize("component", ["complete", "aggregate"])
async def test_words_in_the_place_of_a_document_do_not_replace_it(
    client: httpx.AsyncClient, shared_backend: Scripted, words: str, component: str
) -> None:
    shared_backend.default(marked(words, "The story has 9 lines."))
    said, notebook = await answered(client, component, earlier(STORY, said="It is told, I say."))
    assert notebook == STORY
    assert "The story has 9 lines." in said
    if not words.strip("*([").lower().startswith(("no ", "unchanged")):
        assert words in said


@pytest.mark.parametrize("words", ["no update.", "(unchanged)"])
async def test_no_update_without_a_document_is_none(
    client: httpx.AsyncClient, shared_backend: Scripted, words: str
) -> None:
    shared_backend.default(marked(words, "Paris."))
    assert await answered(client, "complete") == ("Paris.", NO_UPDATE)


async def test_a_document_may_become_one_line_where_that_is_asked(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default(marked("A fox jumped."))
    got = await answered(client, "complete", earlier(STORY), query="Shorten it to one line.")
    assert got == ("I changed it.", "A fox jumped.\n")


async def test_a_solution_may_replace_a_solution(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default(marked("6 * 7 = 42\nAnswer: 42"))
    got = await answered(client, "complete", earlier("6 * 7 = 43\nAnswer: 43"))
    assert got == ("I changed it.", "6 * 7 = 42\nAnswer: 42")


@pytest.mark.parametrize("previous", [[], [earlier(STORY)]])
async def test_of_two_tagged_documents_the_last_counts(
    client: httpx.AsyncClient, shared_backend: Scripted, previous: list[Json]
) -> None:
    first = marked("# A first draft\n\nIt has these lines.", "A draft:")
    shared_backend.default(f"{first}\nWait, better:\n{marked(OTHER.strip(), '')}\nDone.")
    said, notebook = await answered(client, "complete", *previous)
    assert notebook.strip() == OTHER.strip()
    for words in ("A draft:", "It has these lines.", "Wait, better:", "Done."):
        assert words in said
    assert "notebook>" not in said


@pytest.mark.parametrize(
    "words",
    [
        "I have revised the output as you asked.",
        "I'm sorry, but I can't help with that.",
        "A fox.",
        "no update",
    ],
)
@pytest.mark.parametrize("query", ["Please.", "Make it shorter."])
async def test_words_in_the_place_of_a_revision_do_not_replace_the_document(
    client: httpx.AsyncClient, shared_backend: Scripted, words: str, query: str
) -> None:
    shared_backend.when("Which one does the task better", "2", "1").default(words)
    said, notebook = await answered(client, "refine", earlier(STORY), query=query)
    if words == "A fox." and query == "Make it shorter.":
        assert notebook == f"{words}\n"
        return
    assert notebook == STORY
    assert said.endswith("The document is unchanged." if words == "no update" else words)


async def test_a_flat_output_is_not_replaced_by_half_of_it(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default(Truncated("The story of the quick fox. The sto"))
    fault = {"problem": "It is dull.", "suggestion": ""}
    flat = {"cid": "kept", "task": "Write", "input": "i", "output": STORY, "feedbacks": [fault]}
    response = await client.post("/refine", json=flat)
    assert response.json() == {"output": STORY}
    assert "cut off" in response.headers["X-Miner-Fallback"]

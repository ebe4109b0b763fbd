"""What stands in `notebook` and in `immediate_response`, rule by rule, over a real socket."""

import json

import httpx
import pytest

from orchestrator import NO_UPDATE, Json, ask, body
from scripted import Scripted, Truncated

STORY = "# The fox\n\nOnce there was a fox.\nIt jumped.\nIt slept.\n"
EDITED = "# The fox\n\nOnce there was a quick fox.\nIt jumped.\nIt slept.\n"
UNTOUCHED = [
    "One line",
    "trailing spaces   \nand a tab\t\n\n\n",
    "\r\nCRLF\r\nlines\r\n",
    "  \u00a0Ünïcödé 😀 \u2028\u0085 \x0b\x0c\x1b[0m \ufeff e\u0301 \u202eabc",
    "NUL \0 inside",
    "```python\nprint('hi')\n```",
    '{"document": "no update"}',
    "no update\nis what it says\n",
    "No updates were needed.",
    "<notebook>\ntags\n</notebook>",
    "<think>thoughts</think>",
    "x" * 100_000,
    "語" * 100_000,
]


def earlier(
    notebook: str = NO_UPDATE, said: str = "Here it is.", component: str = "complete"
) -> Json:
    output = {"immediate_response": said, "notebook": notebook}
    return {"task": "Write", "input": [], "output": output, "component": component}


COMPARED = "Which one does the task better"


def marked(document: str, note: str = "I changed it.") -> str:
    return f"{note}\n<notebook>\n{document}\n</notebook>"


async def answered(
    client: httpx.AsyncClient, component: str, *previous: Json, **more: object
) -> tuple[str, str]:
    sent = body("notebooks", "Do it", ["Please."], previous, use_conversation_history=False)
    output = (await ask(client, component, sent | more))["output"]
    return output["immediate_response"], output["notebook"]


@pytest.mark.parametrize(
    "answer", ["Paris", "Answer: 42", "no update", "A fox.\nIt jumps.\n\n```\ncode\n```"]
)
async def test_a_conversational_answer_is_the_whole_response(
    client: httpx.AsyncClient, shared_backend: Scripted, answer: str
) -> None:
    shared_backend.default(answer)
    assert await answered(client, "complete") == (answer, NO_UPDATE)
    assert await answered(client, "complete", earlier()) == (answer, NO_UPDATE)


async def test_the_model_is_told_how_to_mark_a_document(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("Paris")
    await answered(client, "complete")
    await answered(client, "complete", earlier(STORY), earlier(EDITED))
    one, several = (request.prompt for request in shared_backend.requests)
    assert "between the tags <notebook> and </notebook>" in one
    assert "Several documents" not in one
    assert "Several documents" in several


async def test_a_new_document_stands_in_the_notebook(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default(marked(STORY, "I wrote a story."))
    assert await answered(client, "complete") == ("I wrote a story.", STORY.strip())


async def test_an_edited_document_replaces_the_earlier_one(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default(marked(EDITED))
    assert await answered(client, "complete", earlier(STORY)) == ("I changed it.", EDITED)


@pytest.mark.parametrize("document", UNTOUCHED, ids=range(len(UNTOUCHED)))
@pytest.mark.parametrize(
    "component", ["complete", "feedback", "summary", "aggregate", "internet_search"]
)
async def test_an_untouched_document_is_handed_on_byte_for_byte(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str, document: str
) -> None:
    shared_backend.default("It seems fine as it is, and needs no change at all for now.")
    previous = [earlier(), earlier(document), earlier(said="Something else was said here, longer.")]
    assert (await answered(client, component, *previous))[1] == document


@pytest.mark.parametrize("document", UNTOUCHED[:10], ids=range(10))
@pytest.mark.parametrize("answer", ["no update", "<notebook>\nno update\n</notebook>", "{same}"])
async def test_a_document_that_needs_no_revision_is_handed_on_byte_for_byte(
    client: httpx.AsyncClient, shared_backend: Scripted, document: str, answer: str
) -> None:
    shared_backend.when("dealt with?", "OPEN: none")
    shared_backend.default(answer.replace("{same}", document.replace("\0", "")))
    said, notebook = await answered(client, "refine", earlier(document))
    assert said == "The document is unchanged."
    assert notebook == document


async def test_a_document_written_again_as_it_was_keeps_its_bytes(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    document = "\n  Line\t\nLine 2   \n\n"
    shared_backend.default(marked(document.strip(), "Nothing to change."))
    assert await answered(client, "complete", earlier(document)) == ("Nothing to change.", document)


async def test_several_documents_become_the_one_that_the_model_wrote(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    both = "# Both\n\nOnce there was a fox, and a hare that ran."
    shared_backend.default(marked(both, "Merged."))
    previous = [earlier(STORY), earlier("# The hare\n\nIt ran.")]
    assert await answered(client, "complete", *previous) == ("Merged.", both)


@pytest.mark.parametrize(
    "component", ["complete", "feedback", "summary", "aggregate", "internet_search"]
)
@pytest.mark.parametrize(
    "answer", ["Both are fine, I would say, and would leave them.", "no update"]
)
async def test_of_several_documents_the_latest_is_chosen_where_the_model_wrote_none(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str, answer: str
) -> None:
    shared_backend.default(answer)
    previous = [earlier(STORY), earlier("# The hare\n\nIt ran."), earlier(NO_UPDATE)]
    assert (await answered(client, component, *previous))[1] == "# The hare\n\nIt ran."


@pytest.mark.parametrize("mark", ["", "No Update", " no update \n"])
async def test_an_empty_notebook_is_no_document(
    client: httpx.AsyncClient, shared_backend: Scripted, mark: str
) -> None:
    shared_backend.default("Fine.")
    assert await answered(client, "complete", earlier(mark)) == ("Fine.", NO_UPDATE)


async def test_actions_of_the_playbook_are_no_document(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("Fine.")
    actions = earlier('[{"action": "insert"}]', component="human_feedback")
    assert await answered(client, "complete", actions) == ("Fine.", NO_UPDATE)
    assert await answered(client, "complete", earlier(STORY), actions) == ("Fine.", STORY)


@pytest.mark.parametrize("component", ["feedback", "summary", "aggregate"])
async def test_what_speaks_about_documents_does_not_replace_them(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str
) -> None:
    about = f"Strengths: it has lines.\n<notebook>\n{EDITED}"
    if component == "aggregate":
        about = f"I followed the first, which has these lines and more:\n> {STORY}"
    shared_backend.default(about)
    said, notebook = await answered(client, component, earlier(STORY))
    assert about.strip() in said
    assert notebook == STORY


async def test_an_edit_without_tags_is_not_lost(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.reply(EDITED, f"Here you are:\n\n```markdown\n{EDITED}```\n\nEnjoy.")
    assert (await answered(client, "complete", earlier(STORY)))[1] == EDITED
    fenced = await answered(client, "complete", earlier(STORY))
    assert fenced == ("Here you are:\n\nEnjoy.", EDITED)


async def test_an_answer_that_quotes_a_document_does_not_replace_it(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    quoting = f"It tells of a fox:\n{STORY}\n" + "\n".join(f"Remark {n}" for n in range(20))
    shared_backend.default(quoting)
    assert await answered(client, "complete", earlier(STORY)) == (quoting, STORY)


HALF = "I changed it.\n<notebook>\n# The fox\n\nOnce there"


@pytest.mark.parametrize("others", [[], [earlier("# The hare")]])
async def test_half_a_document_never_replaces_a_whole_one(
    client: httpx.AsyncClient, shared_backend: Scripted, others: list[Json]
) -> None:
    shared_backend.default(Truncated(HALF))
    said, notebook = await answered(client, "complete", *others, earlier(STORY))
    assert said.startswith("The document stays as it was")
    assert said.endswith("I changed it.\n\n# The fox\n\nOnce there")
    assert notebook == STORY
    shared_backend.default(Truncated("# The fox\n\nOnce there was a quick fox.\nIt jumped."))
    assert (await answered(client, "complete", *others, earlier(STORY)))[1] == STORY


async def test_half_of_a_first_document_is_better_than_none(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default(Truncated(HALF))
    assert await answered(client, "complete") == ("I changed it.", "# The fox\n\nOnce there")


async def test_a_whole_document_counts_though_the_remark_after_it_was_cut(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default(Truncated(marked(EDITED, "") + "\nI cha"))
    assert await answered(client, "complete", earlier(STORY)) == ("I cha", EDITED)


async def test_a_document_without_a_remark_gets_one(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default(marked(STORY, ""))
    said, notebook = await answered(client, "complete")
    assert said == "The document is in the notebook."
    assert notebook == STORY.strip()


@pytest.mark.parametrize("answer", ["Paris is nice.\n\nAnswer: 42", r"So \boxed{42}", "42"])
async def test_a_final_answer_between_tags_is_no_document(
    client: httpx.AsyncClient, shared_backend: Scripted, answer: str
) -> None:
    shared_backend.default(marked(answer, ""))
    assert await answered(client, "complete") == (answer, NO_UPDATE)


async def test_refine_revises_the_document_in_the_notebook(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.when("dealt with?", "OPEN: none").default(EDITED)
    review = earlier(said="Too few adjectives.", component="feedback")
    said, notebook = await answered(client, "refine", earlier(STORY), review)
    assert (said, notebook) == ("The revised document is in the notebook.", EDITED)
    assert STORY.strip() in shared_backend.requests[0].prompt


async def test_refine_takes_the_document_out_of_tags_the_editor_used(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.when(COMPARED, "2", "1").default(marked(EDITED))
    assert (await answered(client, "refine", earlier(STORY)))[1] == EDITED


async def test_refine_leaves_tags_in_a_document_about_tags(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.when(COMPARED, "2", "1").default("<notebook>\nnew\n</notebook>")
    got = await answered(client, "refine", earlier("<notebook>\nold\n</notebook>"))
    assert got[1] == "<notebook>\nnew\n</notebook>"


async def test_half_a_revision_does_not_replace_the_document(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default(Truncated("# The fox\n\nOnce"))
    said, notebook = await answered(client, "refine", earlier(STORY))
    assert (said.partition("\n\n")[2], notebook) == ("# The fox\n\nOnce", STORY)


async def test_refine_of_a_response_answers_in_the_response(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.when(COMPARED, "2", "1").default("It is Paris.")
    outputs = [earlier(STORY), earlier(said="It is Lyon.")]
    assert await answered(client, "refine", *outputs) == ("It is Paris.", STORY)


async def test_refine_of_a_given_document_puts_it_back_into_the_notebook(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.when("dealt with?", "OPEN: none").default(EDITED)
    item = {"original_output": STORY, "feedback": "Too few adjectives."}
    got = await answered(client, "refine", earlier(STORY), input=[item])
    assert got == ("The document is in the notebook.", EDITED)


async def test_the_notebook_of_human_feedback_is_the_json_of_its_actions(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    item = {"content": "Answers in French", "category": "language", "about": 0}
    told = {"preferences": [{**item, "quote": "answers in French"}]}
    shared_backend.default(json.dumps(told))
    sent = body(cid, "Learn", ["I only want answers in French."], [earlier(STORY)])
    output = (await ask(client, "human_feedback", sent))["output"]
    [action] = json.loads(output["notebook"])
    assert action["action"] == "insert"
    assert action["success"] is True
    assert action["content"] == "I only want answers in French."
    assert action["node_id"]
    assert "learnt" in output["immediate_response"]
    again = json.loads((await ask(client, "human_feedback", sent))["output"]["notebook"])
    assert [each["message"] for each in again] == ["already known; kept as it is"]

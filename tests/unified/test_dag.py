"""An orchestrator's DAG against a running miner, whole responses passed on."""

import httpx
import pytest

from orchestrator import CHAIN, EVERYTHING, NO_UPDATE, Node, ask, body, run
from scripted import Scripted

DAGS = pytest.mark.parametrize("nodes", [CHAIN, EVERYTHING], ids=["chain", "everything"])
STORY = "# The fox\n\nOnce there was a fox.\n\n```\nit jumps  \n```\n"
BETTER = "# The fox\n\nOnce there was a quick brown fox.\n\n```\nit jumps  \n```"


def marked(note: str, document: str) -> str:
    return f"{note}\n<notebook>\n{document}\n</notebook>"


@DAGS
async def test_a_question_goes_through_the_dag(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str, nodes: tuple[Node, ...]
) -> None:
    shared_backend.when("dealt with?", "OPEN: none")
    shared_backend.when("strict and fair reviewer", "Weaknesses: both lack a reason.")
    shared_backend.when("careful editor", "Six times seven is 42.\nAnswer: 42")
    shared_backend.when("You summarise", "The answer is 42, by two answers.")
    shared_backend.default("Answer: 42")
    told = await run(client, nodes, cid=cid, task="Answer the user", queries=["6 times 7?"])
    said = {name: response["output"]["immediate_response"] for name, response in told.items()}
    assert said["first"] == said["second"] == "Answer: 42"
    assert "reason" in said["review"]
    assert said["revision"] == "Six times seven is 42.\nAnswer: 42"
    assert "42: " in said["vote"]
    assert "dissented" not in said["vote"]
    assert said["summary"] == "The answer is 42, by two answers."
    assert {response["output"]["notebook"] for response in told.values()} == {NO_UPDATE}


@DAGS
async def test_a_document_goes_through_the_dag(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str, nodes: tuple[Node, ...]
) -> None:
    shared_backend.when("dealt with?", "OPEN: none")
    shared_backend.when("strict and fair reviewer", "Weaknesses: the fox needs adjectives.")
    shared_backend.when("careful editor", BETTER)
    shared_backend.when("You summarise", "A story about a fox was written and revised.")
    shared_backend.when("Decide, and write", "I followed the revised story.")
    shared_backend.default(marked("I wrote a story.", STORY))
    told = await run(client, nodes, cid=cid, task="Write a story", queries=["About a fox."])
    documents = {name: response["output"]["notebook"] for name, response in told.items()}
    assert documents["first"] == documents["second"] == STORY.strip("\n")
    assert documents["review"] == STORY.strip("\n")
    assert documents["revision"] == documents["vote"] == documents["summary"] == BETTER
    assert told["first"]["output"]["immediate_response"] == "I wrote a story."


async def test_the_editor_of_a_chain_is_given_what_it_needs(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.when("dealt with?", "OPEN: none")
    shared_backend.when("strict and fair reviewer", "Weaknesses: no adjectives.")
    shared_backend.default(marked("Done.", STORY))
    await run(client, CHAIN[:4], cid=cid, task="Write a story", queries=["About a fox."])
    [prompt] = [each.prompt for each in shared_backend.requests if "careful editor" in each.prompt][
        :1
    ]
    assert STORY.strip("\n") in prompt
    assert "no adjectives" in prompt
    assert "About a fox." in prompt


async def test_what_a_user_says_reaches_the_next_answer(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.when(lambda request: "response_format" in request.body, "no JSON")
    shared_backend.when("PREFERENCE:", "PREFERENCE: Answers in French | QUOTE: answers in French")
    shared_backend.default("Bonjour")
    said = body(cid, "Learn", ["I only want answers in French."])
    learnt = await ask(client, "human_feedback", said)
    await ask(client, "complete", body(cid, "Greet", ["Say hello."], [learnt]))
    assert "I only want answers in French." in shared_backend.requests[-1].prompt

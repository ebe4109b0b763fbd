"""Every field, limit, echo and flag of the unified contract, over a real socket."""

import json
from collections.abc import Callable
from typing import Any, get_args

import httpx
import pytest

from orchestrator import NO_UPDATE, Component, Json, ask, body, checked, validated
from scripted import Json as JsonReply
from scripted import Scripted, Text

COMPONENTS: tuple[str, ...] = get_args(Component)
EACH = pytest.mark.parametrize("component", COMPONENTS)
THINKING = [name for name in COMPONENTS if name not in ("internet_search",)]
EARLIER: Json = {
    "task": "Answer the user",
    "input": [{"user_query": "What is the capital of France?"}],
    "output": {
        "immediate_response": "France has had several capitals; today it is Paris.",
        "notebook": NO_UPDATE,
    },
    "component": "complete",
}
ALTERNATIVES: dict[str, tuple[Json, list[str]]] = {
    "refine": (
        {"original_output": "The capital is Lyon.", "feedback": "Lyon is wrong."},
        ["The capital is Lyon.", "Lyon is wrong."],
    ),
    "feedback": ({"output_to_analyze": "The capital is Lyon."}, ["The capital is Lyon."]),
    "human_feedback": (
        {"feedback_text": "I only want answers in French."},
        ["I only want answers in French."],
    ),
}


def sent(**changes: object) -> Json:
    whole = body("c", "Answer the user", ["What is the capital of France?"], [EARLIER, EARLIER])
    return {**whole, **changes}


def at(value: Json, path: str, new: object) -> Json:
    """A copy of `value` with another value at a path such as `input.0.user_query`."""
    changed: Json = json.loads(json.dumps(value))  # a deep copy would keep what is shared shared
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = changed
    for part in parents:
        place = place[part]
    place[last] = new
    return changed


def answers(backend: Scripted) -> None:
    """Make the backend answer every component with something it can use."""
    learnt = {"content": "Answers in French", "category": "language", "about": 0}
    backend.when(
        lambda request: "response_format" in request.body,
        JsonReply({"preferences": [{**learnt, "quote": "answers in French"}]}),
    )
    backend.when("dealt with?", "OPEN: none")
    backend.default("Paris is the capital.")


def named(response: httpx.Response) -> list[str]:
    assert response.status_code == 422, response.text
    assert set(response.json()) == {"error", "detail", "request_id"}
    return [error["field"] for error in response.json()["detail"]]


@EACH
async def test_every_component_answers_in_the_one_shape(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str, component: str
) -> None:
    answers(shared_backend)
    said = await ask(client, component, sent(cid=cid))
    if component != "human_feedback":
        assert said["output"]["notebook"] == NO_UPDATE


@EACH
async def test_only_cid_task_and_input_are_needed(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str
) -> None:
    answers(shared_backend)
    least = {"cid": "c", "task": "", "input": [{"user_query": "q"}]}
    await ask(client, component, least)
    for field in least:
        response = await client.post(
            f"/{component}", json={name: value for name, value in least.items() if name != field}
        )
        if field == "input" and component in ("human_feedback", "complete", "feedback", "refine"):
            assert response.status_code == 422  # the flat form's errors are told
        else:
            assert named(response) == [field]


LIMITS: list[tuple[str, Callable[[int], object], int]] = [
    ("cid", "x".__mul__, 100),
    ("task", "x".__mul__, 1_000),
    ("input.0.user_query", "x".__mul__, 10_000),
    ("input", lambda size: [{"user_query": f"q{number}"} for number in range(size)], 50),
    ("previous_outputs", lambda size: [EARLIER] * size, 20),
    ("previous_outputs.1.output.immediate_response", "x".__mul__, 50_000),
    ("previous_outputs.1.output.notebook", "x".__mul__, 100_000),
    ("previous_outputs.1.component", "x".__mul__, 50),
    ("previous_outputs.1.task", "x".__mul__, 1_000),
    ("previous_outputs.1.input", lambda size: [{"user_query": "q"}] * size, 50),
]


@pytest.mark.parametrize(("path", "of_size", "limit"), LIMITS, ids=[row[0] for row in LIMITS])
async def test_a_field_may_be_at_its_limit_and_not_beyond(
    client: httpx.AsyncClient,
    shared_backend: Scripted,
    path: str,
    of_size: Callable[[int], object],
    limit: int,
) -> None:
    answers(shared_backend)
    for component in COMPONENTS:
        await ask(client, component, at(sent(), path, of_size(limit)))
        response = await client.post(f"/{component}", json=at(sent(), path, of_size(limit + 1)))
        assert named(response) == [path]
        assert str(limit) in response.json()["detail"][0]["message"]
        assert "xxx" not in response.text


@pytest.mark.parametrize("query", ["", " ", "\n\t ", "\u2003"])
async def test_a_blank_query_is_refused(client: httpx.AsyncClient, query: str) -> None:
    for component in COMPONENTS:
        response = await client.post(f"/{component}", json=at(sent(), "input.0.user_query", query))
        assert named(response) == ["input.0.user_query"]


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("cid", 7, "cid"),
        ("cid", None, "cid"),
        ("cid", "a\0b", "cid"),
        ("task", 7, "task"),
        ("task", None, "task"),
        ("input", [], "input"),
        ("input", ["q"], "input.0"),
        ("input", [{}], "input.0"),
        ("input", [{"query": "q"}], "input.0"),
        ("input", [{"user_query": None}], "input.0"),
        ("input.0.user_query", 7, "input.0.user_query"),
        ("input.0.user_query", ["q"], "input.0.user_query"),
        ("previous_outputs", None, "previous_outputs"),
        ("previous_outputs", EARLIER, "previous_outputs"),
        ("previous_outputs.1", "Paris", "previous_outputs.1"),
        ("previous_outputs.1.task", 7, "previous_outputs.1.task"),
        ("previous_outputs.1.input", "q", "previous_outputs.1.input"),
        ("previous_outputs.1.output", None, "previous_outputs.1.output"),
        ("previous_outputs.1.output", "Paris", "previous_outputs.1.output"),
        (
            "previous_outputs.1.output.immediate_response",
            7,
            "previous_outputs.1.output.immediate_response",
        ),
        ("previous_outputs.1.output.notebook", {}, "previous_outputs.1.output.notebook"),
        ("previous_outputs.1.component", 7, "previous_outputs.1.component"),
        ("use_conversation_history", "perhaps", "use_conversation_history"),
        ("use_conversation_history", 2, "use_conversation_history"),
        ("use_playbook", None, "use_playbook"),
    ],
)
async def test_a_wrong_value_is_named_by_its_place(
    client: httpx.AsyncClient,
    shared_backend: Scripted,
    path: str,
    value: object,
    field: str,
) -> None:
    for component in COMPONENTS:
        response = await client.post(f"/{component}", json=at(sent(), path, value))
        assert named(response) == [field]
    assert not shared_backend.requests


@EACH
async def test_the_request_is_echoed_as_it_was_sent(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str
) -> None:
    answers(shared_backend)
    odd = " \u00a0Ünïcödé 😀 \u202e\r\n\ttabs \0 and <b>&amp; \u2028"
    items = [
        {"user_query": odd, "priority": 1.5, "tags": ["a", None, {"b": None}], "none": None},
        {"weight": 12345678901234567890123, "user_query": "second", "original_output": None},
    ]
    echoed = sent(cid=odd.replace("\0", ""), task=odd, input=items)
    raw = json.dumps(echoed)
    response = await client.post(f"/{component}", content=raw)
    validated(echoed, component, response)


@EACH
async def test_what_is_not_known_is_ignored(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str
) -> None:
    answers(shared_backend)
    unknown = at(sent(priority=3), "previous_outputs.0.extra", {"a": [None]})
    await ask(client, component, unknown)


@pytest.mark.parametrize("component", ALTERNATIVES)
async def test_the_other_names_of_the_guide_are_understood(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str, component: str
) -> None:
    answers(shared_backend)
    item, told = ALTERNATIVES[component]
    said = body(cid, "Work on it", [])
    await ask(client, component, {**said, "input": [item]})
    prompt = shared_backend.requests[0].prompt
    for words in told:
        assert words in prompt


@pytest.mark.parametrize("component", THINKING)
@pytest.mark.parametrize("item", [row[0] for row in ALTERNATIVES.values()], ids=ALTERNATIVES)
async def test_nothing_that_is_sent_under_another_name_is_lost(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str, component: str, item: Json
) -> None:
    shared_backend.when("dealt with?", "OPEN: none").default("Neither can be counted, they differ.")
    essay = at(EARLIER, "output.immediate_response", "An essay of more than a few words. " * 9)
    await ask(client, component, {**sent(cid=cid, previous_outputs=[essay]), "input": [item]})
    prompt = shared_backend.requests[0].prompt
    for words in item.values():
        assert words in prompt


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"original_output": 7}, "input.0.original_output"),
        ({"original_output": "x" * 100_001}, "input.0.original_output"),
        ({"original_output": "x", "feedback": "x" * 10_001}, "input.0.feedback"),
        ({"original_output": "x", "feedback": " "}, "input.0.feedback"),
        ({"output_to_analyze": "x" * 100_001}, "input.0.output_to_analyze"),
        ({"feedback_text": ["x"]}, "input.0.feedback_text"),
        ({"feedback_text": "  "}, "input.0.feedback_text"),
        ({"original_output": "", "output_to_analyze": ""}, "input.0"),
    ],
)
async def test_the_other_names_have_their_limits_too(
    client: httpx.AsyncClient, item: Json, field: str
) -> None:
    for component in ALTERNATIVES:
        assert named(await client.post(f"/{component}", json=sent(input=[item]))) == [field]


@pytest.mark.parametrize("component", THINKING)
async def test_every_query_stands_in_the_prompt(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str, component: str
) -> None:
    answers(shared_backend)
    queries = [f"What about number {number} of fifty?" for number in range(1, 51)]
    long = at(EARLIER, "output.immediate_response", "Much was said about France. " * 9)
    request = body(cid, "Answer all", queries, [long, long])
    await ask(client, component, request)
    prompt = shared_backend.requests[0].prompt
    for query in queries:
        assert query in prompt
    if component in ("complete", "summary", "aggregate"):
        assert "Query 50" in prompt
        assert "Answer all 50 queries, each under its number." in prompt


async def test_previous_outputs_stand_in_the_prompt_with_their_documents(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    answers(shared_backend)
    outputs = [
        at(at(EARLIER, "output.immediate_response", f"Said by {number}"), "component", name)
        for number, name in enumerate(COMPONENTS)
    ]
    outputs = [at(out, "output.notebook", f"# Written by {i}") for i, out in enumerate(outputs)]
    for component in ("complete", "feedback", "refine", "summary"):
        shared_backend.requests.clear()
        await ask(client, component, body(cid, "Go on", ["And now?"], outputs))
        prompt = shared_backend.requests[0].prompt
        for number, name in enumerate(COMPONENTS):
            if component == "refine" and name in ("aggregate", "feedback", "human_feedback"):
                continue  # one is the output under work, the others its feedback
            assert f"Said by {number}" in prompt
            if name != "human_feedback":
                assert f"# Written by {number}" in prompt


@pytest.mark.parametrize(
    ("flag", "meant"),
    [("true", True), (1, True), ("Yes", True), ("no", False), ("0", False), (0, False)],
)
async def test_flags_are_taken_in_other_spellings(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str, flag: object, meant: bool
) -> None:
    answers(shared_backend)
    await ask(client, "complete", body(cid, "Answer", ["A secret: xyzzy."]))
    await ask(client, "complete", body(cid, "Answer", ["What?"], use_conversation_history=flag))
    assert ("xyzzy" in shared_backend.requests[-1].prompt) is meant


async def test_without_a_name_of_the_user_there_is_no_history(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    answers(shared_backend)
    await ask(client, "complete", body("", "Answer", ["A secret: xyzzy."]))
    await ask(client, "complete", body("", "Answer", ["What?"]))
    assert "xyzzy" not in shared_backend.requests[-1].prompt


async def test_history_is_used_and_kept_unless_the_caller_says_no(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.reply("Noted.", "first answer", "second answer", "third answer")
    await ask(client, "complete", body(cid, "Remember", ["My cat is called Zephyrine."]))
    unseen = body(cid, "Answer", ["A secret: xyzzy."], use_conversation_history=False)
    await ask(client, "complete", unseen)
    assert "Zephyrine" not in shared_backend.requests[1].prompt
    await ask(client, "complete", body(cid, "Answer", ["What is its name?"]))
    third = shared_backend.requests[2].prompt
    assert "Zephyrine" in third
    assert "Noted." in third
    assert "xyzzy" not in third
    assert "first answer" not in third


@pytest.mark.parametrize("component", [name for name in THINKING if name != "human_feedback"])
async def test_the_playbook_is_used_unless_the_caller_says_no(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str, component: str
) -> None:
    answers(shared_backend)
    alone: Json = {"use_conversation_history": False}
    told = body(cid, "Learn", ["I only want answers in French."], **alone)
    await ask(client, "human_feedback", told)
    long = at(EARLIER, "output.immediate_response", "Much was said about France. " * 9)
    for use, count in ((True, 1), (False, 0)):
        shared_backend.requests.clear()
        asked = sent(cid=cid, previous_outputs=[long], use_playbook=use, **alone)
        await ask(client, component, asked)
        assert shared_backend.requests[0].prompt.count("I only want answers in French.") == count


@pytest.mark.parametrize("component", THINKING)
async def test_what_comes_back_keeps_the_limits_too(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str, component: str
) -> None:
    shared_backend.when("dealt with?", "OPEN: none")
    longer = f"{'long' * 250} " * 60
    shared_backend.when(lambda request: "response_format" in request.body, longer)
    shared_backend.default(longer)
    long = at(EARLIER, "output.immediate_response", "Much was said about France. " * 9)
    await ask(client, component, sent(cid=cid, previous_outputs=[long]))


async def test_a_document_that_comes_back_keeps_its_limit_too(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.default("Here.\n<notebook>\n" + f"{'line' * 250}\n" * 120 + "</notebook>")
    got = await ask(client, "complete", body(cid, "Write", ["A long one."]))
    assert len(got["output"]["notebook"]) == 100_000


async def test_many_long_feedbacks_are_learnt_within_the_limits(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.when(lambda request: "response_format" in request.body, "no JSON")
    shared_backend.default("nothing that can be read")
    queries = [f"I like the number {number} " + "very " * 1_990 for number in range(12)]
    got = await ask(client, "human_feedback", body(cid, "Learn", queries))
    assert len(json.loads(got["output"]["notebook"])) == 12


async def test_the_flat_form_answers_on_the_same_server(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    answers(shared_backend)
    for _ in range(2):
        flat = await client.post("/complete", json={"cid": cid, "task": "Name it", "input": "Now"})
        assert flat.json() == {"response": "Paris is the capital.", "actions": []}
        await ask(client, "complete", sent(cid=cid))
    reviewed = {"cid": cid, "task": "t", "input": "i", "output": "Lyon"}
    assert set((await client.post("/feedback", json=reviewed)).json()) == {"feedbacks"}
    await ask(client, "feedback", sent(cid=cid))
    revised = {**reviewed, "feedbacks": [{"problem": "p", "suggestion": "s"}]}
    assert set((await client.post("/refine", json=revised)).json()) == {"output"}
    await ask(client, "refine", sent(cid=cid))
    said = {"cid": cid, "human_feedback": "I only want answers in French."}
    learnt = (await client.post("/human_feedback", json=said)).json()
    assert set(learnt) == {"status", "message", "actions_applied"}
    await ask(client, "human_feedback", sent(cid=cid))


async def test_a_flat_prompt_says_nothing_of_notebooks(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.default("<notebook>\nPlain\n</notebook>")
    flat = await client.post("/complete", json={"cid": cid, "task": "Write", "input": "Now"})
    assert flat.json()["response"] == "<notebook>\nPlain\n</notebook>"
    assert "notebook" not in shared_backend.requests[0].prompt


async def test_a_truncated_answer_says_so_in_the_headers(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.default(Text("Paris is the", finish_reason="length"))
    response = await client.post("/complete", json=sent(cid=cid))
    assert response.headers["X-Miner-Truncated"] == "length"
    checked(sent(cid=cid), "complete", response.json())

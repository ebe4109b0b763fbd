"""Every field, limit and error of the flat contract, over a real socket."""

import json
from typing import Any

import httpx
import pytest

from scripted import Json, Scripted, Text

Body = dict[str, Any]

COMPLETE: Body = {"cid": "c", "task": "What is the capital of France?", "input": "One word."}
FEEDBACK: Body = {**COMPLETE, "output": "Lyon"}
REFINE: Body = {
    **FEEDBACK,
    "feedbacks": [{"problem": "Lyon is wrong.", "suggestion": "Name the seat of government."}],
}
HUMAN: Body = {"cid": "c", "human_feedback": "I only want answers in French."}
BODIES = {"complete": COMPLETE, "feedback": FEEDBACK, "refine": REFINE, "human_feedback": HUMAN}
LIMITS = {"cid": 100, "task": 10_000, "input": 100_000, "output": 100_000, "human_feedback": 10_000}

FIELDS = [(component, field) for component, body in BODIES.items() for field in body]
STRINGS = [(component, field) for component, field in FIELDS if field != "feedbacks"]


def answers(backend: Scripted) -> None:
    """Make the backend answer every component with something it can use."""
    learnt = {"content": "Answers in French", "category": "language", "about": 0}
    backend.when(
        lambda request: "response_format" in request.body,
        Json({"preferences": [{**learnt, "quote": "answers in French"}]}),
    )
    backend.when("dealt with?", "OPEN: none")
    backend.default("PROBLEM: Lyon is wrong.\nSUGGESTION: Say Paris.")


def fields_named(response: httpx.Response) -> list[str]:
    return [error["field"] for error in response.json()["detail"]]


async def test_complete_answers_with_the_models_text(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.default("Paris")
    response = await client.post("/complete", json={**COMPLETE, "cid": cid})
    assert response.status_code == 200
    assert response.json() == {"response": "Paris", "actions": []}
    prompt = shared_backend.requests[0].prompt
    assert COMPLETE["task"] in prompt
    assert COMPLETE["input"] in prompt


async def test_feedback_lists_what_the_model_found(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.default("PROBLEM: Lyon is wrong.\nSUGGESTION: Say Paris.")
    response = await client.post("/feedback", json={**FEEDBACK, "cid": cid})
    assert response.status_code == 200
    item = {"problem": "Lyon is wrong.", "suggestion": "Say Paris."}
    assert response.json() == {"feedbacks": [item]}
    assert FEEDBACK["output"] in shared_backend.requests[0].prompt


async def test_refine_answers_with_the_revised_output(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.when("dealt with?", "OPEN: none").default("Paris")
    response = await client.post("/refine", json={**REFINE, "cid": cid})
    assert response.status_code == 200
    assert response.json() == {"output": "Paris"}
    prompt = shared_backend.requests[0].prompt
    assert REFINE["feedbacks"][0]["problem"] in prompt
    assert REFINE["feedbacks"][0]["suggestion"] in prompt


async def test_human_feedback_tells_what_it_changed(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    answers(shared_backend)
    response = await client.post("/human_feedback", json={**HUMAN, "cid": cid})
    assert response.status_code == 200
    told = response.json()
    assert set(told) == {"status", "message", "actions_applied"}
    assert told["status"] == "success"
    assert told["message"]
    [action] = told["actions_applied"]
    assert set(action) == {"action", "node_id", "success", "message", "content"}
    assert action["action"] == "insert"
    assert action["success"] is True
    assert action["node_id"]
    assert action["content"] == HUMAN["human_feedback"]


@pytest.mark.parametrize(("component", "field"), FIELDS)
async def test_a_missing_field_is_named(
    client: httpx.AsyncClient, component: str, field: str
) -> None:
    body = {name: value for name, value in BODIES[component].items() if name != field}
    response = await client.post(f"/{component}", json=body)
    assert response.status_code == 422
    assert fields_named(response) == [field]


@pytest.mark.parametrize(
    ("component", "field", "value"),
    [
        (component, field, value)
        for component, field in STRINGS
        for value in (7, 1.5, True, None, ["a"], {"a": "b"})
        if (field, value) != ("input", ["a"])  # a list of inputs is the unified form
    ],
)
async def test_a_field_that_is_no_string_is_named(
    client: httpx.AsyncClient, component: str, field: str, value: object
) -> None:
    response = await client.post(f"/{component}", json={**BODIES[component], field: value})
    assert response.status_code == 422
    assert fields_named(response) == [field]


@pytest.mark.parametrize(("component", "field"), STRINGS)
async def test_a_field_may_be_as_long_as_its_limit(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str, field: str
) -> None:
    answers(shared_backend)
    longest = ("word " * LIMITS[field])[: LIMITS[field]]
    response = await client.post(f"/{component}", json={**BODIES[component], field: longest})
    assert response.status_code == 200


@pytest.mark.parametrize(("component", "field"), STRINGS)
async def test_one_character_more_is_refused_with_the_limit(
    client: httpx.AsyncClient, component: str, field: str
) -> None:
    longer = "x" * (LIMITS[field] + 1)
    response = await client.post(f"/{component}", json={**BODIES[component], field: longer})
    assert response.status_code == 422
    [error] = response.json()["detail"]
    assert error["field"] == field
    assert str(LIMITS[field]) in error["message"]
    assert "xxx" not in response.text


@pytest.mark.parametrize(("component", "field"), STRINGS)
async def test_all_but_a_humans_feedback_may_be_empty(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str, field: str
) -> None:
    answers(shared_backend)
    response = await client.post(f"/{component}", json={**BODIES[component], field: ""})
    assert response.status_code == (422 if field == "human_feedback" else 200)


@pytest.mark.parametrize("blank", [" ", "\n\t ", "\u2003"])
async def test_a_blank_feedback_of_a_human_is_refused(
    client: httpx.AsyncClient, blank: str
) -> None:
    response = await client.post("/human_feedback", json={**HUMAN, "human_feedback": blank})
    assert response.status_code == 422
    assert fields_named(response) == ["human_feedback"]


async def test_without_a_name_of_the_user_nothing_is_remembered(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    answers(shared_backend)
    before = (await client.get("/conversations")).json()["total"]
    secret = {**COMPLETE, "cid": "", "input": "A secret: xyzzy."}
    for body in (secret, {**COMPLETE, "cid": ""}):
        assert (await client.post("/complete", json=body)).status_code == 200
    assert "xyzzy" not in shared_backend.requests[-1].prompt
    told = (await client.post("/human_feedback", json={**HUMAN, "cid": ""})).json()
    assert told["actions_applied"] == []
    assert "names no user" in told["message"]
    assert (await client.get("/conversations")).json()["total"] == before


async def test_fifty_feedbacks_are_taken_and_one_more_is_not(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    answers(shared_backend)
    [item] = REFINE["feedbacks"]
    most = await client.post("/refine", json={**REFINE, "feedbacks": [item] * 50})
    assert most.status_code == 200
    more = await client.post("/refine", json={**REFINE, "feedbacks": [item] * 51})
    assert more.status_code == 422
    assert fields_named(more) == ["feedbacks"]
    assert "50" in more.json()["detail"][0]["message"]


@pytest.mark.parametrize(
    ("feedbacks", "field"),
    [
        ("none", "feedbacks"),
        ({"problem": "p", "suggestion": "s"}, "feedbacks"),
        (["text"], "feedbacks.0"),
        ([{"problem": "p"}], "feedbacks.0.suggestion"),
        ([{"problem": "p", "suggestion": "s"}, {"suggestion": "s"}], "feedbacks.1.problem"),
        ([{"problem": 1, "suggestion": "s"}], "feedbacks.0.problem"),
    ],
)
async def test_a_wrong_feedback_is_named_by_its_place(
    client: httpx.AsyncClient, feedbacks: object, field: str
) -> None:
    response = await client.post("/refine", json={**REFINE, "feedbacks": feedbacks})
    assert response.status_code == 422
    assert fields_named(response) == [field]


@pytest.mark.parametrize("component", BODIES)
async def test_what_is_not_known_is_ignored(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str
) -> None:
    answers(shared_backend)
    body = {**BODIES[component], "priority": 3, "previous": [{"a": None}]}
    response = await client.post(f"/{component}", json=body)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{'cid': 'c'}",
        b'{"cid": "c",}',
        b"cid=c&task=t",
        b'{"cid": "\xff"}',
        b'{"cid": "\\u12"}',
        b"[" * 100_000,
        b'{"a": "\\ud83d", "b": ' + b"[" * 100_000,
        b"1" * 5000,
    ],
)
async def test_what_is_no_json_is_a_400(client: httpx.AsyncClient, raw: bytes) -> None:
    response = await client.post("/complete", content=raw)
    assert response.status_code == 400
    assert response.json()["error"] == "malformed_json"
    assert "JSON" in response.json()["detail"]


@pytest.mark.parametrize("value", [None, 1, "text", [], [COMPLETE]])
async def test_json_that_is_no_object_is_a_422(client: httpx.AsyncClient, value: object) -> None:
    response = await client.post("/complete", content=json.dumps(value))
    assert response.status_code == 422
    assert fields_named(response) == ["body"]


async def test_the_content_type_does_not_matter(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("Paris")
    for content_type in ("application/x-www-form-urlencoded", "text/plain; charset=utf-8", ""):
        response = await client.post(
            "/complete", content=json.dumps(COMPLETE), headers={"Content-Type": content_type}
        )
        assert response.status_code == 200


@pytest.mark.parametrize("odd", ["a\ud83d", "\udc00b", "a\0b", "\u202e\ufffe", "😀é漢"])
@pytest.mark.parametrize(("component", "field"), STRINGS)
async def test_odd_characters_are_no_fault_of_the_miner(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str, field: str, odd: str
) -> None:
    answers(shared_backend)
    raw = json.dumps({**BODIES[component], field: odd})
    response = await client.post(f"/{component}", content=raw)
    assert response.status_code == (422 if field == "cid" and "\0" in odd else 200)


@pytest.mark.parametrize("component", ["complete", "refine"])
async def test_odd_characters_of_the_model_are_no_fault_either(
    client: httpx.AsyncClient, shared_backend: Scripted, component: str
) -> None:
    shared_backend.when("dealt with?", "OPEN: none").default("half \ud83d of \0 a pair")
    response = await client.post(f"/{component}", json=BODIES[component])
    assert response.status_code == 200
    [answer] = [value for value in response.json().values() if value]
    assert answer.startswith("half ")
    assert answer.endswith(" a pair")


async def test_headers_tell_how_the_answer_came_about(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.default("Paris")
    response = await client.post("/complete", json={**COMPLETE, "cid": cid})
    assert response.headers["X-Miner-Strategy"] == "draft"
    assert response.headers["X-Miner-Rounds"] == "1"
    assert response.headers["X-Miner-Model-Calls"] == "1"
    assert response.headers["X-Miner-Stopped-By-Deadline"] == "false"
    assert "X-Miner-Truncated" not in response.headers
    assert "X-Miner-Fallback" not in response.headers


async def test_headers_tell_of_an_answer_cut_off(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.default(Text("Paris is the", finish_reason="length"))
    response = await client.post("/complete", json={**COMPLETE, "cid": cid})
    assert response.json()["response"] == "Paris is the"
    assert response.headers["X-Miner-Truncated"] == "length"


async def test_headers_tell_of_a_fallback(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.default("Nothing here is laid out as asked")
    response = await client.post("/feedback", json={**FEEDBACK, "cid": cid})
    [item] = response.json()["feedbacks"]
    assert item["problem"] == "Nothing here is laid out as asked"
    assert response.headers["X-Miner-Fallback"]


async def test_an_unknown_path_is_a_404(client: httpx.AsyncClient) -> None:
    response = await client.post("/completions", json=COMPLETE)
    assert response.status_code == 404
    assert response.json()["error"] == "not_found"


async def test_another_method_is_a_405(client: httpx.AsyncClient) -> None:
    response = await client.get("/complete")
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert response.json()["error"] == "method_not_allowed"


async def test_every_answer_carries_an_id_of_its_own(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("Paris")
    forged = {"X-Request-ID": "forged"}
    responses = [
        await client.post("/complete", json=COMPLETE, headers=forged),
        await client.post("/complete", json={}, headers=forged),
        await client.get("/nowhere", headers=forged),
        await client.get("/health", headers=forged),
        await client.get("/conversations", headers={**forged, "X-API-Key": "wrong"}),
    ]
    ids = [response.headers["X-Request-ID"] for response in responses]
    assert len(set(ids)) == len(ids)
    assert "forged" not in ids
    for response in responses:
        if response.is_error:
            assert set(response.json()) == {"error", "detail", "request_id"}
            assert response.json()["request_id"] == response.headers["X-Request-ID"]

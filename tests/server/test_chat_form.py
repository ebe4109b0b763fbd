"""OpenAI's chat form over HTTP: turns, users, models, chunks, errors."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from running_miner import KEY, client_of, miner_settings, serving
from scripted import Hang, Scripted, Slow, Truncated, until

PATH = "/v1/chat/completions"
QUESTION = {"role": "user", "content": "What is the capital of France?"}


def chat(*turns: dict[str, Any], **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"model": "complete", "messages": list(turns or (QUESTION,)), **fields}


async def chunks(response: httpx.Response) -> AsyncIterator[Any]:
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            said = line.removeprefix("data: ")
            yield said if said == "[DONE]" else json.loads(said)


async def test_an_answer_has_openais_form(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.default("Paris it is.")

    response = await client.post(PATH, json=chat(temperature=0.1, max_tokens=7, tools=[], seed=1))

    told = response.json()
    assert response.status_code == 200
    assert told["object"] == "chat.completion"
    assert told["id"] == f"chatcmpl-{response.headers['X-Request-ID']}"
    assert told["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Paris it is."},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ]
    usage = told["usage"]
    assert usage["completion_tokens"] == 3
    assert usage["total_tokens"] == usage["prompt_tokens"] + 3 > 3
    assert response.headers["X-Miner-Strategy"] == "draft"


async def test_turns_are_instruction_history_and_task(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.default("So be it.")
    await client.post(PATH, json=chat({"role": "user", "content": "Kept from before."}, user=cid))
    parts = [{"type": "text", "text": "And of "}, {"type": "text", "text": "Spain?"}]

    await client.post(
        PATH,
        json=chat(
            {"role": "system", "content": "Talk like {a} pirate."},
            QUESTION,
            {"role": "assistant", "content": "Paris, arr."},
            {"role": "user", "content": parts},
            user=cid,
        ),
    )

    system, asked, answered, task = shared_backend.requests[-1].body["messages"]
    assert "Talk like {a} pirate." in system["content"]
    assert asked["content"] == QUESTION["content"]
    assert answered == {"role": "assistant", "content": "Paris, arr."}
    assert task["content"] == "And of Spain?"
    # The system turn was for that call alone, and a chat without turns of its own has the memory's.
    await client.post(PATH, json=chat({"role": "user", "content": "What did I ask?"}, user=cid))
    prompt = shared_backend.requests[-1].prompt
    assert "Kept from before." in prompt
    assert "And of Spain?" in prompt
    assert "pirate" not in prompt


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"user": "{cid}"}, {"X-User-Id": "somebody else"}),
        ({}, {"X-User-Id": "{cid}"}),
        ({}, {"X-OpenWebUI-User-Id": "{cid}", "X-OpenWebUI-User-Email": "a@b"}),
        ({}, {"X-OpenWebUI-User-Email": "{cid}"}),
    ],
)
async def test_the_user_is_named_by_the_body_or_a_header(
    client: httpx.AsyncClient,
    shared_backend: Scripted,
    cid: str,
    body: dict[str, str],
    headers: dict[str, str],
) -> None:
    shared_backend.default("Learnt.")
    await client.post(f"/playbook/{cid}", json={"content": "Always answers in verse."})
    body = {name: value.format(cid=cid) for name, value in body.items()}
    headers = {name: value.format(cid=cid) for name, value in headers.items()}

    await client.post(PATH, json=chat(**body), headers=headers)
    assert "Always answers in verse." in shared_backend.requests[-1].prompt

    await client.post(PATH, json=chat())
    assert "Always answers in verse." not in shared_backend.requests[-1].prompt


async def test_a_client_that_keeps_its_chats_shares_the_playbook_alone(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str
) -> None:
    shared_backend.default("Paris it is.")
    forwarded = {"X-OpenWebUI-User-Id": cid}
    await client.post(f"/playbook/{cid}", json={"content": "Always answers in verse."})
    await client.post(PATH, json=chat({"role": "user", "content": "From elsewhere."}, user=cid))
    title = {"role": "user", "content": "Generate a title for this chat."}

    await client.post(PATH, json=chat(), headers=forwarded)
    await client.post(PATH, json=chat(title), headers=forwarded)

    prompt = shared_backend.requests[-1].prompt
    assert "Always answers in verse." in prompt
    assert "From elsewhere." not in prompt
    assert "capital of France" not in prompt
    kept = (await client.get(f"/conversations/{cid}")).json()["messages"]
    assert [message["content"] for message in kept] == ["From elsewhere.", "Paris it is."]


@pytest.mark.parametrize("stream", [False, True])
async def test_remember_teaches_the_playbook(
    client: httpx.AsyncClient, shared_backend: Scripted, cid: str, stream: bool
) -> None:
    shared_backend.default("nothing that could be read")
    said = {"role": "user", "content": "/remember Always answer in French."}

    response = await client.post(PATH, json=chat(said, user=cid, stream=stream))

    assert response.status_code == 200
    assert "learnt" in response.text
    entries = (await client.get(f"/playbook/{cid}")).json()["entries"]
    assert [entry["content"] for entry in entries] == ["Always answer in French."]


async def test_refine_revises_the_last_answer(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    shared_backend.when("dealt with?", "OPEN: none")
    shared_backend.default("The capital of France is Paris, on the Seine.")
    turns = [
        QUESTION,
        {"role": "assistant", "content": "The capital of France is Lyon, on the Rhône."},
        {"role": "user", "content": "That is the wrong city."},
    ]

    response = await client.post(PATH, json=chat(*turns, model="refine"))

    asked = shared_backend.requests[0].prompt
    assert "Task: What is the capital of France?" in asked
    assert "1. That is the wrong city." in asked
    answer = response.json()["choices"][0]["message"]["content"]
    assert answer == "The capital of France is Paris, on the Seine."


@pytest.mark.parametrize(
    ("model", "strategy", "calls"),
    [("complete", "draft", 1), ("complete:vote", "vote", 2), ("complete:check", "check", 2)],
)
async def test_the_model_names_the_strategy(
    client: httpx.AsyncClient, shared_backend: Scripted, model: str, strategy: str, calls: int
) -> None:
    shared_backend.default("6 times 7 is 42.\nAnswer: 42")
    asked = {"role": "user", "content": "What is 6 times 7?"}

    response = await client.post(PATH, json=chat(asked, model=model))

    assert response.headers["X-Miner-Strategy"] == strategy
    assert int(response.headers["X-Miner-Model-Calls"]) >= calls


async def test_the_models_are_listed_and_found(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/models")).json()
    one = await client.get("/v1/models/complete:vote")
    none = await client.get("/v1/models/internet_search")

    names = [model["id"] for model in listed["data"]]
    assert names == ["complete", "complete:draft", "complete:vote", "complete:check", "refine"]
    assert one.json() in listed["data"]
    assert none.status_code == 404
    assert none.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("usage", [None, {"include_usage": False}, {"include_usage": True}])
async def test_a_stream_tells_tokens_as_they_come(
    client: httpx.AsyncClient, shared_backend: Scripted, usage: dict[str, bool] | None
) -> None:
    shared_backend.default(Slow("Paris it is.", 0.05))
    body = chat(model="complete:draft", stream=True, stream_options=usage)

    async with client.stream("POST", PATH, json=body) as response:
        told = [chunk async for chunk in chunks(response)]

    assert response.headers["content-type"].startswith("text/event-stream")
    assert told.pop() == "[DONE]"
    wanted = bool(usage and usage["include_usage"])
    if wanted:
        last = told.pop()
        assert last["choices"] == []
        assert last["usage"]["completion_tokens"] == 3
    choices = [chunk["choices"][0] for chunk in told]
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    pieces = [choice["delta"]["content"] for choice in choices[1:-1]]
    assert len(pieces) > 1
    assert "".join(pieces) == "Paris it is."
    assert choices[-1] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert {choice["finish_reason"] for choice in choices[:-1]} == {None}
    assert len({chunk["id"] for chunk in told}) == 1


async def test_a_stream_of_several_samples_tells_the_answer_that_won(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    right, wrong = "6 times 7 is 42.\nAnswer: 42", "It is 41.\nAnswer: 41"
    shared_backend.reply(wrong).default(right)
    asked = {"role": "user", "content": "What is 6 times 7?"}

    body = chat(asked, model="complete:vote", stream=True)
    async with client.stream("POST", PATH, json=body) as response:
        told = [chunk async for chunk in chunks(response) if chunk != "[DONE]"]

    said = [chunk["choices"][0]["delta"].get("content", "") for chunk in told]
    assert "".join(said) == right


async def test_a_cut_answer_says_so(client: httpx.AsyncClient, shared_backend: Scripted) -> None:
    shared_backend.default(Truncated("Paris is"))

    told = (await client.post(PATH, json=chat())).json()

    assert told["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_ends_the_run(
    client: httpx.AsyncClient, shared_backend: Scripted, stream: bool
) -> None:
    shared_backend.default(Hang())

    with pytest.raises(httpx.TimeoutException):
        await client.post(PATH, json=chat(stream=stream), timeout=0.5)

    await until(lambda: shared_backend.requests and shared_backend.requests[0].disconnected)


def error_of(response: httpx.Response, status: int, code: str, param: str | None = None) -> str:
    assert response.status_code == status
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["param"]) == (code, param)
    return str(error["message"])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Hello."}]}, "messages"),
        ({"messages": [{"role": "robot", "content": "Hello."}]}, "messages.0.role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages.0.content",
        ),
        ({"user": "u" * 101}, "user"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
)
async def test_a_wrong_field_is_named(
    client: httpx.AsyncClient, fields: dict[str, Any], param: str
) -> None:
    response = await client.post(PATH, json={**chat(), **fields})

    assert error_of(response, 422, "invalid_request", param).startswith(f"{param}: ")


async def test_errors_have_openais_form(
    client: httpx.AsyncClient, shared_backend: Scripted
) -> None:
    wrong = {"X-API-Key": "wrong"}
    error_of(await client.post(PATH, json=chat(), headers=wrong), 401, "invalid_api_key")
    error_of(await client.post(PATH, content=b"{"), 400, "malformed_json")
    error_of(await client.get("/v1/nothing"), 404, "not_found")
    error_of(await client.get(PATH), 405, "method_not_allowed")
    unknown = await client.post(PATH, json=chat(model="gpt-4o"))
    assert "complete:draft" in error_of(unknown, 404, "model_not_found", "model")
    long = {"X-User-Id": "u" * 101}
    error_of(await client.post(PATH, json=chat(), headers=long), 422, "invalid_request", "user")


async def test_limits_and_failures_have_openais_form(tmp_path: Path, backend: Scripted) -> None:
    backend.default(Hang())
    settings = miner_settings(
        tmp_path,
        backend,
        max_body_bytes=2000,
        max_concurrency=1,
        deadline_seconds=1,
        rate_limit="5/minute",
    )
    with serving(settings) as address:
        async with client_of(address) as client:
            large = chat({"role": "user", "content": "x" * 3000})
            error_of(await client.post(PATH, json=large), 413, "body_too_large")
            error_of(await client.post(PATH, json=chat()), 504, "deadline_passed")
            async with client.stream("POST", PATH, json=chat(stream=True)) as streamed:
                full = await client.post(PATH, json=chat())
                error_of(full, 503, "at_capacity")
                assert full.headers["Retry-After"]
                told = [chunk async for chunk in chunks(streamed)]
            assert told[-2]["error"]["code"] == "deadline_passed"
            assert told[-1] == "[DONE]"
            await client.get("/v1/models")
            limited = await client.get("/v1/models")
            assert error_of(limited, 429, "rate_limit_exceeded")
            assert limited.json()["error"]["type"] == "rate_limit_error"


async def test_pages_of_named_origins_may_call(tmp_path: Path, backend: Scripted) -> None:
    backend.default("Paris.")
    page = "https://chat.example.org"
    ask = {"Origin": page, "Access-Control-Request-Method": "POST"}
    settings = miner_settings(tmp_path, backend, cors_origins=f"{page}, http://localhost:3000/")
    with serving(settings) as address:
        async with client_of(address, None) as browser:
            allowed = await browser.options(
                PATH, headers={**ask, "Access-Control-Request-Headers": "authorization"}
            )
            other = await browser.options(PATH, headers={**ask, "Origin": "https://evil.example"})
            bearer = {"Authorization": f"Bearer {KEY}", "Origin": page}
            answered = await browser.post(PATH, json=chat(), headers=bearer)
            refused = await browser.post(PATH, json=chat(), headers={"Origin": page})

    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == page
    assert "Access-Control-Allow-Origin" not in other.headers
    assert answered.headers["Access-Control-Allow-Origin"] == page
    assert "X-Miner-Strategy" in answered.headers["Access-Control-Expose-Headers"]
    # A page can read why it is refused.
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == page


async def test_without_origins_no_page_may_call(client: httpx.AsyncClient) -> None:
    ask = {"Origin": "https://chat.example.org", "Access-Control-Request-Method": "POST"}

    asked = await client.options(PATH, headers=ask)
    assert asked.status_code == 405
    assert "Access-Control-Allow-Origin" not in asked.headers
    answered = await client.get("/v1/models", headers={"Origin": "https://chat.example.org"})
    assert "Access-Control-Allow-Origin" not in answered.headers

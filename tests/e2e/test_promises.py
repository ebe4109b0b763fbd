"""What the miner promises its users, kept by `run.py` with any backend and across restarts."""

from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from launch.launched import clone, launched
from scripted import Json, Recorded, Scripted, Text
from support import free_port

KEY = "promised"
TASK = {"task": "What is machine learning?", "input": "Explain in simple terms"}
BETTER = "It is when machines learn, for example from old mail what spam is."
PLAIN = {"MINER_API_KEY": KEY, "COMPLETE_STRATEGY": "draft"}


def backed_by(provider: str, backend: Scripted) -> dict[str, str]:
    addresses = {
        "vllm": {"VLLM_API_BASE": backend.base_url},
        "openai": {"OPENAI_BASE_URL": backend.base_url, "OPENAI_API_KEY": "sk-scripted"},
    }
    return {"LLM_PROVIDER": provider, **addresses[provider], **PLAIN}


def post(address: str, component: str, body: Mapping[str, object]) -> dict[str, object]:
    response = httpx.post(
        f"{address}/{component}", json=body, headers={"X-API-Key": KEY}, timeout=60
    )
    assert response.status_code == 200, response.text
    answer: dict[str, object] = response.json()
    return answer


def extracted(quote: str, about: int = 0) -> Text:
    preference = {"quote": quote, "content": quote, "category": "language", "about": about}
    return Json({"preferences": [{**preference, "action": "replace" if about else "add"}]})


def prompt_of_a_complete(address: str, cid: str, backend: Scripted) -> str:
    post(address, "complete", {"cid": cid, **TASK})
    return backend.requests[-1].prompt


def preferences_of(address: str, cid: str) -> str:
    """What a prompt shows of a playbook; the conversation beside it keeps all that was said."""
    known = httpx.get(f"{address}/playbook/{cid}/context", headers={"X-API-Key": KEY})
    assert known.status_code == 200, known.text
    return str(known.json()["context"])


def answers_like_a_model(backend: Scripted) -> None:
    def is_extraction(request: Recorded) -> bool:
        return request.schema_name == "preferences"

    backend.when(
        is_extraction,
        extracted("I only want answers in French"),
        extracted("answer me in German", about=1),
    )
    backend.when("yes or no and nothing else", "yes")
    backend.when("strict and fair reviewer", "PROBLEM: vague\nSUGGESTION: give an example")
    backend.when("Which points are still not dealt with", "OPEN: none")
    backend.when("careful editor", BETTER)
    backend.default("a plain answer")


@pytest.mark.parametrize("provider", ["openai", "vllm"])
def test_a_preference_holds_for_its_user_alone_until_replaced_and_after_a_restart(
    tmp_path: Path, backend: Scripted, provider: str
) -> None:
    answers_like_a_model(backend)
    folder = clone(tmp_path)
    with launched(folder, **backed_by(provider, backend)) as miner:
        said = {"cid": "ana", "human_feedback": "I only want answers in French."}
        post(miner.address, "human_feedback", said)
        assert "answers in French" in prompt_of_a_complete(miner.address, "ana", backend)
        assert "French" not in prompt_of_a_complete(miner.address, "ben", backend)
        said = {"cid": "ana", "human_feedback": "From now on answer me in German."}
        post(miner.address, "human_feedback", said)
        prompt = prompt_of_a_complete(miner.address, "ana", backend)
        preferences = preferences_of(miner.address, "ana")
        assert "answer me in German" in preferences
        assert "French" not in preferences
        assert preferences in prompt
    other = {"openai": "vllm", "vllm": "openai"}[provider]
    with launched(folder, **backed_by(other, backend)) as miner:
        prompt = prompt_of_a_complete(miner.address, "ana", backend)
        preferences = preferences_of(miner.address, "ana")
        assert "answer me in German" in preferences
        assert "French" not in preferences
        assert preferences in prompt
        assert "German" not in prompt_of_a_complete(miner.address, "ben", backend)


@pytest.mark.parametrize("provider", ["openai", "vllm"])
def test_the_four_flat_endpoints_answer(tmp_path: Path, backend: Scripted, provider: str) -> None:
    answers_like_a_model(backend)
    with launched(clone(tmp_path), **backed_by(provider, backend)) as miner:
        work = {"cid": "c", **TASK, "output": "It is when machines learn."}
        feedbacks = [{"problem": "vague", "suggestion": "give an example"}]
        assert post(miner.address, "complete", {"cid": "c", **TASK}) == {
            "response": "a plain answer",
            "actions": [],
        }
        assert post(miner.address, "feedback", work) == {"feedbacks": feedbacks}
        refined = post(miner.address, "refine", {**work, "feedbacks": feedbacks})
        assert refined == {"output": BETTER}
        learnt = post(
            miner.address,
            "human_feedback",
            {"cid": "c", "human_feedback": "I only want answers in French."},
        )
        assert learnt["status"] == "success"


def test_the_embedded_model_answers_on_every_flat_endpoint_and_remembers(
    tmp_path: Path, model_file: Path
) -> None:
    folder = clone(tmp_path, model_file)
    chosen = {"LLM_PROVIDER": "local", "MAX_TOKENS": "120", **PLAIN}
    chosen["LOCAL_API_BASE"] = f"http://127.0.0.1:{free_port()}/v1"
    with launched(folder, **chosen) as miner:
        work = {"cid": "c", **TASK, "output": "It is when machines learn."}
        answer = post(miner.address, "complete", {"cid": "c", **TASK})
        assert str(answer["response"]).strip()
        review = post(miner.address, "feedback", work)
        assert review["feedbacks"]
        refined = post(
            miner.address,
            "refine",
            {**work, "feedbacks": [{"problem": "vague", "suggestion": "give an example"}]},
        )
        assert str(refined["output"]).strip()
        for said in ("I only want answers in French.", "From now on answer me in German."):
            post(miner.address, "human_feedback", {"cid": "c", "human_feedback": said})
    with launched(folder, **chosen) as miner:
        known = httpx.get(f"{miner.address}/playbook/c/context", headers={"X-API-Key": KEY}).text
        # The embedded model is no judge of what contradicts what: both stay, the later one last.
        assert known.index("French") < known.index("German")
        nobody = httpx.get(f"{miner.address}/playbook/d/context", headers={"X-API-Key": KEY}).text
        assert "German" not in nobody

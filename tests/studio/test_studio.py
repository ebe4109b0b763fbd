"""Every machine runs under `langgraph dev`, offline, through LangGraph's own client."""

import json
from typing import Any

import pytest
from studio_server import FINAL, StudioServer

from graphs.registry import COMPONENTS
from settings import ROOT

pytestmark = pytest.mark.timeout(300)  # a start takes seconds, more on a busy machine

EARLIER = [
    {"component": "complete", "immediate_response": "Answer: 42"},
    {"component": "complete", "immediate_response": "Answer: 42"},
    {"component": "complete", "immediate_response": "Answer: 41"},
]
INPUTS: dict[str, dict[str, Any]] = {
    "complete": {"task": "What is 6 times 7?", "queries": ["Think."]},
    "feedback": {"task": "What is 6 times 7?", "output": "41"},
    "refine": {
        "task": "What is 6 times 7?",
        "output": "41",
        "feedbacks": [{"problem": "It is wrong.", "suggestion": "Multiply again."}],
    },
    "human_feedback": {"queries": ["Always answer in French."]},
    "internet_search": {"queries": ["the answer"]},
    "summary": {"task": "Sum it up.", "previous_outputs": EARLIER},
    "aggregate": {"task": "What is 6 times 7?", "previous_outputs": EARLIER},
}


async def test_it_lists_all_machines_with_what_they_do(studio: StudioServer) -> None:
    listed = await studio.assistants()

    assert set(listed) == set(COMPONENTS)
    assert all(assistant["description"] for assistant in listed.values())


def test_the_configuration_names_all_machines() -> None:
    graphs = json.loads((ROOT / "langgraph.json").read_text())["graphs"]

    assert {name: entry["path"] for name, entry in graphs.items()} == {
        name: f"graphs.studio:{name}" for name in COMPONENTS
    }


@pytest.mark.parametrize("machine", COMPONENTS)
async def test_it_runs_from_json_with_the_defaults_filled_in(
    studio: StudioServer, machine: str
) -> None:
    ended = await studio.run(machine, **INPUTS[machine])

    assert ended["answer"] or ended["feedbacks"]
    assert ended["cid"] == "studio"
    assert ended["deadline"] is not None
    assert ended["timings"][0]["node"] == "recall"


async def test_what_one_machine_learns_another_recalls(studio: StudioServer) -> None:
    await studio.run("human_feedback", cid="ann", queries=["Always answer in verse."])

    ended = await studio.run("complete", cid="ann", task="Say something.")

    assert ended["preferences"] == ["Always answer in verse."]


async def test_it_streams_the_update_of_every_step_and_the_tokens(studio: StudioServer) -> None:
    updates: dict[str, dict[str, Any]] = {}
    texts: list[str] = []
    async with studio.client() as client:
        async for part in client.runs.stream(
            None, "complete", input=INPUTS["complete"], stream_mode=["updates", "messages-tuple"]
        ):
            if part.event == "updates":
                updates |= part.data
            elif part.event == "messages":
                texts.append(part.data[0]["content"])

    assert list(updates) == ["recall", "draft", "choose", "remember"]
    finals = [final for sample in updates["draft"]["samples"] for final in sample["answers"]]
    assert [(final["kind"], final["value"]) for final in finals] == [("number", "42")] * 4
    assert updates["draft"]["prompt"][-1]["content"].startswith("What is 6 times 7?")
    assert len([text for text in texts if text]) > 1
    assert "".join(texts) == FINAL


async def test_a_second_run_on_a_thread_begins_anew(studio: StudioServer) -> None:
    async with studio.client() as client:
        thread = (await client.threads.create())["thread_id"]
        first = await client.runs.wait(thread, "human_feedback", input=INPUTS["human_feedback"])
        again = {"cid": "bob", "queries": [" "]}
        second = await client.runs.wait(thread, "human_feedback", input=again)
        state = await client.threads.get_state(thread)

    assert first["applied"]
    assert second["queries"] == [" "]
    assert second["applied"] == []
    assert second["deadline"] > first["deadline"]
    assert first["rounds"]
    assert second["rounds"] == 0
    assert second["prompt"] == []
    assert second["calls"] == []
    assert state["values"]["cid"] == "bob"


async def test_wrong_input_is_answered_with_the_field_and_what_it_takes(
    studio: StudioServer,
) -> None:
    listed = await studio.error_of("complete", task="Say.", queries="one string")
    missing = await studio.error_of("refine", task="Say.")
    unknown = await studio.error_of("complete", task="Say.", querys=["one"])
    late = await studio.error_of("complete", task="Say.", deadline=-1)

    assert listed == "queries: Input should be a valid list"
    assert missing == "output: Field required"
    assert unknown == "querys: Extra inputs are not permitted"
    assert late == "deadline: Input should be greater than 0"


REQUIRED = {
    "complete": {"task"},
    "feedback": {"task", "output"},
    "refine": {"task", "output"},
    "human_feedback": {"queries"},
    "internet_search": {"queries"},
    "summary": {"previous_outputs"},
    "aggregate": {"task", "previous_outputs"},
}


async def test_each_machine_has_a_form_of_its_own(studio: StudioServer) -> None:
    async with studio.client() as client:
        for machine in COMPONENTS:
            schemas = await client.assistants.get_schemas(await studio.assistant(machine))
            asked = schemas["input_schema"]
            assert asked["additionalProperties"] is False
            assert set(asked["required"]) == REQUIRED[machine]
            assert all(asked["properties"][name]["examples"] for name in REQUIRED[machine])
            for field in [*asked["properties"].values(), *_fields(schemas["output_schema"])]:
                assert field["description"]
            chosen = schemas["context_schema"] or {"properties": {}}
            options = set() if machine == "human_feedback" else {"strategy", "samples", "playbook"}
            assert set(chosen["properties"]) == options
            assert "applied" in schemas["output_schema"]["properties"] or (
                machine != "human_feedback"
            )


def _fields(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return list(schema["properties"].values())


async def test_a_run_takes_its_strategy_its_samples_and_no_playbook(studio: StudioServer) -> None:
    await studio.run("human_feedback", cid="eve", queries=["Always answer in verse."])
    asked = {"cid": "eve", "task": "What is 6 times 7?", "use_conversation_history": False}
    async with studio.client() as client:
        usual = await client.runs.wait(None, "complete", input=asked)
        drafted = await client.runs.wait(
            None, "complete", input=asked, context={"strategy": "draft", "playbook": False}
        )
        voted = await client.runs.wait(
            None, "complete", input=asked, context={"strategy": "vote", "samples": 2}
        )

    assert usual["preferences"] == ["Always answer in verse."]
    assert drafted["preferences"] == []
    assert (drafted["strategy"], len(drafted["samples"])) == ("draft", 1)
    # The second is not waited for where it cannot change the outcome.
    drawn_or_left = len(voted["samples"]) + voted["tally"]["left"]
    assert (voted["strategy"], drawn_or_left) == ("vote", 2)


async def test_a_deadline_is_in_seconds_from_now(studio: StudioServer) -> None:
    ends = [
        (await studio.run("internet_search", queries=["x"], deadline=seconds))["deadline"]
        for seconds in (100, 600)
    ]

    assert 500 <= ends[1] - ends[0] < 530


@pytest.mark.parametrize(
    ("machine", "told"), [("human_feedback", "applied"), ("aggregate", "votes")]
)
async def test_it_streams_what_the_machine_does(
    studio: StudioServer, machine: str, told: str
) -> None:
    found: dict[str, Any] = {}
    asked = {**INPUTS[machine], "cid": f"of-{machine}"}
    async with studio.client() as client:
        async for part in client.runs.stream(None, machine, input=asked, stream_mode="custom"):
            if part.event == "custom":
                found |= part.data

    assert found[told]


async def test_it_draws_every_machine(studio: StudioServer) -> None:
    async with studio.client() as client:
        for machine in COMPONENTS:
            drawn = await client.assistants.get_graph(await studio.assistant(machine))
            assert {"__start__", "recall", "__end__"} <= {node["id"] for node in drawn["nodes"]}

"""The OpenAPI document: valid, with both forms of each endpoint and examples that hold."""

from collections.abc import Iterator
from typing import Any, get_args

import httpx
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from orchestrator import Component, Json
from scripted import Scripted

COMPONENTS: tuple[str, ...] = get_args(Component)
FLAT = ("complete", "feedback", "refine", "human_feedback")
ROOT = "urn:openapi"


@pytest.fixture
async def document(client: httpx.AsyncClient) -> Json:
    response = await client.get("/openapi.json", headers={"X-API-Key": ""})
    assert response.status_code == 200
    found: Json = response.json()
    return found


def body_of(document: Json, component: str) -> Json:
    found: Json = document["paths"][f"/{component}"]["post"]["requestBody"]["content"]
    return found["application/json"]


def validator(document: Json, schema: Json) -> Draft202012Validator:
    """Validates against a schema of the document, whose references lead into the document."""
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    within: Any = _absolute(schema)
    return Draft202012Validator(within, registry=Registry().with_resource(ROOT, resource))


def _absolute(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {
            key: f"{ROOT}{each}" if key == "$ref" else _absolute(each)
            for key, each in value.items()
        }
    return [_absolute(each) for each in value] if isinstance(value, list) else value


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_leads_somewhere_and_every_schema_is_one(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    found = set(references(document))
    assert found
    for reference in found:
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("component", COMPONENTS)
def test_each_endpoint_shows_its_forms_with_an_example_of_each(
    document: Json, component: str
) -> None:
    shown = body_of(document, component)
    examples = [each["value"] for each in shown["examples"].values()]
    forms = shown["schema"].get("anyOf", [shown["schema"]])
    assert len(examples) == len(forms) == (2 if component in FLAT else 1)
    assert [isinstance(each.get("input"), list) for each in examples][-1]
    for example, form in zip(examples, forms, strict=True):
        validator(document, form).validate(example)
        wrong = {**example, "cid": 7}
        assert not validator(document, form).is_valid(wrong)
    answers = document["paths"][f"/{component}"]["post"]["responses"]
    assert {"200", "400", "401", "413", "422", "429", "502", "503", "504"} <= set(answers)
    assert set(answers["200"]["content"]) == {"application/json", "text/event-stream"}


@pytest.mark.parametrize("component", COMPONENTS)
async def test_the_examples_work_as_they_stand(
    client: httpx.AsyncClient, shared_backend: Scripted, document: Json, component: str
) -> None:
    shared_backend.when("dealt with?", "OPEN: none")
    shared_backend.default("PROBLEM: It is short.\nSUGGESTION: Say more.")
    answer = document["paths"][f"/{component}"]["post"]["responses"]["200"]["content"]
    for example in body_of(document, component)["examples"].values():
        response = await client.post(f"/{component}", json=example["value"])
        assert response.status_code == 200
        schema = answer["application/json"]["schema"]
        validator(document, schema).validate(response.json())


def test_the_limits_and_other_names_are_told(document: Json) -> None:
    schemas = document["components"]["schemas"]
    request = schemas["UnifiedRequest"]["properties"]
    assert request["task"]["maxLength"] == 1_000
    assert request["input"]["maxItems"] == 50
    assert request["previous_outputs"]["maxItems"] == 20
    names = set(schemas["Item"]["properties"])
    assert {"user_query", "original_output", "feedback", "output_to_analyze", "feedback_text"} <= (
        names
    )


def test_every_operation_and_property_is_told_in_words(document: Json) -> None:
    operations = [each for path in document["paths"].values() for each in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalpha() for name in names)
    assert {len(operation["tags"]) for operation in operations} == {1}
    assert document["servers"]
    untold = [
        (model, name)
        for model, schema in document["components"]["schemas"].items()
        for name, each in schema.get("properties", {}).items()
        if not each.get("description")
    ]
    assert not untold
    for operation in operations:
        assert all(each.get("description") for each in operation.get("parameters", []))


def test_the_events_of_a_stream_have_schemas(document: Json) -> None:
    def events(path: str) -> Json:
        content = document["paths"][path]["post"]["responses"]["200"]["content"]
        found: Json = content["text/event-stream"]["schema"]["x-events"]
        return found

    told = events("/complete")
    assert set(told) == {"node", "token", "miner", "result", "error"}
    node = {"node": "recall", "state": "started"}
    validator(document, told["node"]).validate(node)
    assert not validator(document, told["node"]).is_valid({**node, "state": "skipped"})
    validator(document, told["error"]).validate({"error": "a", "detail": "b", "request_id": "c"})
    assert set(events("/v1/chat/completions")) == {"message"}

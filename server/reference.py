"""The API reference, written from the OpenAPI document: `python -m server.reference`."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from server.app import create_app
from settings import Settings

Json = Mapping[str, Any]

HEAD = """\
# API reference

Generated from the code by `python -m server.reference`; a running miner serves the same at `/docs`
and `/openapi.json`. All bodies are JSON in UTF-8. The key goes into `X-API-Key`, or into
`Authorization: Bearer`, except where it says that none is needed.
"""


def reference() -> str:
    """The reference as Markdown. Opens nothing: the document comes from routes and models."""
    settings = Settings.load(None, miner_api_key="reference", llm_provider="local")
    document = create_app(settings).openapi()
    sections = [
        "\n".join(_operation(document, path, method, operation))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    return "\n\n".join([HEAD.strip(), *sections, "\n".join(_models(document))]) + "\n"


def _operation(document: Json, path: str, method: str, operation: Json) -> Iterator[str]:
    yield f"## {method.upper()} {path}"
    yield ""
    yield operation.get("summary", "")
    if "security" not in operation:
        yield "No key is needed."
    parameters = operation.get("parameters", [])
    if parameters:
        yield from ("", "| parameter | in | | |", "|---|---|---|---|")
        for each in parameters:
            limits = _limits(each["schema"])
            yield f"| `{each['name']}` | {each['in']} | {limits} | {each.get('description', '')} |"
    bodies = _bodies(operation.get("requestBody", {}))
    answers = _bodies(operation["responses"].get("200", {}))
    if bodies:
        yield from ("", f"Request: {', '.join(bodies)}")
    if answers:
        yield from ("", f"Answer: {', '.join(answers)}")
    errors = [status for status in operation["responses"] if not status.startswith("2")]
    if errors:
        yield from ("", f"Errors: {', '.join(errors)}")


def _bodies(body: Json) -> list[str]:
    found: list[str] = []
    for kind, content in body.get("content", {}).items():
        names = _referred(content.get("schema", {}))
        found += [_link(name) for name in names] or [f"`{kind}`"]
    return found


def _models(document: Json) -> Iterator[str]:
    yield "## Models"
    for name, schema in sorted(document["components"]["schemas"].items()):
        if not schema.get("properties"):
            continue
        yield from ("", f"### {name}", "")
        if told := schema.get("description"):
            yield from (" ".join(told.split()), "")
        yield from ("| field | type and limits | |", "|---|---|---|")
        required = schema.get("required", [])
        for field, each in schema["properties"].items():
            needed = "" if field in required else " (optional)"
            yield f"| `{field}`{needed} | {_limits(each)} | {each.get('description', '')} |"


def _limits(schema: Json) -> str:
    kinds = [_link(name) for name in _referred(schema)] or [_kind(schema)]
    bounds = {
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minItems": "at least {} items",
        "maxItems": "at most {} items",
        "minimum": "at least {}",
        "maximum": "at most {}",
    }
    told = [text.format(schema[name]) for name, text in bounds.items() if name in schema]
    return ", ".join([" or ".join(kinds), *told])


def _kind(schema: Json) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_limits(each) for each in schema["anyOf"])
    return str(schema.get("type", "anything"))


def _referred(schema: Json) -> list[str]:
    found = [schema["$ref"]] if "$ref" in schema else []
    found += [each["$ref"] for each in schema.get("anyOf", []) if "$ref" in each]
    if schema.get("type") == "array":
        found += [f"{name}[]" for name in _referred(schema.get("items", {}))]
    return [name.rsplit("/", 1)[-1] for name in found]


def _link(name: str) -> str:
    model = name.removesuffix("[]")
    listed = "list of " if name.endswith("[]") else ""
    return f"{listed}[{model}](#{model.lower()})"


if __name__ == "__main__":
    sys.stdout.write(reference())

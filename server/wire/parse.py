"""From bytes to the wire model that they mean."""

import codecs
import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from server.errors import ApiError, FieldError, field_errors
from server.wire import flat, unified
from server.wire.form import Form, WireRequest

# The forms of each component; of a body that fits none, the first one's errors are told.
FORMS: Mapping[str, tuple[Form, ...]] = {
    component: tuple(
        forms[component] for forms in (flat.FORMS, unified.FORMS) if component in forms
    )
    for component in unified.FORMS
}

# Half of a surrogate pair, in a text in which every backslash begins an escape.
HALF = re.compile(
    rb"\\u(?:[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))"
)
MOST_MENDED = 100_000  # beyond, what is not mended is malformed
STRUCTURE = (b",", b"[", b"{")
MOST_VALUES = 250_000  # of a body: making millions of objects stops everybody for a second

Raw = bytes | bytearray
Model = TypeVar("Model", bound=BaseModel)


def parse(component: str, raw: Raw) -> tuple[Form, WireRequest]:
    """The form that `raw` is in, and its model.

    Raises `ApiError`: 400 for what is no JSON, 422 for fields missing, mistyped or too long.
    """
    body = _object(raw)
    forms = FORMS[component]
    form = next((form for form in forms if form.fits(body)), forms[0])
    return form, validated(form.request, body)


def read(model: type[Model], raw: Raw) -> Model:
    """The model of a body that has one form only. Raises what `parse` raises."""
    return validated(model, _object(raw))


def _object(raw: Raw) -> dict[str, object]:
    body = _decode(raw)
    if not isinstance(body, dict):
        wrong = FieldError(field="body", message="Input should be a JSON object")
        raise ApiError(422, "invalid_request", [wrong])
    return body


def validated(model: type[Model], body: dict[str, object]) -> Model:
    """The model of an object. Raises `ApiError` 422 for fields missing, mistyped or too long."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise ApiError(422, "invalid_request", field_errors(found)) from None


def _decode(raw: Raw) -> object:
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if _values(raw) > MOST_VALUES:
        wrong = FieldError(field="body", message=f"Input should have at most {MOST_VALUES} values")
        raise ApiError(422, "invalid_request", [wrong])
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        if b"\\u" not in raw:
            raise _malformed(error) from None
    # Half of a surrogate pair is what is left where JavaScript cut a string inside an emoji.
    try:
        whole = HALF.sub(b"?", raw.replace(rb"\\", rb"\u005c", MOST_MENDED), MOST_MENDED)
        return from_json(whole, allow_inf_nan=False)
    except ValueError as error:
        raise _malformed(error) from None


def _values(raw: Raw) -> int:
    """How many values a JSON text has, or more: what its strings say is told apart only where
    that matters. Takes a few milliseconds for 10 MiB."""
    values = sum(map(raw.count, STRUCTURE))
    if values <= MOST_VALUES:
        return values
    parts = raw.replace(rb"\\", b"").replace(rb"\"", b"")
    strings = parts.count(b'"') // 2
    if strings > MOST_VALUES:
        return strings
    outside = b"".join(parts.split(b'"')[::2])
    return sum(map(outside.count, STRUCTURE))


def _malformed(error: Exception) -> ApiError:
    return ApiError(400, "malformed_json", f"the body is not JSON in UTF-8: {error}")

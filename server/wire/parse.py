"""From bytes to the wire model that they mean."""

import json
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


Model = TypeVar("Model", bound=BaseModel)


def parse(component: str, raw: bytes) -> tuple[Form, WireRequest]:
    """The form that `raw` is in, and its model.

    Raises `ApiError`: 400 for what is no JSON, 422 for fields missing, mistyped or too long.
    """
    body = _object(raw)
    forms = FORMS[component]
    form = next((form for form in forms if form.fits(body)), forms[0])
    return form, _validated(form.request, body)


def read(model: type[Model], raw: bytes) -> Model:
    """The model of a body that has one form only. Raises what `parse` raises."""
    return _validated(model, _object(raw))


def _object(raw: bytes) -> dict[str, object]:
    body = _decode(raw)
    if not isinstance(body, dict):
        wrong = FieldError(field="body", message="Input should be a JSON object")
        raise ApiError(422, "invalid_request", [wrong])
    return body


def _validated(model: type[Model], body: dict[str, object]) -> Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise ApiError(422, "invalid_request", field_errors(found)) from None


def _decode(raw: bytes) -> object:
    try:
        return from_json(raw)
    except ValueError as error:
        if b"\\u" not in raw:
            raise _malformed(error) from None
    # Half of a surrogate pair is what is left where JavaScript cut a string inside an emoji.
    try:
        text = json.dumps(json.loads(raw), ensure_ascii=False)
        return from_json(text.encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise _malformed(error) from None


def _malformed(error: Exception) -> ApiError:
    return ApiError(400, "malformed_json", f"the body is not JSON in UTF-8: {error}")

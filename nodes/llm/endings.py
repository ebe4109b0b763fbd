"""What the reason of an answer's end means, as any backend may spell it."""

from functools import lru_cache
from typing import Literal

import structlog

log = structlog.get_logger(__name__)

Ending = Literal["complete", "cut", "filtered", "failed"]
_REASONS: dict[Ending, tuple[str, ...]] = {
    "complete": (
        *("stop", "eos", "eos_token", "end", "end_turn", "stop_sequence", "stop_token"),
        *("complete", "completed", "done", "finished", "success"),
        *("tool_calls", "tool_use", "function_call"),
    ),
    "cut": (
        *("length", "max_tokens", "max_output_tokens", "max_completion_tokens", "max_new_tokens"),
        *("model_length", "token_limit", "length_limit", "incomplete", "max_length"),
        *("model_context_window_exceeded", "context_length_exceeded", "context_window_exceeded"),
    ),
    "filtered": (
        *("content_filter", "content_filtered", "sensitive", "safety"),
        *("refusal", "blocklist", "prohibited_content", "spii", "recitation"),
        *("guardrail", "guardrail_intervened", "guardrails", "policy", "image_safety"),
    ),
    "failed": (
        *("error", "insufficient_system_resource", "abort", "aborted", "cancelled", "canceled"),
        *("network_error", "server_error", "engine_error", "overloaded", "timeout"),
        *("malformed_function_call", "malformed_response", "unexpected_tool_call"),
    ),
}
SEVERITY: dict[Ending, int] = {"complete": 0, "cut": 1, "filtered": 2, "failed": 3}
_JOINTS = str.maketrans("", "", "_- ")
_ENDINGS: dict[str, Ending] = {
    name.translate(_JOINTS): kind for kind, names in _REASONS.items() for name in names
}


def ending(reason: str) -> Ending:
    """What a `finish_reason` means. One that is in no table counts as cut, and is logged once."""
    found = _ENDINGS.get(reason.lower().translate(_JOINTS).removeprefix("finishreason"))
    if found is None:
        _warn_of(reason[:40])
    return found or "cut"


@lru_cache(maxsize=64)
def _warn_of(reason: str) -> None:
    log.warning("unknown finish_reason, taken for a cut answer", finish_reason=reason)

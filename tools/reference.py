"""The settings, written out: `python -m tools.reference env` or `... table`."""

import argparse

from pydantic import ByteSize, SecretStr
from pydantic.fields import FieldInfo

from settings import Settings

FAMILIAR = (
    "llm_provider",
    "openai_api_key",
    "model_name",
    "vllm_api_base",
    "miner_api_key",
    "api_port",
    "max_tokens",
    "temperature",
)
"""The settings that operators have in their files already, in that order."""
TO_FILL_IN = {"openai_api_key": "", "miner_api_key": "change-me"}
HEADER = """\
# Every setting of the miner. Copy this file to .env and change what you need: MINER_API_KEY, and
# OPENAI_API_KEY or another LLM_PROVIDER. Variables of the environment win over .env.
"""


def example() -> str:
    """The text of `.env.example`."""
    return HEADER + "".join(_lines(name, field) for name, field in _fields())


def table() -> str:
    """A Markdown table of all settings: name, default, description."""
    rows = [f"| `{name.upper()}` | {_cell(name, field)} |" for name, field in _fields()]
    return "\n".join(["| name | default | |", "|---|---|---|", *rows]) + "\n"


def _fields() -> list[tuple[str, FieldInfo]]:
    fields = Settings.model_fields
    rest = [name for name in fields if name not in FAMILIAR]
    return [(name, fields[name]) for name in (*FAMILIAR, *rest)]


def _lines(name: str, field: FieldInfo) -> str:
    comment = (field.description or "").replace("`", "")
    value = TO_FILL_IN.get(name, _default(field))
    setting = f"# {name.upper()}=" if value is None else f"{name.upper()}={value}"
    return f"\n# {comment}\n{setting}\n"


def _cell(name: str, field: FieldInfo) -> str:
    value = _default(field)
    shown = "required" if field.is_required() else f"`{value}`" if value else ""
    return f"{shown} | {(field.description or '').replace('|', chr(92) + '|')}"


def _default(field: FieldInfo) -> str | None:
    """The default as one would write it into `.env`, `None` where there is none."""
    value = field.default
    if field.is_required() or value is None:
        return None
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, ByteSize):
        return value.human_readable().replace(".0", "")
    return str(value).lower() if isinstance(value, bool) else str(value)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tools.reference", description=__doc__)
    parser.add_argument("form", choices=["env", "table"], help=".env.example, or a Markdown table")
    print({"env": example, "table": table}[parser.parse_args().form](), end="")


if __name__ == "__main__":
    main()

"""The table of dialects in `docs/operators.md`, made from the rows: `python -m llm.dialect_table`
in `tests/` prints it."""

import tomllib
from pathlib import Path

FILES = sorted((Path(__file__).parent / "dialects").glob("*.toml"))


def table() -> str:
    """Each behaviour and where it was seen, by kind."""
    lines = ["| what a backend does | seen at |", "|---|---|"]
    for file in FILES:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
        lines.append(f"| **{found['title']}** | |")
        lines += [f"| {_cell(row['name'])} | {_cell(row['by'])} |" for row in found["row"]]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(table())

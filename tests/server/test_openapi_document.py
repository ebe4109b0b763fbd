"""What the OpenAPI document says is what is served: every operation, tried by a machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from running_miner import KEY, miner_settings, serving
from scripted import Scripted

# Bodies are read more tolerantly than the document says, and some rules it cannot say: a body of a
# change names something to change.
TOLERANT = "negative_data_rejection,positive_data_acceptance"
# The key may come in either of two headers; the tool takes each for required.
EXCLUDED = f"{TOLERANT},missing_required_header"
ERRORS = re.compile(r"🚫 +([A-Z][\w ]+): \d")
UNSENT = "/restore"  # the tool writes no lines of JSON


@pytest.mark.timeout(300)
def test_every_operation_answers_as_the_document_says(tmp_path: Path, backend: Scripted) -> None:
    backend.default("PROBLEM: It is wrong.\nSUGGESTION: Say Paris.")
    rates = dict.fromkeys(("rate_limit", "auth_failure_limit"), "1000000/minute")
    settings = miner_settings(tmp_path / "data", backend, **rates)
    program = Path(sys.executable).with_name("schemathesis")
    with serving(settings) as address:
        done = subprocess.run(
            [
                *(program, "run", f"{address}/openapi.json", "-H", f"X-API-Key: {KEY}"),
                *("--phases", "examples,fuzzing", "--max-examples", "5"),
                *("--exclude-checks", EXCLUDED, "--exclude-path", UNSENT),
                *("--generation-deterministic", "--no-color"),
            ],
            check=False,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=250,
        )
    report = done.stdout + done.stderr[-2000:]
    # How often the tool throws away what it made itself says nothing of the miner.
    assert set(ERRORS.findall(done.stdout)) <= {"Failed Health Check"}, report
    # Where it breaks down it tries nothing, and ends as if all were well.
    assert re.search(r"\b([1-9]\d+) generated, \1 passed", done.stdout), report

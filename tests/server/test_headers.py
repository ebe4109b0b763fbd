"""What callers send cannot break the headers of the answer, nor get into the log."""

import json
from pathlib import Path

import pytest

from running_miner import client_of, miner_settings, serving
from scripted import Scripted


@pytest.mark.parametrize("name", ["a\u0001b", "a\u007fb", "a\u001bb", "a\r\nX-Injected: b", "é"])
async def test_any_name_of_an_output_can_be_reported_as_cut(
    tmp_path: Path, backend: Scripted, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    backend.max_model_len = 2048
    backend.default("Paris")
    earlier = {
        "task": "t",
        "input": [],
        "output": {"immediate_response": "word " * 8000, "notebook": "no update"},
        "component": f"a-word-of-the-caller {name}",
    }
    item = {"user_query": "What is the capital of France?"}
    body: dict[str, object] = {"cid": "c", "task": "t", "input": [item]}
    body |= {"previous_outputs": [earlier], "use_conversation_history": False}
    with serving(miner_settings(tmp_path, backend, log_level="info")) as address:
        async with client_of(address) as client:
            response = await client.post("/complete", json=body)
            streamed = await client.post(
                "/complete", json=body, headers={"Accept": "text/event-stream"}
            )
    assert response.status_code == 200
    assert response.headers["X-Miner-Cut"].isprintable()
    assert "X-Injected" not in response.headers
    [told] = [
        json.loads(event.partition("data: ")[2])
        for event in streamed.text.split("\n\n")
        if event.startswith("event: miner")
    ]
    assert told["X-Miner-Cut"] == response.headers["X-Miner-Cut"]
    logged = capfd.readouterr().err
    assert "prompt cut to the model's window" in logged
    assert "material" in logged
    assert "a-word-of-the-caller" not in logged

"""An orchestrator's DAG on the embedded model: every response keeps the contract."""

from pathlib import Path

from launch.launched import clone, launched
from orchestrator import EVERYTHING, run
from running_miner import client_of
from support import free_port

KEY = "orchestrated"


async def test_a_dag_runs_on_the_embedded_model(tmp_path: Path, model_file: Path) -> None:
    chosen = {
        "LLM_PROVIDER": "local",
        "LOCAL_API_BASE": f"http://127.0.0.1:{free_port()}/v1",
        "MINER_API_KEY": KEY,
        "MAX_TOKENS": "100",
    }
    with launched(clone(tmp_path, model_file), **chosen) as miner:
        async with client_of(miner.address, KEY) as client:
            told = await run(
                client,
                EVERYTHING,
                cid="dag",
                task="Answer the user",
                queries=["What is machine learning?"],
            )
    assert set(told) == {node.name for node in EVERYTHING}

"""How long a miner takes to its first healthy answer, and what it holds in memory when idle.

`python -m benchmarks.startup [--runs 3] [--workers 1] [--data-dir data]` starts `run.py` that
often, on a port of its own, with the embedded model, and ends it again. The model's file is fetched
before the clock starts. Prints one line a run: seconds to `/health`, seconds to the first answer
of `/complete`, and the resident memory of the miner and of its children, in MB.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from settings import ROOT, Settings
from tools.addresses import free_port
from tools.model_file import ensure_model, model_path

KEY = "benchmark"
GIVE_UP_SECONDS = 120
SETTLE_SECONDS = 3
BODY = {"cid": "bench", "task": "What is machine learning?", "input": "Explain in simple terms"}


def main() -> None:
    options = _options()
    model = ensure_model(options.data_dir)
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory(prefix="startup-") as folder:
            data = Path(folder)
            model_path(data).parent.mkdir()
            model_path(data).symlink_to(model)
            print(_run(data, options.workers), flush=True)


def _run(data: Path, workers: int) -> str:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    started = time.monotonic()
    command = [sys.executable, "run.py", "--port", str(port), "--workers", str(workers)]
    miner = subprocess.Popen(command, cwd=ROOT, env=_environment(data), stdout=subprocess.DEVNULL)
    try:
        _wait_until_healthy(miner, address)
        healthy = time.monotonic() - started
        time.sleep(SETTLE_SECONDS)
        resident = _resident(miner.pid)
        asked = time.monotonic()
        httpx.post(f"{address}/complete", json=BODY, headers={"X-API-Key": KEY}, timeout=60)
        answered = time.monotonic() - asked
    finally:
        miner.terminate()
        miner.wait(GIVE_UP_SECONDS)
    parts = ", ".join(f"{name} {size:.0f}" for name, size in resident.items())
    return f"healthy after {healthy:.2f} s, answer in {answered:.2f} s; idle MB: {parts}"


def _environment(data: Path) -> dict[str, str]:
    names = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in names}
    local = f"http://127.0.0.1:{free_port()}/v1"
    chosen = {"MINER_API_KEY": KEY, "LLM_PROVIDER": "local", "LOCAL_API_BASE": local}
    return kept | chosen | {"DATA_DIR": str(data), "LOG_LEVEL": "warning"}


def _wait_until_healthy(miner: "subprocess.Popen[bytes]", address: str) -> None:
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < give_up and miner.poll() is None:
        try:
            if httpx.get(f"{address}/health", timeout=1).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.02)
    raise SystemExit("the miner did not become healthy")


def _resident(pid: int) -> dict[str, float]:
    """Resident megabytes of the process and its descendants, and their sum."""
    told = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,rss=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 3) for line in told.stdout.splitlines()]
    family = {str(pid)}
    sizes: dict[str, float] = {}
    for row_pid, parent, size, arguments in sorted(rows, key=lambda row: int(row[0])):
        if row_pid in family or parent in family:
            family.add(row_pid)
            sizes[f"{_name(arguments)} ({row_pid})"] = int(size) / 1024
    return sizes | {"sum": sum(sizes.values())}


def _name(arguments: str) -> str:
    known = ("run.py", "tools.embedded_model", "tools.chroma_server", "resource_tracker", "spawn")
    return next((name for name in known if name in arguments), arguments.split(maxsplit=1)[0])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("--runs", type=int, choices=range(1, 21), default=3, metavar="1..20")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data")
    return parser.parse_args()


if __name__ == "__main__":
    main()

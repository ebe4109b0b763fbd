"""encrypt.py with and without bittensor, and a stand-in for the miner."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from encrypting import Program, StandIn

from support import require


@pytest.fixture
def miner() -> Iterator[StandIn]:
    miner = StandIn()
    miner.thread.start()
    yield miner
    miner.server.shutdown()
    miner.thread.join()
    miner.server.server_close()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """encrypt.py where bittensor is not installed: -S leaves out all that is."""
    return Program((sys.executable, "-S"), tmp_path)


@pytest.fixture(scope="session")
def wallet_python() -> str:
    """A Python with bittensor: `WALLET_PYTHON`, or else this one."""
    python = os.environ.get("WALLET_PYTHON", sys.executable)
    found = subprocess.run(
        [python, "-c", "import bittensor.wallet"], check=False, capture_output=True
    )
    require(found.returncode == 0, f"bittensor is not installed for {python}; see WALLET_PYTHON")
    return python


@pytest.fixture
def signer(wallet_python: str, tmp_path: Path) -> Program:
    """encrypt.py where bittensor is installed."""
    return Program((wallet_python,), tmp_path)

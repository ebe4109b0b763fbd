"""Machines with and without a GPU and vLLM, and a Python with the real one."""

import os
import sys
from pathlib import Path

import pytest
from launching import Machine


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    """A machine with neither a GPU nor vLLM."""
    return Machine(tmp_path)


@pytest.fixture
def machine(bare: Machine) -> Machine:
    """A machine that reports a GPU, and has a stand-in for vLLM."""
    bare.give_gpu()
    bare.give_vllm()
    return bare


@pytest.fixture(scope="session")
def vllm_python() -> Path:
    """A Python that has vLLM, with the program `vllm` beside it: `VLLM_PYTHON`, or else this."""
    python = Path(os.environ.get("VLLM_PYTHON", sys.executable))
    if not python.with_name("vllm").is_file():
        # Several GB, and the recorded list of its options stands in for it everywhere.
        pytest.skip(f"vLLM is not installed for {python}; see VLLM_PYTHON")
    return python

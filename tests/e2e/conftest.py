"""Fixtures of the whole: `run.py` as an operator runs it, on a model of its own."""

from backend_fixture import backend
from embedded import model_data_dir, model_file

__all__ = ["backend", "model_data_dir", "model_file"]

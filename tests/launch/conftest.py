"""Fixtures of the launch side."""

from embedded import embedded_model, model_data_dir, model_file

__all__ = ["embedded_model", "model_data_dir", "model_file"]

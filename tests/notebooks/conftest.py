"""The notebooks run on the embedded model."""

from embedded import model_data_dir, model_file

__all__ = ["model_data_dir", "model_file"]

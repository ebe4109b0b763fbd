"""The embedded model for tests: its file once a session, and the real server of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import ROOT
from support import free_port, make_settings, require
from tools.children import embedded_model as serving
from tools.model_file import ModelUnavailable, ensure_model, model_path


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The intact model file: that of this clone if it has one, else a download of the session."""
    cloned, base = ROOT / "data", tmp_path_factory.getbasetemp()
    # Parallel runs have a folder each in the one of their session.
    own = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = cloned if model_path(cloned).is_file() else own / "model"
    try:
        return ensure_model(folder)
    except ModelUnavailable as error:
        require(False, str(error))
        raise


@pytest.fixture(scope="session")
def model_data_dir(model_file: Path) -> Path:
    """A DATA_DIR that holds the model file."""
    return model_file.parent.parent


@pytest.fixture(scope="session")
def embedded_model(model_data_dir: Path) -> Iterator[str]:
    """The address of the embedded model's API, such as http://127.0.0.1:8002/v1."""
    address = f"http://127.0.0.1:{free_port()}/v1"
    with serving(make_settings(model_data_dir, local_api_base=address)):
        yield address

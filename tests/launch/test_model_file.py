import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from launched import environment, eventually

from settings import ROOT
from support import free_port
from tools.model_file import FILE_SHA256, ensure_model, model_path

FETCH = "import sys; from pathlib import Path; from tools.model_file import ensure_model;"
FETCH += "print(ensure_model(Path(sys.argv[1])))"


def fetching(data_dir: Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, str(data_dir)],
        cwd=ROOT,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_is_there_is_not_fetched_again(
    model_data_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = model_path(model_data_dir).stat()
    assert ensure_model(model_data_dir) == model_path(model_data_dir)
    assert model_path(model_data_dir).stat().st_mtime_ns == before.st_mtime_ns
    assert capfd.readouterr() == ("", "")


def test_a_damaged_file_is_fetched_anew_once_by_two_processes(
    model_file: Path, tmp_path: Path
) -> None:
    path = model_path(tmp_path)
    path.parent.mkdir()
    shutil.copy(model_file, path)
    with path.open("r+b") as file:
        file.seek(50_000_000)
        file.write(b"damage")
    (path.parent / ".fetching-of-a-killed-process").mkdir()
    both = [fetching(tmp_path), fetching(tmp_path)]
    told = [process.communicate(timeout=100)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("is damaged: fetching the embedded model" in text for text in told) == 1
    assert all(text.splitlines()[-1] == str(path) for text in told)
    assert digest(path) == FILE_SHA256
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, ".fetch.lock"}


@pytest.mark.usefixtures("model_file")
def test_a_fetch_that_is_killed_leaves_nothing_half(tmp_path: Path) -> None:
    path = model_path(tmp_path)
    process = fetching(tmp_path)
    eventually(lambda: list(path.parent.glob(".fetching-*/*")))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not path.exists()
    assert digest(ensure_model(tmp_path)) == FILE_SHA256
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, ".fetch.lock"}


def test_without_a_network_one_line_says_what_to_do(tmp_path: Path) -> None:
    nowhere = {"PIP_INDEX_URL": f"http://127.0.0.1:{free_port()}/simple", "PIP_RETRIES": "0"}
    alone = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1"}
    command = [sys.executable, "-m", "tools.embedded_model", "--data-dir", str(tmp_path)]
    result = subprocess.run(
        [*command, "--port", str(free_port())],
        cwd=ROOT,
        env=environment(**nowhere, **alone),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert line.startswith("cannot fetch the embedded model (")
    assert FILE_SHA256 in line
    assert str(model_path(tmp_path)) in line
    assert not list(model_path(tmp_path).parent.glob(".fetching-*"))

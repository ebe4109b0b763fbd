import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from launched import (
    Launched,
    clone,
    descendants,
    environment,
    eventually,
    finished,
    is_running,
    launched,
)

from memory import Add, Playbook, StoreLocked, sole_owner
from scripted import Hang, Scripted
from support import free_port, make_settings

KEY = "a-key-of-the-tests"
Early = Callable[[str], dict[str, str]]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A clone without a model."""
    return clone(tmp_path)


def unreachable(**more: str) -> dict[str, str]:
    """An environment whose backend is nowhere, so that nothing runs beside the server."""
    nowhere = {"LLM_PROVIDER": "vllm", "VLLM_API_BASE": f"http://127.0.0.1:{free_port()}/v1"}
    return nowhere | {"MINER_API_KEY": KEY} | more


def local_api_base() -> dict[str, str]:
    return {"LOCAL_API_BASE": f"http://127.0.0.1:{free_port()}/v1"}


def test_a_fresh_clone_answers_the_call_it_prints(tmp_path: Path, model_file: Path) -> None:
    folder = clone(tmp_path, model_file)
    with launched(folder, **local_api_base()) as miner:
        env_file = folder / ".env"
        first = env_file.read_text()
        key = first.split("MINER_API_KEY=")[1].split()[0]
        assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
        assert "LLM_PROVIDER=local" in first
        assert f"wrote {env_file} with a fresh MINER_API_KEY and LLM_PROVIDER=local" in miner.output
        assert f"Key:   MINER_API_KEY in {env_file}" in miner.output
        assert "Model: SmolLM2-135M-Instruct (local)" in miner.output
        assert f"http://localhost:{miner.port}/docs" in miner.output
        assert key not in miner.output
        answer = _paste(miner)
        assert answer["response"].strip()
        assert miner.health(key).json()["llm_provider"] == "local"
        children = descendants(miner.process.pid)
        assert children
        assert miner.stop() == 0
    assert not any(is_running(pid) for pid in children)
    assert "Traceback" not in miner.output
    with launched(folder, **local_api_base()) as again:
        assert "wrote" not in again.output
        assert again.stop(signal.SIGINT) == 0
    assert env_file.read_text() == first


def test_with_all_it_needs_in_the_environment_no_file_is_written(bare: Path) -> None:
    with launched(bare, **unreachable()) as miner:
        assert not (bare / ".env").exists()
        assert "Key:   MINER_API_KEY in the environment" in miner.output
        assert KEY not in miner.output
        assert _status_of_pasted(miner, MINER_API_KEY=f"{KEY},another") == 503


def test_an_unreachable_backend_is_a_warning_and_a_503(bare: Path) -> None:
    with launched(bare, **unreachable()) as miner:
        eventually(lambda: "backend does not answer yet" in miner.output)
        assert miner.health().json() == {"status": "healthy"}
        assert _status_of_pasted(miner, MINER_API_KEY=KEY) == 503
        assert miner.stop() == 0
    assert "Traceback" not in miner.output


@pytest.mark.parametrize(
    ("variables", "options", "line"),
    [
        ({"MINER_API_KEY": "change-me"}, [], "MINER_API_KEY is wrong: this is the placeholder"),
        ({}, ["--workers", "0"], "WORKERS='0' is wrong"),
        ({}, ["--env-file", "missing.env"], "there is no file missing.env (--env-file)"),
        ({"REDIS_URL": "nonsense"}, ["--workers", "2"], "REDIS_URL is wrong"),
    ],
)
def test_a_wrong_setting_is_one_line_and_code_2(
    bare: Path, variables: dict[str, str], options: list[str], line: str
) -> None:
    result = finished(bare, *options, **(unreachable() | variables))
    assert result.returncode == 2
    assert result.stdout == ""
    [told] = result.stderr.splitlines()
    assert told.startswith(f"cannot start: {line}")


def test_a_file_without_a_key_is_one_line_and_stays_as_it_is(bare: Path) -> None:
    (bare / ".env").write_text("LLM_PROVIDER=local\n")
    result = finished(bare)
    assert result.returncode == 2
    assert result.stderr.startswith("cannot start: MINER_API_KEY is not set")
    assert result.stderr.count("\n") == 1
    assert (bare / ".env").read_text() == "LLM_PROVIDER=local\n"


def test_a_port_in_use_is_one_line(bare: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = finished(bare, "--host", "127.0.0.1", "--port", str(port), **unreachable())
    assert result.returncode == 1
    [told] = result.stderr.splitlines()
    assert told.startswith(f"cannot start: cannot listen on 127.0.0.1:{port}")
    assert told.endswith("change API_PORT")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_second_process_on_the_same_folder_is_one_line(bare: Path, workers: str) -> None:
    with sole_owner(bare / "data"):
        result = finished(bare, "--port", str(free_port()), "--workers", workers, **unreachable())
    assert result.returncode == 1
    [told] = result.stderr.splitlines()
    assert told.startswith(f"cannot start: {bare / 'data'} is in use by another process")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_store_that_is_missing_is_one_line_and_code_1(bare: Path, workers: str) -> None:
    port = free_port()
    nowhere = unreachable(CHROMA_URL=f"http://127.0.0.1:{port}")
    result = finished(bare, "--port", str(free_port()), "--workers", workers, **nowhere)
    assert result.returncode == 1
    assert "cannot start: " in result.stderr
    assert f"127.0.0.1:{port} (CHROMA_URL)" in result.stderr
    assert "Traceback" not in result.stderr


async def test_the_playbook_survives_a_change_from_one_to_two_workers(bare: Path) -> None:
    settings = make_settings(bare / "data")
    async with Playbook.open(settings) as playbook, playbook.writing("ann") as writer:
        await writer.apply([Add("answers in French", "language")])
    with launched(bare, "--workers", "2", **unreachable()) as miner:
        eventually(lambda: miner.health(KEY).json()["playbook_entries"] == 1)
        with pytest.raises(StoreLocked), sole_owner(settings.data_dir):
            pass
        everyone = descendants(miner.process.pid)
        assert miner.stop() == 0
    eventually(lambda: not any(is_running(pid) for pid in everyone))
    assert "Traceback" not in miner.output
    async with Playbook.open(settings) as playbook:
        assert [entry.content for entry in await playbook.all("ann")] == ["answers in French"]


@pytest.fixture
def early(bare: Path) -> Early:
    """An environment in which a script runs before anything of ours, in each Python process."""
    (bare / "early").mkdir()

    def with_script(script: str) -> dict[str, str]:
        (bare / "early" / "sitecustomize.py").write_text(script)
        return unreachable(PYTHONPATH=str(bare / "early"))

    return with_script


def test_workers_that_need_long_to_import_come_up(bare: Path, early: Early) -> None:
    # Longer than uvicorn waits by default.
    late = "import sys, time\nif '--multiprocessing-fork' in sys.orig_argv: time.sleep(8)\n"
    with launched(bare, "--workers", "2", **early(late)) as miner:
        assert miner.health().json() == {"status": "healthy"}
        assert miner.stop() == 0
    assert "worker ended" not in miner.output


def test_a_worker_that_ends_is_replaced_and_a_setting_gone_wrong_ends_the_miner(bare: Path) -> None:
    (bare / ".env").write_text("MINER_NAME=mine\n")
    with launched(bare, "--workers", "2", **unreachable()) as miner:
        first = workers(miner)
        os.kill(first[0], signal.SIGKILL)
        eventually(lambda: "worker ended, restarting" in miner.output)
        assert f"pid={first[0]}" in miner.output
        assert "code=-9" in miner.output
        eventually(lambda: len(workers(miner)) == 2)
        (bare / ".env").write_text("MINER_NAME=mine\nAPI_PORT=1\nMAX_TOKENS=few\n")
        os.kill(first[1], signal.SIGKILL)
        assert miner.process.wait(60) == 1
    assert "cannot start: MAX_TOKENS='few' is wrong" in miner.output
    assert "Traceback" not in miner.output


def workers(miner: Launched) -> list[int]:
    """Process ids of the server processes."""
    told = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(miner.process.pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in told.stdout.splitlines() if "--multiprocessing-fork" in line]
    return [int(line.split()[0]) for line in lines]


def test_a_second_interrupt_answers_what_is_in_work_and_ends(bare: Path, backend: Scripted) -> None:
    backend.default(Hang())
    here = unreachable(VLLM_API_BASE=backend.base_url)
    with launched(bare, **here) as miner, ThreadPoolExecutor(1) as caller:
        call = caller.submit(
            httpx.post,
            f"{miner.address}/complete",
            json={"cid": "c", "task": "t", "input": "i"},
            headers={"X-API-Key": KEY},
            timeout=60,
        )
        eventually(lambda: backend.in_flight)
        miner.process.send_signal(signal.SIGINT)
        eventually(lambda: not listens(miner.port))
        assert miner.stop(signal.SIGINT) == 0
        answer = call.result()
    assert answer.status_code == 503
    assert answer.json()["error"] == "draining"
    assert "Traceback" not in miner.output


def listens(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def test_nothing_is_left_of_a_miner_that_is_killed(bare: Path) -> None:
    with launched(bare, "--workers", "2", **unreachable()) as miner:
        everyone = descendants(miner.process.pid)
        assert len(everyone) >= 3
        miner.process.kill()
        miner.process.wait()
        eventually(lambda: not any(is_running(pid) for pid in everyone))
        with sole_owner(bare / "data"), socket.create_server(("0.0.0.0", miner.port)):
            pass


def test_a_stop_during_the_start_ends_everything(tmp_path: Path, model_file: Path) -> None:
    miner = Launched(clone(tmp_path, model_file), **local_api_base())
    eventually(lambda: descendants(miner.process.pid))
    children = descendants(miner.process.pid)
    assert miner.stop() == 0
    eventually(lambda: not any(is_running(pid) for pid in children))
    assert "Traceback" not in miner.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_packages_are_imported_is_a_quiet_end(
    bare: Path, early: Early, number: int
) -> None:
    at_import = SIGNALLED.format(number=number, event="import", argument="chromadb")
    miner = Launched(bare, **early(at_import))
    assert miner.process.wait(60) == 0
    assert miner.output == ""


def test_a_stop_is_not_lost_to_a_destructor(bare: Path, early: Early) -> None:
    """Python drops an exception there, and a signal comes at any time."""
    port = free_port()
    at_bind = SIGNALLED.format(number=signal.SIGTERM, event="socket.bind", argument=port)
    miner = Launched(bare, port=port, **early(at_bind))
    try:
        assert miner.process.wait(30) == 0
    finally:
        miner.process.kill()
    assert "Exception ignored in" in miner.output


SIGNALLED = """
import os, signal, sys

class Signalled:
    def __del__(self):
        os.kill(os.getpid(), {number})

first = ["run.py"]

def watch(event, arguments):
    if event == "{event}" and "{argument}" in str(arguments) and first:
        first.clear()
        Signalled()

if "run.py" in sys.orig_argv:
    sys.addaudithook(watch)
"""


def test_a_stop_does_not_wait_for_workers_that_do_not_answer_yet(bare: Path, early: Early) -> None:
    late = "import sys, time\nif '--multiprocessing-fork' in sys.orig_argv: time.sleep(30)\n"
    miner = Launched(bare, "--workers", "2", **early(late))
    try:
        eventually(lambda: len(workers(miner)) == 2)
        time.sleep(1)  # until they are waited for
        asked = time.monotonic()
        assert miner.stop() == 0
        assert time.monotonic() - asked < 10
    finally:
        miner.process.kill()


def _pasted(miner: Launched, option: str, **variables: str) -> str:
    line = next(line for line in miner.output.splitlines() if line.startswith("Try: "))
    command = line.removeprefix("Try:").strip().replace("curl ", f"curl -s {option} ", 1)
    return subprocess.run(
        ["sh", "-c", command],
        cwd=miner.folder,
        env=environment(**variables),
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def _paste(miner: Launched) -> dict[str, str]:
    answer: dict[str, str] = httpx.Response(200, text=_pasted(miner, "")).json()
    return answer


def _status_of_pasted(miner: Launched, **variables: str) -> int:
    return int(_pasted(miner, f"-o {os.devnull} -w %{{http_code}}", **variables))

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from launched import environment, eventually, is_running

from settings import ROOT
from support import free_port
from tools.supervisor import Backoff, ChildFailed, Supervisor

SERVER = """
import http.server, os, pathlib, signal, sys
from tools.supervisor import end_with_supervisor
end_with_supervisor()
signal.signal(signal.SIGTERM, getattr(signal, sys.argv[2]))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
PARENT = """
import sys, time
from tools.supervisor import Supervisor
url = f"http://127.0.0.1:{sys.argv[1]}/"
with Supervisor("a child", [sys.executable, "-c", sys.argv[2], sys.argv[1], "SIG_DFL"], url) as s:
    print(s.pid, flush=True)
    time.sleep(100)
"""
QUICK = Backoff(first=0.05, ceiling=0.2, reset_after=60)


def supervised(port: int, on_term: str = "SIG_DFL") -> Supervisor:
    command = [sys.executable, "-c", SERVER, str(port), on_term]
    return Supervisor("a child", command, f"http://127.0.0.1:{port}/", backoff=QUICK)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
    except httpx.HTTPError:
        return False


def test_the_child_answers_inside_the_block_and_is_gone_after() -> None:
    port = free_port()
    with supervised(port) as child:
        assert answers(port)
        pid = child.pid
    assert not is_running(pid)
    assert not answers(port)


def test_a_child_that_crashes_is_started_again_with_a_line_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    port = free_port()
    with supervised(port) as child:
        for _ in range(3):
            crashed = child.pid
            os.kill(crashed, signal.SIGKILL)
            eventually(lambda crashed=crashed: child.pid != crashed and answers(port))
    # Where the log goes depends on whether an earlier test has configured it.
    logged = "".join(capsys.readouterr())
    assert logged.count("child ended, restarting") == 3


def test_a_child_that_ignores_the_request_to_end_is_killed() -> None:
    port = free_port()
    with supervised(port, "SIG_IGN") as child:
        pid = child.pid
    assert not is_running(pid)


def test_the_child_ends_when_its_parent_is_killed() -> None:
    command = [sys.executable, "-c", PARENT, str(free_port()), SERVER]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.kill()
    eventually(lambda: not is_running(child))


def test_a_terminals_interrupt_does_not_reach_the_child() -> None:
    with supervised(free_port()) as child:
        assert os.getpgid(child.pid) != os.getpgid(0)


def test_a_child_that_ends_before_it_is_ready_is_told() -> None:
    nobody = f"http://127.0.0.1:{free_port()}/"
    with (
        pytest.raises(ChildFailed, match="a child ended with code 3 before it was ready"),
        Supervisor("a child", [sys.executable, "-c", "raise SystemExit(3)"], nobody),
    ):
        pass


def test_a_child_that_does_not_get_ready_is_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = (
        f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(99)"
    )
    nobody = f"http://127.0.0.1:{free_port()}/"
    child = Supervisor(
        "a child", [sys.executable, "-c", script, str(pid_file)], nobody, start_seconds=2
    )
    with pytest.raises(ChildFailed, match="a child was not ready within 2 s"), child:
        pass
    assert not is_running(int(pid_file.read_text()))


def test_a_program_that_is_missing_is_told() -> None:
    child = Supervisor("a child", ["/no/such/program"], "http://127.0.0.1:9/")
    with pytest.raises(ChildFailed, match="a child cannot be started: No such file"), child:
        pass


def test_leaving_while_a_restart_waits_does_not_wait_for_it() -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVER, str(port), "SIG_DFL"]
    slow = Backoff(first=1000, ceiling=1000, reset_after=60)
    with Supervisor("a child", command, f"http://127.0.0.1:{port}/", backoff=slow) as child:
        os.kill(child.pid, signal.SIGKILL)
        eventually(lambda: not is_running(child.pid))
        time.sleep(0.2)
    assert not answers(port)

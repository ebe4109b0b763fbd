"""encrypt.py as a real process, its wallets, and a stand-in for a miner on a real socket."""

import json
import os
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WALLETS = Path(__file__).with_name("wallets")
TODAYS = "bittensor-11.3.0"
OLDER = "bittensor-wallet-4.1.1"
PASSWORD = "test-password"
TOKEN = "kX9_pL2-vQ7mZ4tR"
ADDRESS = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"
HEALTHY = {"status": "healthy"}
CAPABILITIES = {"miner_name": "stand-in", "supported_functions": ["complete"]}
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "TZ": "EST5"}


@dataclass
class Answer:
    status: int = 200
    body: object = field(default_factory=dict)
    location: str | None = None

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class StandIn:
    """A server that answers `/health` and `/capabilities` as told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers = {"/health": Answer(body=HEALTHY), "/capabilities": Answer(body=CAPABILITIES)}
        self.asked: list[tuple[str, str | None]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        miner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                key = self.headers["X-API-Key"]
                miner.asked.append((self.path, key))
                known = miner.answers.get(self.path, Answer(404))
                wrong_key = self.path == "/capabilities" and key != TOKEN
                answer = Answer(401) if wrong_key else known
                self.send_response(answer.status)
                if answer.location:
                    self.send_header("Location", answer.location)
                self.end_headers()
                self.wfile.write(answer.content())

            def log_message(self, format: str, *args: object) -> None:
                """Keep the tests' output to the tests."""

        return Handler


@dataclass
class Program:
    """Runs encrypt.py in `folder` with one Python; the token and password must never show."""

    python: tuple[str, ...]
    folder: Path

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self.python, str(ROOT / "encrypt.py"), *arguments],
            cwd=self.folder,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        for secret in (TOKEN, PASSWORD):
            assert secret not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def sign(self, *arguments: str, wallet: str = "plain", of: str = TODAYS) -> Path:
        """Sign with one of the wallets, leaving out the miner; the file written."""
        where = ("--wallet-path", str(WALLETS / of), "--name", wallet)
        what = ("--api-url", "https://miner.test", "--token", TOKEN)
        done = self(*where, *what, "--allow-private", "--no-check", *arguments)
        assert done.returncode == 0, done.stderr
        return self.folder / "signed_credentials.txt"


def fails(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2, and one line on stderr that holds `words`."""
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("encrypt.py: error: ")
    for word in words:
        assert word in lines[0]

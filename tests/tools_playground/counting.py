"""A miner that tells what a test lets it tell, once each time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Semaphore, Thread

REQUESTS = """\
# TYPE playbook_miner_requests_total counter
playbook_miner_requests_total{{component="complete",status="200"}} {complete}
playbook_miner_requests_total{{component="other",status="200"}} {other}
"""
LONGEST_WAIT = 60  # seconds; the page gives up long before


class CountingMiner:
    """Answers `/metrics` once for each `tell`; until then who asks must wait."""

    def __init__(self) -> None:
        self._told = ""
        self._permits = Semaphore(0)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False  # somebody may still wait for an answer
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def tell(self, *, requests: int) -> None:
        """Let the next look find so many requests."""
        self._told = REQUESTS.format(complete=requests, other=100 * requests)
        self._permits.release()

    def start(self) -> None:
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str) -> str:
        if path == "/metrics":
            self._permits.acquire(timeout=LONGEST_WAIT)
            return self._told
        return json.dumps({"status": "healthy"})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = answer(self.path).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:  # whoever asked has given up
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def counting() -> Iterator[CountingMiner]:
    """Such a miner, for as long as the block runs or until it is stopped."""
    miner = CountingMiner()
    miner.start()
    try:
        yield miner
    finally:
        miner.stop()

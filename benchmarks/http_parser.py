"""What a request costs the miner's process under each of uvicorn's HTTP parsers.

`python -m benchmarks.http_parser [--requests 2000]` serves the miner as `run.py` does, but for the
parser, and calls `/health` and then sends `/complete` a body of 100 kB that it refuses, over one
connection. Prints the milliseconds of CPU a request, which other programs on the machine disturb
less than the time: the caller's share, the same for both parsers, is in them.
"""

import argparse
import http.client
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from server.app import create_app
from server.serving import server_config
from settings import Settings

KEY = "benchmark"
BODY = b'{"cid": "", "task": "' + b"x" * 100_000 + b'"}'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    requests = parser.parse_args().requests
    for name in ("httptools", "h11") * 2:
        with _served(name) as port:
            short = _cost(port, requests, "GET", "/health", b"")
            long = _cost(port, requests // 4, "POST", "/complete", BODY)
        print(f"{name}: /health {short:.3f} ms, 100 kB to /complete {long:.3f} ms", flush=True)


@contextmanager
def _served(parser: str) -> Iterator[int]:
    with tempfile.TemporaryDirectory(prefix="parser-") as folder:
        config = server_config(create_app(_settings(Path(folder))), drain_seconds=5)
        config.http = parser
        server = uvicorn.Server(config)
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.05)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def _settings(folder: Path) -> Settings:
    return Settings.load(
        None,
        miner_api_key=KEY,
        llm_provider="vllm",
        vllm_api_base="http://127.0.0.1:9/v1",
        data_dir=folder,
        rate_limit="1000000/minute",
        log_level="error",
    )


def _cost(port: int, requests: int, method: str, path: str, body: bytes) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    began = time.process_time()
    for _ in range(requests):
        connection.request(method, path, body, {"X-API-Key": KEY} if body else {})
        connection.getresponse().read()
    spent = time.process_time() - began
    connection.close()
    return spent / requests * 1000


if __name__ == "__main__":
    main()

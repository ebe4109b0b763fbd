"""A stand-in for the `vllm` program: it serves HTTP as vLLM does, and answers with no model.

It says on its output that it is one, what it was called with, and which signals it gets. The
environment tells it how to behave: STAND_IN_STARTS_IN (seconds until it listens), STAND_IN_FAILS
(its exit code, at once), STAND_IN_ENDS (its exit code once it was asked for its models),
STAND_IN_STUBBORN (no signal ends it). It starts a helper process, as vLLM does, and writes the
helper's process id to the file STAND_IN_HELPER.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType

BEHAVIOUR = os.environ


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        key = os.environ.get("VLLM_API_KEY")
        if self.path == "/health":
            return self.answer(200, b"")
        if key and self.headers["Authorization"] != f"Bearer {key}":
            return self.answer(401, b"{}")
        self.answer(200, json.dumps({"data": [{"id": OPTIONS.served_model_name}]}).encode())
        if "STAND_IN_ENDS" in BEHAVIOUR:
            os._exit(int(BEHAVIOUR["STAND_IN_ENDS"]))
        return None

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the output to what the tests read."""


def end(number: int, _frame: FrameType | None) -> None:
    print(f"stand-in: {signal.Signals(number).name}", flush=True)
    if "STAND_IN_STUBBORN" not in BEHAVIOUR:
        os._exit(0)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("serve")
    parser.add_argument("model")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--served-model-name")
    known, _ = parser.parse_known_args()
    known.served_model_name = known.served_model_name or known.model
    return known


print("stand-in for vllm, without a model:", json.dumps(sys.argv[1:]), flush=True)
OPTIONS = options()
if "STAND_IN_FAILS" in BEHAVIOUR:
    sys.exit(int(BEHAVIOUR["STAND_IN_FAILS"]))
for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(each, end)
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
if "STAND_IN_HELPER" in BEHAVIOUR:
    Path(BEHAVIOUR["STAND_IN_HELPER"]).write_text(str(helper.pid))
time.sleep(float(BEHAVIOUR.get("STAND_IN_STARTS_IN", "0")))
ThreadingHTTPServer((OPTIONS.host, OPTIONS.port), Handler).serve_forever()

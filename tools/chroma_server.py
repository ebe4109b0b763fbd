"""A Chroma server for miners of several processes: `python -m tools.chroma_server --help`.

It is `chroma run` without the client library, whose import takes seconds, and ends with its
supervisor.
"""

import argparse
import signal
from pathlib import Path

import chromadb_rust_bindings

from tools.supervisor import end_with_supervisor


def main() -> None:
    """The command: serves until a signal, or until the supervisor is gone."""
    options = _options()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_supervisor()
    where = ["--path", str(options.path), "--host", options.host, "--port", str(options.port)]
    chromadb_rust_bindings.cli(["chroma", "run", *where])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.chroma_server", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="folder of its files")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    return parser.parse_args()


if __name__ == "__main__":
    main()

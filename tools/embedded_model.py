"""Serve the embedded model on OpenAI's API: `python -m tools.embedded_model --port 8002`."""

import argparse
import os
import signal
from pathlib import Path

from settings import ROOT
from tools.model_file import ModelUnavailable, ensure_model
from tools.supervisor import end_with_supervisor

try:
    import xllamacpp
except ImportError as error:
    # Its wheels leave OpenMP's library to the system, and small images do not have it.
    raise SystemExit(f"cannot load llama.cpp ({error}); on Debian: apt install libgomp1") from None

MODEL_NAME = "SmolLM2-135M-Instruct"
WINDOW = 8192
"""Tokens the model was trained on."""
SLOTS = range(2, 5)
CACHE_MIB = 256
SLOTS_OF_A_LARGER_MODEL = 2
ERRORS_ONLY = 1
"""At warnings, llama.cpp's log quotes malformed requests, and with them prompts."""


class ServerFailed(Exception):
    """The server did not come up. The message is one line."""


def parameters(model: Path, options: argparse.Namespace) -> xllamacpp.CommonParams:
    """How llama.cpp is to serve `model`.

    Every slot (a request in work) has the model's whole window of its own, 180 MB: in one pool
    shared by the slots, requests that together exceed it all fail. More slots than cores gained
    no throughput when measured; requests beyond the slots wait their turn.
    """
    slots = min(max(os.cpu_count() or 1, SLOTS[0]), SLOTS[-1])
    if options.model:
        slots = SLOTS_OF_A_LARGER_MODEL
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {_name(options)}
    params.hostnames = [options.host]
    params.port = options.port
    params.n_parallel = slots
    params.n_ctx = slots * options.window
    params.cache_ram_mib = CACHE_MIB
    params.verbosity = ERRORS_ONLY
    params.ui = False
    params.endpoint_slots = False
    # Its default lets every page in the operator's browser use it.
    params.cors_origins = f"http://{options.host}:{options.port}"
    if options.threads:
        params.cpuparams.n_threads = options.threads
    if options.chat_template:
        params.chat_template = options.chat_template.read_text(encoding="utf-8")
    return params


def serve(model: Path, options: argparse.Namespace) -> xllamacpp.Server:
    """The running server; it answers from now on, and as long as the object lives.

    Raises `ServerFailed`.
    """
    try:
        return xllamacpp.Server(parameters(model, options))
    except RuntimeError as error:
        raise ServerFailed(
            f"llama.cpp cannot serve {model} at {options.host}:{options.port}"
        ) from error


def main() -> None:
    """The command: serves until a signal, or until the supervisor is gone."""
    options = _options()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if options.supervised:
        end_with_supervisor()
    try:
        server = serve(options.model or ensure_model(options.data_dir), options)
    except (ModelUnavailable, ServerFailed) as error:
        raise SystemExit(str(error)) from None
    print(f"{_name(options)} answers at {server.listening_address}/v1", flush=True)
    while True:
        signal.pause()


def _name(options: argparse.Namespace) -> str:
    return options.model.stem if options.model else MODEL_NAME


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.embedded_model", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8002, help="port to listen on")
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data", help="as DATA_DIR")
    parser.add_argument("--model", type=Path, help="as LOCAL_MODEL")
    parser.add_argument("--window", type=int, default=WINDOW, help="tokens a request may hold")
    parser.add_argument("--threads", type=int, help="as LOCAL_THREADS")
    parser.add_argument("--chat-template", type=Path, help="as LOCAL_CHAT_TEMPLATE")
    parser.add_argument(
        "--supervised", action="store_true", help="end when standard input is closed"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()

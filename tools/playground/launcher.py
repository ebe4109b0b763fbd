"""The command `gradio_test_ui.py`."""

import argparse
import os
import signal
import sys

from settings import Settings, SettingsError
from tools.addresses import AddressTaken, check_free, is_loopback, reachable

OFFLINE = {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_SHARE": "False", "HF_HUB_OFFLINE": "1"}
MISSING = "the playground needs Gradio: pip install -r requirements-playground.txt"


def main() -> int:
    """The command. Returns the exit code: 1 if the address is taken, 2 for what is missing."""
    options = _options()
    os.environ.update(OFFLINE)
    try:
        check_free(options.host, options.port, "--port")
        _serve(options)
    except AddressTaken as error:
        return _refuse(str(error), 1)
    except ModuleNotFoundError as error:
        if error.name not in ("gradio", "httpx_sse", "pandas"):
            raise
        return _refuse(MISSING, 2)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A page to try a miner in, in the browser.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (%(default)s)")
    parser.add_argument("--miner", metavar="URL", help="address of the miner (that of .env)")
    return parser.parse_args()


def _serve(options: argparse.Namespace) -> None:
    # Gradio takes seconds to import, and must find its environment set.
    from tools.playground import app  # noqa: PLC0415

    url, key = _own_miner()
    page = app.build(options.miner or url, url, key if is_loopback(options.host) else "")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app.launch(page, options.host, options.port)
    _announce(options, bool(key))
    page.block_thread()


def _own_miner() -> tuple[str, str]:
    """Address and key of the miner that the settings describe; empty where there is none."""
    try:
        settings = Settings.load()
    except SettingsError:
        return "", ""
    return f"http://{reachable(settings.host)}:{settings.api_port}", settings.api_keys[0]


def _announce(options: argparse.Namespace, has_key: bool) -> None:
    print(f"playground on http://{reachable(options.host)}:{options.port}", flush=True)
    if has_key and not is_loopback(options.host):
        print("others can reach this page, so the key of .env is not lent to it", flush=True)


def _refuse(reason: str, code: int) -> int:
    print(f"cannot start: {reason}", file=sys.stderr)
    return code

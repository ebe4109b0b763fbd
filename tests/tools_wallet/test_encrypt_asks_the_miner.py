"""What encrypt.py asks the miner before it signs, and what it makes of the answers."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from encrypting import (
    CAPABILITIES,
    HEALTHY,
    TODAYS,
    TOKEN,
    WALLETS,
    Answer,
    Program,
    StandIn,
    fails,
)

from backend_fixture import backend
from running_miner import miner_settings, serving
from scripted import Scripted
from support import free_port

__all__ = ["backend"]

WALLET = ("--name", "plain", "--wallet-path", str(WALLETS / TODAYS), "--allow-private")
NOT_ASKED_FURTHER = "cannot load bittensor"


def test_asks_health_without_the_key_and_capabilities_with_it(
    program: Program, miner: StandIn
) -> None:
    done = program(*WALLET, "--api-url", miner.url, "--token", TOKEN)
    assert miner.asked == [("/health", None), ("/capabilities", TOKEN)]
    assert f"GET {miner.url}/health: healthy" in done.stdout
    assert f"GET {miner.url}/capabilities: the token is accepted" in done.stdout


def test_asks_below_the_path_of_the_address(program: Program, miner: StandIn) -> None:
    miner.answers = {
        "/miner/health": Answer(body=HEALTHY),
        "/miner/capabilities": Answer(body=CAPABILITIES),
    }
    program(*WALLET, "--api-url", f"{miner.url}/miner", "--token", TOKEN)
    assert miner.asked == [("/miner/health", None), ("/miner/capabilities", TOKEN)]


def test_leaves_the_miner_alone_on_request(program: Program, miner: StandIn) -> None:
    program(*WALLET, "--api-url", miner.url, "--token", TOKEN, "--no-check")
    assert miner.asked == []


def test_warns_that_http_shows_the_token(program: Program, miner: StandIn) -> None:
    done = program(*WALLET, "--api-url", miner.url, "--token", TOKEN)
    assert "the token travels unencrypted" in done.stderr


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        ("/health", Answer(401), "/health: 401, where 200 is needed"),
        ("/health", Answer(404), "/health: 404, where 200 is needed"),
        ("/health", Answer(503, HEALTHY), "/health: 503, where 200 is needed"),
        ("/health", Answer(body={"status": "starting"}), "does not say that it is healthy"),
        ("/health", Answer(body={}), "does not say that it is healthy"),
        ("/health", Answer(body=["healthy"]), "not a miner's"),
        ("/health", Answer(body=b"<html>It works!</html>"), "not a miner's"),
        ("/health", Answer(body=b"\xff\xfe"), "not a miner's"),
        ("/health", Answer(body=b"[" * 100_000), "not a miner's"),
        ("/health", Answer(body=b" " * (2 << 20)), "no whole answer"),
        ("/capabilities", Answer(403), "the miner refuses the token"),
        ("/capabilities", Answer(404), "/capabilities: 404, where 200 is needed"),
        ("/capabilities", Answer(body={"model": "m"}), "lists no supported_functions"),
        ("/capabilities", Answer(body={"supported_functions": []}), "refuses the token"),
    ],
)
def test_stops_at_an_answer_that_would_fail_the_registration(
    program: Program, miner: StandIn, path: str, answer: Answer, reason: str
) -> None:
    miner.answers[path] = answer
    done = program(*WALLET, "--api-url", miner.url, "--token", TOKEN)
    assert done.returncode == 2
    assert reason in done.stderr.splitlines()[-1]
    assert NOT_ASKED_FURTHER not in done.stderr


def test_says_that_the_miner_refuses_the_token(program: Program, miner: StandIn) -> None:
    done = program(*WALLET, "--api-url", miner.url, "--token", "another-one-9x")
    assert done.returncode == 2
    assert "401, so the miner refuses the token" in done.stderr
    assert "another-one-9x" not in done.stdout + done.stderr


def test_takes_the_token_nowhere_else(program: Program, miner: StandIn) -> None:
    miner.answers["/elsewhere"] = Answer(body=CAPABILITIES)
    miner.answers["/capabilities"] = Answer(307, location=f"{miner.url}/elsewhere")
    done = program(*WALLET, "--api-url", miner.url, "--token", TOKEN)
    assert done.returncode == 2
    assert "307, a redirect; sign the address it leads to" in done.stderr
    assert "/elsewhere" not in [path for path, _ in miner.asked]


def test_says_that_nobody_listens(program: Program) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = program(*WALLET, "--api-url", url, "--token", TOKEN)
    assert done.returncode == 2
    assert "connection refused; is the miner running" in done.stderr


@contextmanager
def _listening(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """The `host:port` of a server that takes one connection and talks otherwise than HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("words", [b"220 mail ready\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_says_that_the_answer_is_not_http(program: Program, words: bytes) -> None:
    with _listening(lambda connection: connection.sendall(words)) as place:
        done = program(*WALLET, "--api-url", f"http://{place}", "--token", TOKEN)
    assert done.returncode == 2
    assert f"GET http://{place}/health: " in done.stderr.splitlines()[-1]
    assert NOT_ASKED_FURTHER not in done.stderr


def test_says_that_the_address_is_not_https(program: Program) -> None:
    with _listening(lambda connection: connection.sendall(b"HTTP/1.1 400 No\r\n\r\n")) as place:
        done = program(*WALLET, "--api-url", f"https://{place}", "--token", TOKEN)
    fails(done, "no TLS connection; is it an http:// address?")


def test_gives_up_on_a_miner_that_never_finishes(program: Program) -> None:
    give_up = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with suppress(OSError):  # encrypt.py hangs up
            while not give_up.wait(1):
                connection.sendall(b" ")

    try:
        with _listening(drip) as place:
            done = program(*WALLET, "--api-url", f"http://{place}", "--token", TOKEN)
    finally:
        give_up.set()
    assert done.returncode == 2
    assert "no whole answer within 10 s" in done.stderr


def test_this_projects_own_miner_passes(program: Program, backend: Scripted) -> None:
    settings = miner_settings(program.folder / "data", backend, miner_api_key=TOKEN)
    with serving(settings) as url:
        done = program(*WALLET, "--api-url", url, "--token", TOKEN)
        refused = program(*WALLET, "--api-url", url, "--token", "another-one-9x")
    assert f"GET {url}/capabilities: the token is accepted" in done.stdout
    assert "refuses the token" in refused.stderr

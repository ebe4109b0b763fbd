"""The reverse proxy of `docs/registration.md`, with a real nginx before a real miner."""

import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from launch.launched import eventually
from pages import block, commands
from running_miner import COMPLETE, KEY, miner_settings, serving
from scripted import HangAfter, Scripted
from support import free_port, require

PAGE = "docs/registration.md"
HOST = "miner.my-domain.net"
REST = """
daemon off;
user root;
pid {folder}/pid;
error_log {folder}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    {server}
}}
"""


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for the page's host; its key is beside it."""
    require(shutil.which("openssl") is not None, "openssl is not installed")
    path = tmp_path / "fullchain.pem"
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    named = ["-nodes", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    files = ["-keyout", tmp_path / "privkey.pem", "-out", path, "-days", "1"]
    subprocess.run([*new, *named, *files], check=True, capture_output=True)
    return path


@contextmanager
def proxied(certificate: Path, miner: str) -> Iterator[str]:
    """nginx as on the page, before this miner; gives the address it listens on."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    require(program is not None, "nginx is not installed (apt-get install nginx)")
    folder, port = certificate.parent, free_port()
    server = block(PAGE, "proxy_pass").replace("listen 443", f"listen {port}")
    server = server.replace(f"/etc/letsencrypt/live/{HOST}", str(folder))
    server = server.replace("http://127.0.0.1:8001", miner)
    (folder / "nginx.conf").write_text(REST.format(folder=folder, server=server))
    command = [str(program), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            eventually(lambda: process.poll() is not None or (folder / "pid").exists())
            assert process.poll() is None, process.stderr and process.stderr.read()
            yield f"https://127.0.0.1:{port}"
        finally:
            process.terminate()


def client_of(certificate: Path, address: str, own_address: str = "127.0.0.1") -> httpx.Client:
    """A caller who knows the proxy by the page's host, and calls from `own_address`."""
    trusted = ssl.create_default_context(cafile=str(certificate))
    transport = httpx.HTTPTransport(verify=trusted, local_address=own_address)
    # The name goes into TLS and into the header, while the connection goes to the address.
    hooks = {"request": [lambda request: request.extensions.update(sni_hostname=HOST)]}
    return httpx.Client(
        base_url=address,
        transport=transport,
        headers={"Host": HOST, "X-API-Key": KEY},
        event_hooks=hooks,
        timeout=30,
    )


def test_health_answers_without_a_key(tmp_path: Path, backend: Scripted, certificate: Path) -> None:
    [curl] = [command for command in commands(PAGE) if command.startswith("curl")]
    with (
        serving(miner_settings(tmp_path / "data", backend)) as miner,
        proxied(certificate, miner) as address,
    ):
        port = address.rpartition(":")[2]
        where = ["--resolve", f"{HOST}:{port}:127.0.0.1", "--cacert", str(certificate)]
        words = curl.replace(HOST, f"{HOST}:{port}").split()
        told = subprocess.run([*words, "-s", *where], check=True, capture_output=True, text=True)
    assert told.stdout == '{"status":"healthy"}'


def test_tokens_come_at_once_and_a_caller_who_leaves_ends_the_run(
    tmp_path: Path, backend: Scripted, certificate: Path
) -> None:
    backend.default(HangAfter("The beginning"))
    with (
        serving(miner_settings(tmp_path / "data", backend)) as miner,
        proxied(certificate, miner) as address,
        client_of(certificate, address) as client,
    ):
        events = {"Accept": "text/event-stream"}
        with client.stream("POST", "/complete", json=COMPLETE, headers=events) as response:
            heard = ""
            for piece in response.iter_text():
                heard += piece
                if re.search("beginning", heard):
                    break
        eventually(lambda: backend.requests[0].disconnected)


def test_a_large_body_is_refused_by_the_miner_itself(
    tmp_path: Path, backend: Scripted, certificate: Path
) -> None:
    settings = miner_settings(tmp_path / "data", backend, max_body_bytes=4096)
    with (
        serving(settings) as miner,
        proxied(certificate, miner) as address,
        client_of(certificate, address) as client,
    ):
        refused = client.post("/complete", json={**COMPLETE, "input": "x" * 5000})
    assert refused.status_code == 413
    assert refused.json()["error"]


def test_wrong_keys_are_counted_by_the_callers_address(
    tmp_path: Path, backend: Scripted, certificate: Path
) -> None:
    _, trusted = block(PAGE, "TRUSTED_PROXIES=").strip().split("=")
    limits = {"auth_failure_limit": "1/day", "trusted_proxies": trusted}
    settings = miner_settings(tmp_path / "data", backend, **limits)
    wrong = {"X-API-Key": "wrong"}
    with (
        serving(settings) as miner,
        proxied(certificate, miner) as address,
        client_of(certificate, address, "127.0.0.2") as guesser,
        client_of(certificate, address, "127.0.0.3") as other,
    ):
        told = [guesser.get("/", headers=wrong).status_code for _ in range(2)]
        assert told == [401, 429]
        assert other.get("/", headers=wrong).status_code == 401

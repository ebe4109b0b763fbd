"""Two miners behind a proxy are replaced one after the other, and no caller notices."""

import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from launched import Launched, clone, environment, eventually, launched

from pages import block
from scripted import Scripted, Slow
from settings import ROOT
from support import free_port, require

PAGE = "docs/operators.md"
KEY = "a-key-of-the-tests"
CALLERS = 6
WRITES_A_USER = 20


NGINX = """
daemon off;
user root;
pid {folder}/pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    {servers}
}}
"""


@contextmanager
def proxied(folder: Path, ports: tuple[int, int]) -> Iterator[str]:
    """nginx as the page has it, before miners at these ports; gives its address."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    require(program is not None, "nginx is not installed (apt-get install nginx)")
    port = free_port()
    servers = block(PAGE, "upstream miners").replace("server {", f"server {{ listen {port};")
    for written, own in zip(("8001", "8002"), ports, strict=True):
        servers = servers.replace(f"127.0.0.1:{written}", f"127.0.0.1:{own}")
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, servers=servers))
    with subprocess.Popen([str(program), "-p", folder, "-c", folder / "nginx.conf"]) as proxy:
        try:
            eventually((folder / "pid").exists)
            yield f"http://127.0.0.1:{port}"
        finally:
            proxy.terminate()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/ready", trust_env=False, timeout=5).is_success
    except httpx.TransportError:
        return False


class Load:
    """Callers that ask and write by turns until the block ends; what they were answered."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.statuses: Counter[object] = Counter()
        self.written: Counter[str] = Counter()
        self._over = threading.Event()

    def __enter__(self) -> "Load":
        self._callers = ThreadPoolExecutor(CALLERS)
        self._calls = [self._callers.submit(self._call, caller) for caller in range(CALLERS)]
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        for call in self._calls:
            call.result()
        self._callers.shutdown()

    def _call(self, caller: int) -> None:
        headers = {"X-API-Key": KEY}
        client = httpx.Client(base_url=self.address, headers=headers, trust_env=False, timeout=60)
        with client:
            turn = 0
            while not self._over.is_set():
                cid = f"{caller}-{turn // WRITES_A_USER}"
                asked = {"cid": cid, "task": "What is the capital of France?", "input": "A word."}
                self._note(client, "/complete", asked)
                if self._note(client, f"/playbook/{cid}", {"content": f"wish {turn}"}):
                    self.written[cid] += 1
                turn += 1

    def _note(self, client: httpx.Client, path: str, body: dict[str, str]) -> bool:
        try:
            response = client.post(path, json=body)
        except httpx.TransportError as error:
            self.statuses[repr(error)] += 1
            return False
        self.statuses[response.status_code] += 1
        return response.is_success


def replaced(stack: ExitStack, miner: Launched, variables: dict[str, str]) -> None:
    """Stop one, and start another in its place; until it is ready."""
    assert miner.stop() == 0
    new = stack.enter_context(launched(miner.folder, port=miner.port, **variables))
    eventually(lambda: answers(new.address))


@pytest.fixture
def chroma(tmp_path: Path) -> Iterator[str]:
    port = str(free_port())
    command = [Path(sys.executable).with_name("chroma"), "run", "--path", tmp_path / "chroma"]
    with subprocess.Popen([*command, "--port", port], stdout=subprocess.DEVNULL) as server:
        yield f"http://127.0.0.1:{port}"
        server.terminate()


@pytest.mark.timeout(300)
def test_an_upgrade_of_one_miner_after_the_other_fails_no_request(
    tmp_path: Path, backend: Scripted, chroma: str
) -> None:
    backend.default(Slow("Paris", 0.3))
    shared = {
        "LLM_PROVIDER": "vllm",
        "VLLM_API_BASE": backend.base_url,
        "COMPLETE_STRATEGY": "draft",
        "MINER_API_KEY": KEY,
        "DATA_DIR": str(tmp_path / "data"),
        "CHROMA_URL": chroma,
        "RATE_LIMIT": "100000/minute",
    }
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        clone(folder)
    with (
        launched(folders[0], **shared) as one,
        launched(folders[1], **shared) as two,
        proxied(tmp_path, (one.port, two.port)) as address,
        ExitStack() as stack,
    ):
        with Load(address) as load:
            eventually(lambda: load.statuses[200] > 20)
            backed_up(address, tmp_path / "miner.backup")
            for miner in (one, two):
                replaced(stack, miner, shared)
            before = load.statuses.total()
            eventually(lambda: load.statuses.total() > before + 50)
        with httpx.Client(headers={"X-API-Key": KEY}, trust_env=False) as client:
            told = {cid: client.get(f"{address}/playbook/{cid}").json() for cid in load.written}
    assert set(load.statuses) == {200, 201}
    assert {cid: each["total"] for cid, each in told.items()} == load.written


def backed_up(address: str, file: Path) -> None:
    command = [sys.executable, "-m", "tools.backup", "--url", address, file]
    subprocess.run(command, cwd=ROOT, env=environment(MINER_API_KEY=KEY), check=True)
    assert file.exists()

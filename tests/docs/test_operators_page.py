"""What `docs/operators.md` tells an operator to write and type, with the programs it is for."""

import configparser
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from launch.launched import clone, environment, eventually
from pages import block
from running_miner import COMPLETE, KEY, miner_settings, serving
from scripted import Json, Scripted
from settings import ROOT
from support import free_port, require

PAGE = "docs/operators.md"
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "playbook-miner.service"
RULES = DEPLOY / "playbook-miner-rules.yml"
PROMETHEUS = DEPLOY / "prometheus.yml"
INSTALLED_IN = "/srv/playbook-miner"
SCRAPED_EVERY = "scrape_interval: 15s"


def program(name: str, package: str) -> str:
    """The path of what Debian's package brings."""
    found = shutil.which(name)
    require(found is not None, f"{name} is not installed (apt-get install {package})")
    return str(found)


def unit(folder: Path) -> str:
    """The unit, for a miner in this folder that this Python runs."""
    text = UNIT.read_text()
    text = text.replace(f"{INSTALLED_IN}/venv/bin/python", sys.executable)
    return text.replace(INSTALLED_IN, str(folder)).replace("User=miner\n", "")


def test_systemd_takes_the_unit_and_enables_it(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    service = units / "playbook-miner.service"
    service.write_text(unit(tmp_path))
    checked = subprocess.run(
        [analyze, "verify", service], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert str(service) not in checked.stderr

    copying, enabling = block(PAGE, "systemctl").splitlines()
    assert copying == f"sudo cp {UNIT.relative_to(ROOT)} /etc/systemd/system/"
    _, *words, name = shlex.split(enabling)
    assert words == ["systemctl", "enable", "--now"]
    # Nothing can be started where systemd does not run; enabling needs its files alone.
    subprocess.run(["systemctl", f"--root={tmp_path}", "enable", name], check=True)
    assert (units / "multi-user.target.wants" / service.name).is_symlink()


def test_the_unit_starts_the_miner_and_stops_it_cleanly(tmp_path: Path, backend: Scripted) -> None:
    parser = configparser.ConfigParser(strict=False)  # a key may come twice, as lists do
    parser.optionxform = str
    folder = clone(tmp_path)
    parser.read_string(unit(folder))
    service = parser["Service"]
    port = free_port()
    process = subprocess.Popen(
        shlex.split(service["ExecStart"]),
        cwd=service["WorkingDirectory"],
        env=environment(
            LLM_PROVIDER="vllm",
            VLLM_API_BASE=backend.base_url,
            MINER_API_KEY=KEY,
            API_PORT=str(port),
        ),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/health"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(float(service["TimeoutStopSec"])) == 0
    finally:
        process.kill()
        process.wait()
    wrong = subprocess.run(
        shlex.split(service["ExecStart"]),
        cwd=service["WorkingDirectory"],
        env=environment(LLM_PROVIDER="nobody", MINER_API_KEY=KEY),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert str(wrong.returncode) == service["RestartPreventExitStatus"]


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


@contextmanager
def documented_chroma(folder: Path) -> Iterator[str]:
    """The Chroma server that the page starts, on loopback; gives its address."""
    port = str(free_port())
    words = shlex.split(block(PAGE, "chroma run"))
    swaps = {"/srv/chroma": str(folder), "10.0.0.5": "127.0.0.1", "8003": port}
    assert set(swaps) <= set(words)
    name, *options = [swaps.get(word, word) for word in words]
    beside = Path(sys.executable).with_name(name)
    with subprocess.Popen(
        [beside, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            eventually(lambda: answers(f"http://127.0.0.1:{port}/api/v2/heartbeat"))
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def test_machines_that_share_their_stores_are_one_miner(
    tmp_path: Path, backend: Scripted, database_url: str, redis: str
) -> None:
    names = [line.partition("=")[0] for line in block(PAGE, "REDIS_URL").splitlines()]
    preference = {"quote": "in French", "content": "Answer in French", "category": "language"}
    backend.when("What is the capital", "Paris")
    backend.default(Json({"preferences": [{**preference, "about": 0}]}))
    with documented_chroma(tmp_path / "chroma") as chroma:
        shared = dict(zip(names, [chroma, database_url, redis], strict=True))
        assert list(shared) == ["CHROMA_URL", "DATABASE_URL", "REDIS_URL"]
        chosen = {name.lower(): value for name, value in shared.items()} | {"rate_limit": "5/day"}
        with (
            serving(miner_settings(tmp_path / "one", backend, **chosen)) as one,
            serving(miner_settings(tmp_path / "two", backend, **chosen)) as two,
            httpx.Client(headers={"X-API-Key": KEY}, trust_env=False, timeout=60) as client,
        ):
            said = {"cid": "c", "human_feedback": "Always answer in French."}
            assert client.post(f"{one}/human_feedback", json=said).is_success
            assert client.post(f"{two}/complete", json=COMPLETE).is_success
            assert "Always answer in French." in backend.requests[-1].prompt
            told = client.get(f"{one}/conversations/c").json()
            assert "Paris" in [message["content"] for message in told["messages"]]
            assert client.delete(f"{two}/users/c").json()["entries"] == 1
            assert client.get(f"{one}/playbook/c").json()["entries"] == []
            assert client.get(f"{two}/playbook/c").status_code == 429


@contextmanager
def prometheus(folder: Path, configuration: str) -> Iterator[httpx.Client]:
    """Prometheus with this configuration in a folder of rules; gives a client of its API."""
    (folder / "prometheus.yml").write_text(configuration)
    (folder / "playbook-miner-rules.yml").write_text(RULES.read_text())
    checker = program("promtool", "prometheus")
    checked = subprocess.run(
        [checker, "check", "config", folder / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    port = free_port()
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder}/data"]
    with subprocess.Popen(
        [program("prometheus", "prometheus"), *options, f"--web.listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            eventually(lambda: answers(f"{address}/-/ready"))
            with httpx.Client(base_url=address, trust_env=False) as client:
                yield client
        finally:
            server.terminate()


def found(client: httpx.Client, query: str) -> list[float]:
    """The values that Prometheus finds now."""
    told = client.get("/api/v1/query", params={"query": query}).json()
    return [float(series["value"][1]) for series in told["data"]["result"]]


def test_prometheus_reads_the_metrics_and_knows_what_the_rules_ask(
    tmp_path: Path, backend: Scripted
) -> None:
    backend.default("Paris")
    key = tmp_path / "key"
    key.write_text(KEY)
    text = PROMETHEUS.read_text()
    assert SCRAPED_EVERY in text
    with serving(miner_settings(tmp_path / "data", backend)) as address:
        text = text.replace("miner:8001", address.removeprefix("http://"))
        text = text.replace("/etc/prometheus/miner-key", str(key))
        text = text.replace(SCRAPED_EVERY, "scrape_interval: 1s")
        for _ in range(3):
            httpx.post(f"{address}/complete", json=COMPLETE, headers={"X-API-Key": KEY})
        with prometheus(tmp_path, text) as client:
            eventually(lambda: found(client, 'up{job="playbook-miner"}') == [1])
            asked = 'playbook_miner_requests_total{component="complete", status="200"}'
            eventually(lambda: found(client, asked) == [3])
            eventually(lambda: found(client, "playbook_miner_llm_available") == [1])
            assert found(client, "playbook_miner_memory_available") == [1]
            [group] = client.get("/api/v1/rules").json()["data"]["groups"]
            assert len(group["rules"]) == 7
            assert not [rule for rule in group["rules"] if rule.get("lastError")]
            metrics = httpx.get(f"{address}/metrics", headers={"X-API-Key": KEY}).text
    rules = RULES.read_text()
    named = {word for word in shlex.split(rules.translate(OPERATORS)) if "playbook_miner_" in word}
    assert len(named) == 7
    assert {name for name in named if f"# TYPE {family(name)} " not in metrics} == set()


OPERATORS = str.maketrans(dict.fromkeys("()[]{},|<>=~!\"'", " "))


def family(name: str) -> str:
    """The metric that a series belongs to."""
    return name.removesuffix("_bucket")


def test_the_page_has_an_answer_for_each_alert() -> None:
    alerts = re.findall(r"alert: (\w+)", RULES.read_text())
    answered = re.findall(r"^\| `(\w+)` \|", (ROOT / PAGE).read_text(), re.MULTILINE)
    assert alerts == [name for name in answered if name in alerts]


def test_an_alert_fires_when_the_miner_is_down(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    text = PROMETHEUS.read_text().replace(SCRAPED_EVERY, "scrape_interval: 1s")
    text = text.replace("miner:8001", f"127.0.0.1:{free_port()}")
    text = text.replace("/etc/prometheus/miner-key", str(tmp_path / "key"))
    text = f"global: {{evaluation_interval: 1s}}\n{text}"
    with prometheus(tmp_path, text) as client:
        waiting = 'ALERTS{alertname="MinerDown", alertstate="pending"}'
        eventually(lambda: found(client, waiting) == [1])


def test_a_user_is_copied_and_erased(tmp_path: Path, backend: Scripted) -> None:
    with (
        serving(miner_settings(tmp_path / "data", backend)) as address,
        httpx.Client(base_url=address, headers={"X-API-Key": KEY}, trust_env=False) as client,
    ):
        client.post("/playbook/test-123", json={"content": "Answer in French"})
        script = block(PAGE, "/export").replace("http://localhost:8001", address)
        *copying, erasing = script.splitlines()
        assert "-X DELETE" in erasing
        run(tmp_path, "\n".join(copying))
        assert "Answer in French" in (tmp_path / "test-123.json").read_text()
        assert len(client.get("/playbook/test-123").json()["entries"]) == 1
        run(tmp_path, erasing)
        assert client.get("/playbook/test-123").json()["entries"] == []


def run(folder: Path, script: str) -> None:
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "MINER_API_KEY": KEY},
        check=True,
        timeout=60,
        capture_output=True,
    )


@pytest.mark.parametrize("page", ["README.md", PAGE])
def test_the_first_start_is_the_one_that_is_tried(page: str) -> None:
    """`.ci/run` types the README's lines in a fresh environment; here are the same."""
    lines = block(page, "&& python run.py").splitlines()
    own = [line for line in lines if "venv" in line]
    assert [line for line in lines if line not in own] == [
        "pip install -r requirements.txt && python run.py"
    ]
    assert all(line == "python3 -m venv venv && . venv/bin/activate" for line in own)

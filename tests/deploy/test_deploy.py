"""The files of `deploy/`, checked by the tools they are written for."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from running_miner import KEY, miner_settings, serving
from scripted import Scripted
from settings import ROOT
from support import require

DEPLOY = ROOT / "deploy"
PROFILES = ("chroma", "postgresql", "redis", "vllm", "monitoring", "tls")


def tool(name: str, *arguments: object, **environment: str) -> str:
    """What a tool writes about a file of ours that it accepts."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    require(found is not None, f"{name} is not installed (.ci/run installs it)")
    done = subprocess.run(
        [str(found), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert tool("hadolint", DEPLOY / "Dockerfile") == ""


def test_the_image_holds_what_a_start_needs_and_no_playground(tmp_path: Path) -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    ours = {name for line in copied if not line.startswith("--") for name in line.split()}
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert "tools/playground" in ignored
    assert {f"!{name}" for name in ours} <= set(ignored)
    for name in ours:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    shutil.rmtree(tmp_path / "tools/playground")
    told = subprocess.run(
        [sys.executable, "run.py", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "Start the miner." in told.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with `deploy/` and an operator's `.env`."""
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    (tmp_path / ".env").write_text(f"MINER_API_KEY={KEY}\nPOSTGRES_PASSWORD=its-password\n")
    return tmp_path


def test_compose_takes_the_file_and_its_profiles(project: Path) -> None:
    files = ["--env-file", project / ".env", "-f", project / "deploy/compose.yaml"]
    chosen = [word for name in PROFILES for word in ("--profile", name)]
    resolved = yaml.safe_load(tool("docker-compose", *files, *chosen, "config"))["services"]
    of = {name: tuple(service.get("profiles", ())) for name, service in resolved.items()}
    assert of.pop("miner") == ()
    assert {profile for profiles in of.values() for profile in profiles} == set(PROFILES)


def test_compose_resolves_the_miner_without_privileges(project: Path) -> None:
    files = ["--env-file", project / ".env", "-f", project / "deploy/compose.yaml"]
    miner = yaml.safe_load(tool("docker-compose", *files, "config"))["services"]["miner"]
    assert miner["environment"]["MINER_API_KEY"] == KEY
    assert miner["read_only"] is True
    assert miner["cap_drop"] == ["ALL"]
    mounted = [line.partition(":")[0] for line in compose()["prometheus"]["volumes"]]
    mounted += [line.partition(":")[0] for line in compose()["grafana"]["volumes"]]
    named = [DEPLOY / name for name in mounted if name.startswith("./")]
    assert {path.name for path in named if not path.exists()} <= {"miner-key"}


def compose() -> dict[str, dict[str, list[str]]]:
    services: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (DEPLOY / "compose.yaml").read_text()
    )["services"]
    return services


def test_caddy_takes_its_file() -> None:
    arguments = ["validate", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile"]
    assert "Valid" in tool("caddy", *arguments, MINER_DOMAIN="miner.example", HOME="/tmp")


def test_systemd_finds_the_unit_hardened() -> None:
    arguments = ["security", "--offline=yes", "--no-pager", "--threshold=20"]
    told = tool("systemd-analyze", *arguments, DEPLOY / "playbook-miner.service")
    assert "Overall exposure level" in told


def test_node_reads_the_recipe_of_pm2() -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    script = f"console.log(JSON.stringify(require({str(DEPLOY / 'pm2.config.cjs')!r})))"
    [app] = json.loads(tool("node", "-e", script))["apps"]
    assert app["cwd"] == str(ROOT)
    assert (ROOT / app["script"]).exists()


def expressions() -> Iterator[str]:
    board = json.loads((DEPLOY / "grafana/playbook-miner.json").read_text())
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_the_dashboard_asks_for_metrics_that_the_miner_has(
    tmp_path: Path, backend: Scripted
) -> None:
    rules = [{"record": f"panel_{at}", "expr": expr} for at, expr in enumerate(expressions())]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in tool("promtool", "check", "rules", file)
    with serving(miner_settings(tmp_path / "data", backend)) as address:
        headers = {"X-API-Key": KEY}
        # Of the stores is told what the last look at them found, and the first one asks for it.
        httpx.get(f"{address}/ready", trust_env=False)
        text = httpx.get(f"{address}/metrics", headers=headers, trust_env=False).text
    asked = set(re.findall(r"playbook_miner_\w+", " ".join(expressions())))
    known = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    assert {name.removesuffix("_bucket") for name in asked} - known == set()

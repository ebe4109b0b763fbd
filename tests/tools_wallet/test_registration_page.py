"""Every command of docs/registration.md is one its program takes."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from encrypting import ADDRESS, ROOT, TODAYS, TOKEN, WALLETS, Program, StandIn

from pages import PAGES, commands
from support import free_port

NAME = "docs/registration.md"
PAGE = PAGES[NAME].read_text(encoding="utf-8")
COMMANDS = commands(NAME)
BTCLI = [command for command in COMMANDS if command.startswith("wallet-env/bin/btcli")]
ENCRYPT = [command for command in COMMANDS if " encrypt.py " in command]


def test_nothing_on_the_page_goes_untested() -> None:
    known = ("curl https://miner.my-domain.net/health", "python3 -m venv", "wallet-env/bin/pip")
    rest = [c for c in COMMANDS if c not in BTCLI + ENCRYPT and not c.startswith(known)]
    assert rest == []
    assert len(ENCRYPT) == 2
    assert len(BTCLI) == 3


def test_the_lock_pins_every_package_by_hash() -> None:
    install = next(c for c in COMMANDS if c.startswith("wallet-env/bin/pip"))
    lock = (ROOT / shlex.split(install)[-1]).read_text()
    packages = re.findall(r"^[a-z0-9][^\n]*(?:\n {4}--hash=sha256:[0-9a-f]{64}.*)+", lock, re.M)
    pinned = [package.partition("==")[0] for package in packages]
    assert len(pinned) == len(re.findall(r"^[a-z0-9]", lock, re.M))
    assert "bittensor" in pinned
    assert not {"fastapi", "chromadb", "langgraph"} & set(pinned)
    assert "://" not in lock


def test_btcli_takes_the_commands_as_far_as_the_network(wallet_python: str, tmp_path: Path) -> None:
    nowhere = f"ws://127.0.0.1:{free_port()}"

    def btcli(command: str, *more: str) -> subprocess.CompletedProcess[str]:
        program = Path(wallet_python).with_name("btcli")
        return subprocess.run(
            [
                program,
                *shlex.split(command.replace("$NETUID", "1"))[1:],
                "--wallet-path",
                str(tmp_path),
                *more,
            ],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    create, *asking = BTCLI
    assert btcli(create, "--no-password").returncode == 0
    for command in asking:
        done = btcli(command, "--network", nowhere)
        assert f"could not reach {nowhere}" in done.stderr


def test_the_page_signs_then_verifies(signer: Program, miner: StandIn) -> None:
    sign, verify = (shlex.split(command)[2:] for command in ENCRYPT)
    # The last of two equal options counts.
    here = ("--wallet-path", str(WALLETS / TODAYS), "--name", "plain", "--api-url", miner.url)
    assert signer(*sign, *here, "--token", TOKEN, "--allow-private").returncode == 0
    verified = signer(*verify)
    assert verified.returncode == 0
    assert f"{ADDRESS} signed {miner.url}" in verified.stdout


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z-]+)", PAGE))))
def test_every_option_on_the_page_exists(program: Program, option: str) -> None:
    assert option in program("--help").stdout

"""Files that encrypt.py signs, checked by an sr25519 library that is not bittensor's."""

import hashlib
import importlib
import os
import pty
import select
import shutil
import signal
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from encrypting import (
    ADDRESS,
    ENVIRONMENT,
    OLDER,
    PASSWORD,
    ROOT,
    TODAYS,
    TOKEN,
    WALLETS,
    Program,
    StandIn,
    fails,
)

from support import require

URL = "https://miner.test"
MESSAGE = f"{URL}<seperate>{TOKEN}".encode()
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def public_key(address: str) -> bytes:
    """The 32 bytes that an SS58 address of the generic network (prefix 42) stands for."""
    number = 0
    for letter in address:
        number = number * 58 + BASE58.index(letter)
    raw = number.to_bytes(35, "big")
    assert raw[0] == 42
    assert raw[33:] == hashlib.blake2b(b"SS58PRE" + raw[:33]).digest()[:2]
    return raw[1:33]


def verified(path: Path, message: bytes = MESSAGE) -> bool:
    """Whether the signature in the file is that of the address in it, over `message`."""
    try:
        sr25519 = importlib.import_module("sr25519")
    except ImportError:
        require(False, "py-sr25519-bindings is not installed")
    _, signed_by, signature, _ = path.read_text().splitlines()
    key = public_key(signed_by.removeprefix("\tSigned by: "))
    given = bytes.fromhex(signature.removeprefix("\tSignature: "))
    return bool(sr25519.verify(given, message, key))


@pytest.mark.parametrize("of", [TODAYS, OLDER])
@pytest.mark.parametrize("wallet", ["plain", "encrypted"])
def test_signs_with_wallets_of_either_package(signer: Program, of: str, wallet: str) -> None:
    path = signer.sign("--wallet-password", PASSWORD, of=of, wallet=wallet)
    assert f"\tSigned by: {ADDRESS}\n" in path.read_text()
    assert verified(path)
    assert not verified(path, MESSAGE + b"x")


def test_signs_with_a_wallet_made_now(signer: Program) -> None:
    make = (
        "from bittensor.wallet import Wallet;"
        f"Wallet('mine', path='.').create_new_coldkey(suppress=True, coldkey_password='{PASSWORD}')"
    )
    subprocess.run([*signer.python, "-c", make], cwd=signer.folder, check=True, timeout=60)
    path = signer.sign(*("--wallet-path", ".", "--name", "mine", "--wallet-password", PASSWORD))
    assert ADDRESS not in path.read_text()
    assert verified(path)


def test_writes_the_format_of_the_registration_system(signer: Program) -> None:
    content = signer.sign().read_bytes().decode()
    message, signed_by, signature, timestamp, end = content.split("\n")
    assert message == f"{URL}<seperate>{TOKEN}"
    assert signed_by == f"\tSigned by: {ADDRESS}"
    assert signature.startswith("\tSignature: ")
    assert len(bytes.fromhex(signature.removeprefix("\tSignature: "))) == 64
    local, zone = timestamp.removeprefix("\tTimestamp: ").split(" ")
    assert datetime.fromisoformat(local).tzinfo is None
    assert zone == "(EST)"
    assert end == ""


def test_writes_three_lines_on_request_and_reads_them_back(signer: Program) -> None:
    path = signer.sign("--no-timestamp")
    content = path.read_text()
    assert content.count("\n") == 3
    assert "Timestamp" not in content
    for text in (content, content.rstrip("\n")):
        path.write_text(text)
        done = signer("--verify", path.name)
        assert done.returncode == 0
        assert ADDRESS in done.stdout
        assert "Timestamp" not in done.stdout


def test_asks_the_miner_then_signs(signer: Program, miner: StandIn) -> None:
    done = signer(
        *("--name", "plain", "--wallet-path", str(WALLETS / TODAYS), "--allow-private"),
        *("--api-url", miner.url, "--token", TOKEN, "--output", "mine.txt"),
    )
    assert done.returncode == 0
    assert ADDRESS in done.stdout
    assert verified(signer.folder / "mine.txt", f"{miner.url}<seperate>{TOKEN}".encode())


def test_only_the_owner_can_read_the_file(signer: Program) -> None:
    before = os.umask(0)
    try:
        path = signer.sign()
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [path] == list(signer.folder.iterdir())


def test_replaces_a_file_on_request(signer: Program) -> None:
    path = signer.folder / "signed_credentials.txt"
    path.write_text("old")
    path.chmod(0o644)
    signer.sign("--force")
    assert path.stat().st_mode & 0o777 == 0o600
    assert verified(path)
    assert [path] == list(signer.folder.iterdir())


def _refuse(signer: Program, *arguments: str, wallets: Path = WALLETS / TODAYS) -> tuple[str, ...]:
    what = ("--api-url", URL, "--token", TOKEN, "--allow-private", "--no-check")
    return ("--wallet-path", str(wallets), *what, *arguments)


def test_refuses_a_wrong_password(signer: Program) -> None:
    arguments = _refuse(signer, "--name", "encrypted", "--wallet-password", "not the one")
    done = signer(*arguments)
    fails(done, "wrong password")
    assert "not the one" not in done.stderr
    assert list(signer.folder.iterdir()) == []


def test_refuses_an_empty_password(signer: Program) -> None:
    fails(
        signer(*_refuse(signer, "--name", "encrypted", "--wallet-password", "")),
        "the password is empty",
    )


def test_asks_for_no_password_where_there_is_no_terminal(signer: Program) -> None:
    fails(signer(*_refuse(signer, "--name", "encrypted")), "no terminal to ask on", "Password")


@pytest.mark.parametrize(
    ("wallet", "keep", "reason"),
    [
        ("encrypted", 5, "is damaged"),
        ("encrypted", 100, "or the file is damaged"),
        ("plain", 100, "is damaged"),
        ("plain", 0, "is damaged"),
    ],
)
def test_refuses_a_truncated_keyfile(signer: Program, wallet: str, keep: int, reason: str) -> None:
    whole = (WALLETS / TODAYS / wallet / "coldkey").read_bytes()
    broken = signer.folder / "wallets" / "broken" / "coldkey"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(whole[:keep])
    arguments = _refuse(signer, "--name", "broken", wallets=broken.parents[1])
    fails(signer(*arguments, "--wallet-password", PASSWORD), str(broken), reason)


def test_refuses_a_keyfile_of_the_public_key(signer: Program) -> None:
    folder = signer.folder / "wallets" / "half"
    folder.mkdir(parents=True)
    shutil.copy(WALLETS / TODAYS / "plain" / "coldkeypub.txt", folder / "coldkey")
    arguments = _refuse(signer, "--name", "half", wallets=folder.parent)
    fails(signer(*arguments), "holds no private key")


def test_refuses_a_key_the_network_cannot_verify(signer: Program) -> None:
    make = (
        "from bittensor.wallet import Wallet; wallet = Wallet('ed', path='.');"
        "wallet.create_new_coldkey(suppress=True, use_password=False, crypto_type=0)"
    )
    subprocess.run([*signer.python, "-c", make], cwd=signer.folder, check=True, timeout=60)
    fails(signer(*_refuse(signer, "--name", "ed", wallets=Path())), "ed25519")


class Terminal:
    """encrypt.py on a terminal of its own, as a person would see it."""

    def __init__(self, program: Program, *arguments: str) -> None:
        self.screen, end = pty.openpty()
        self.process = subprocess.Popen(
            [*program.python, str(ROOT / "encrypt.py"), *arguments],
            cwd=program.folder,
            env=ENVIRONMENT,
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)

    def read_until(self, words: str) -> str:
        shown = ""
        while words not in shown:
            assert select.select([self.screen], [], [], 60)[0], shown
            shown += os.read(self.screen, 4096).decode()
        return shown

    def type(self, keys: str) -> None:
        os.write(self.screen, keys.encode())

    def rest(self) -> str:
        shown = ""
        try:
            while chunk := os.read(self.screen, 4096):
                shown += chunk.decode()
        except OSError:  # how a terminal whose other end is closed ends on Linux
            pass
        self.process.wait(60)
        os.close(self.screen)
        return shown


def test_asks_for_token_and_password_unseen(signer: Program) -> None:
    where = ("--name", "encrypted", "--wallet-path", str(WALLETS / TODAYS))
    terminal = Terminal(signer, *where, "--api-url", URL, "--allow-private", "--no-check")
    shown = terminal.read_until("Token (the miner's MINER_API_KEY): ")
    terminal.type(f"{TOKEN}\n")
    shown += terminal.read_until("Password of the coldkey of wallet encrypted: ")
    terminal.type(f"{PASSWORD}\n")
    shown += terminal.rest()
    assert terminal.process.returncode == 0
    assert TOKEN not in shown
    assert PASSWORD not in shown
    assert verified(signer.folder / "signed_credentials.txt")


def test_without_a_check_no_name_is_looked_up(signer: Program) -> None:
    where = ("--name", "plain", "--wallet-path", str(WALLETS / TODAYS), "--no-check")
    done = signer(*where, "--api-url", "https://miner.invalid", "--token", TOKEN)
    assert done.returncode == 0, done.stderr
    private = signer(*where, "--api-url", "https://10.0.0.1", "--token", TOKEN, "--force")
    fails(private, "--allow-private")


def test_a_wrong_password_may_be_typed_three_times(signer: Program) -> None:
    terminal = Terminal(signer, *_refuse(signer, "--name", "encrypted"))
    for typed in ("not the one", "nor this", PASSWORD):
        terminal.read_until("Password of the coldkey of wallet encrypted: ")
        terminal.type(f"{typed}\n")
    terminal.rest()
    assert terminal.process.returncode == 0
    assert verified(signer.folder / "signed_credentials.txt")


def test_the_third_wrong_password_ends_it(signer: Program) -> None:
    terminal = Terminal(signer, *_refuse(signer, "--name", "encrypted"))
    for _ in range(3):
        terminal.read_until("Password of the coldkey of wallet encrypted: ")
        terminal.type("not the one\n")
    assert "error: wrong password" in terminal.rest()
    assert terminal.process.returncode == 2
    assert list(signer.folder.iterdir()) == []


@pytest.mark.parametrize(("keys", "reason"), [("\n", "nothing was entered"), ("\x04", "nothing")])
def test_an_empty_answer_ends_it(signer: Program, keys: str, reason: str) -> None:
    terminal = Terminal(signer, *_refuse(signer, "--name", "encrypted"))
    terminal.read_until("Password of the coldkey")
    terminal.type(keys)
    assert reason in terminal.rest()
    assert terminal.process.returncode == 2


def test_an_interrupt_at_the_prompt_leaves_nothing(signer: Program) -> None:
    terminal = Terminal(signer, *_refuse(signer, "--name", "encrypted"))
    terminal.read_until("Password of the coldkey")
    terminal.process.send_signal(signal.SIGINT)
    shown = terminal.rest()
    assert "stopped; nothing was written" in shown
    assert "Traceback" not in shown
    assert terminal.process.returncode == 130
    assert list(signer.folder.iterdir()) == []


def test_verifies_what_it_signed(signer: Program) -> None:
    path = signer.sign()
    done = signer("--verify", str(path))
    assert done.returncode == 0
    assert f"{ADDRESS} signed {URL}" in done.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TOKEN, "another-one-9x"),
        (URL, "https://thief.test"),
        (ADDRESS, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        (ADDRESS, "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzW"),
    ],
)
def test_tells_an_altered_file(signer: Program, old: str, new: str) -> None:
    path = signer.sign()
    path.write_text(path.read_text().replace(old, new))
    done = signer("--verify", str(path))
    assert done.returncode == 1
    assert "the signature is NOT that of" in done.stderr
    assert "another-one-9x" not in done.stderr


def test_tells_the_signature_of_a_wrapped_message(signer: Program) -> None:
    """Browser wallets sign `<Bytes>…</Bytes>`, which is another message than the contract's."""
    path = signer.sign()
    lines = path.read_text().splitlines()
    wrapped = b"<Bytes>" + MESSAGE + b"</Bytes>"
    code = (
        "from bittensor_core import Keypair;"
        f"print(Keypair.create_from_mnemonic({_mnemonic()!r}).sign({wrapped!r}).hex())"
    )
    made = subprocess.run([*signer.python, "-c", code], check=True, capture_output=True, text=True)
    lines[2] = f"\tSignature: {made.stdout.strip()}"
    path.write_text("\n".join(lines) + "\n")
    assert signer("--verify", str(path)).returncode == 1


def _mnemonic() -> str:
    text = (WALLETS / TODAYS / "plain" / "coldkey").read_text()
    return text.partition('"secretPhrase":"')[2].partition('"')[0]

"""What encrypt.py refuses to sign; bittensor is not needed to refuse."""

from pathlib import Path

import pytest
from encrypting import TODAYS, TOKEN, WALLETS, Program, fails

from settings import PLACEHOLDER_KEYS

WALLET = ("--name", "plain", "--wallet-path", str(WALLETS / TODAYS))
FINE = (*WALLET, "--api-url", "https://miner.test", "--token", TOKEN, "--allow-private")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "http:// or https://"),
        ("miner.my-domain.net:8001", "http:// or https://"),
        ("ftp://miner.test", "http:// or https://"),
        ("HTTPS://miner.test", "http:// or https://"),
        (" https://miner.test", "characters of an address"),
        ("https://miner.test\n", "characters of an address"),
        ("https://mi\tner.test", "characters of an address"),
        ("https://<your-host>", "characters of an address"),
        ("https://minér.test", "characters of an address"),
        ("https://miner.test/a<seperate>b", "characters of an address"),
        ("https://", "no host"),
        ("https://:8001", "no host"),
        ("https://miner.test:", "empty port"),
        ("https://miner.test:0", "port 0"),
        ("https://miner.test:65536", "host or port"),
        ("https://miner.test:http", "host or port"),
        ("https://[::1", "host or port"),
        ("https://operator:hunter2@miner.test", "user name or a password"),
        ("https://miner.test?key=1", "query"),
        ("https://miner.test#top", "fragment"),
        ("https://miner.test/", "ends with a slash"),
    ],
)
def test_refuses_a_malformed_address(program: Program, url: str, reason: str) -> None:
    done = program(*WALLET, f"--api-url={url}", "--token", TOKEN, "--allow-private")
    fails(done, "--api-url", reason)
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8001",
        "http://localhost:8001",
        "http://0.0.0.0:8001",
        "http://2130706433:8001",
        "http://10.1.2.3",
        "http://192.168.1.20:8001",
        "http://169.254.169.254",
        "http://100.64.0.1",
        "http://224.0.0.1",
        "http://[::1]:8001",
        "http://[fd00::1]",
        "http://[fe80::1]",
        "http://[::ffff:10.0.0.1]",
    ],
)
def test_refuses_an_address_the_network_cannot_reach(program: Program, url: str) -> None:
    fails(program(*WALLET, "--api-url", url, "--token", TOKEN), "--allow-private")


@pytest.mark.parametrize("host", ["miner.invalid", "a..b", "x" * 70 + ".invalid"])
def test_refuses_a_host_without_an_address(program: Program, host: str) -> None:
    done = program(*WALLET, "--api-url", f"https://{host}", "--token", TOKEN)
    fails(done, "no address is known")


@pytest.mark.parametrize(
    "token",
    [
        *sorted(PLACEHOLDER_KEYS),
        "",
        "   ",
        "<token>",
        "<your-token>",
        "your-token",
        "YOUR_API_TOKEN",
        "my-token",
        "Change-Me",
        "$MINER_API_KEY",
        "${MINER_API_KEY}",
        "{{token}}",
        "xxxxxxxx",
        "...",
        "token",
        "secret",
        "Placeholder",
    ],
)
def test_refuses_a_placeholder_for_a_token(program: Program, token: str) -> None:
    done = program(*WALLET, "--api-url=https://miner.test", f"--token={token}", "--allow-private")
    fails(done, "--token", "MINER_API_KEY")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("two words", "space"),
        ("line\nbreak", "line break"),
        ("schlüssel9", "beyond ASCII"),
        ("old-key-1,new-key-2", "comma"),
        ("ab12<seperate>cd34", "<seperate>"),
    ],
)
def test_refuses_a_token_that_is_not_one_key(program: Program, token: str, reason: str) -> None:
    done = program(*WALLET, "--api-url=https://miner.test", f"--token={token}", "--allow-private")
    fails(done, "--token", reason)
    assert token not in done.stderr


def test_refuses_to_overwrite(program: Program) -> None:
    kept = program.folder / "signed_credentials.txt"
    kept.write_text("kept")
    fails(program(*FINE, "--no-check"), "signed_credentials.txt exists", "--force")
    assert kept.read_text() == "kept"


def test_refuses_to_follow_a_link_that_leads_nowhere(program: Program) -> None:
    (program.folder / "signed_credentials.txt").symlink_to(program.folder / "elsewhere")
    fails(program(*FINE, "--no-check"), "exists")
    assert not (program.folder / "elsewhere").exists()


@pytest.mark.parametrize(("output", "reason"), [(".", "is a folder"), ("no/such.txt", "no folder")])
def test_refuses_an_output_that_is_no_file(program: Program, output: str, reason: str) -> None:
    fails(program(*FINE, "--no-check", "--output", output), "--output", reason)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../bittensor-11.3.0/plain"])
def test_refuses_a_name_that_is_no_folder(program: Program, name: str) -> None:
    fails(program(*FINE, "--no-check", f"--name={name}"), "--name")


def test_says_where_it_looked_for_a_missing_wallet(program: Program) -> None:
    done = program(*FINE, "--no-check", "--name", "nobody")
    fails(done, str(WALLETS / TODAYS / "nobody" / "coldkey"))


def test_says_that_only_the_public_key_is_here(program: Program) -> None:
    wallet = program.folder / "wallets" / "watched"
    wallet.mkdir(parents=True)
    (wallet / "coldkeypub.txt").write_bytes(
        (WALLETS / TODAYS / "plain" / "coldkeypub.txt").read_bytes()
    )
    done = program(*FINE, "--no-check", "--wallet-path", "wallets", "--name", "watched")
    fails(done, "only the public key")


def test_says_how_to_install_bittensor(program: Program) -> None:
    done = program(*FINE, "--no-check")
    fails(done, "cannot load bittensor", "pip install -r requirements-wallet.txt")
    assert list(program.folder.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--name", "plain"),
        (*FINE, "and", TOKEN),
        (*FINE, f"--tokne={TOKEN}"),
        (*FINE, "--forc"),
        (*FINE, "--verify"),
    ],
)
def test_shows_the_usage_and_no_stray_word(program: Program, arguments: tuple[str, ...]) -> None:
    done = program(*arguments)
    assert done.returncode == 2
    assert "usage: encrypt.py" in done.stderr


def test_asks_for_nothing_where_there_is_no_terminal(program: Program) -> None:
    done = program(*WALLET, "--api-url", "https://miner.test", "--allow-private")
    fails(done, "no terminal to ask on", "Token")


def test_help_discourages_the_password_as_an_option(program: Program) -> None:
    done = program("--help")
    assert done.returncode == 0
    assert "discouraged" in done.stdout


def test_writes_nothing_when_verifying_what_is_not_there(program: Program) -> None:
    fails(program("--verify", "no-such.txt"), "cannot read no-such.txt")
    fails(program("--verify", "."), "cannot read")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"https://miner.test<seperate>token\n",
        b"https://miner.test<separate>t\n\tSigned by: 5D\n\tSignature: "
        + b"a" * 128
        + b"\n\tTimestamp: x\n",
        b"https://miner.test<seperate>t\n\tSigned by: 5D\n\tSignature: 0x"
        + b"a" * 126
        + b"\n\tTimestamp: x\n",
        b"a" * 100_000,
    ],
)
def test_refuses_to_verify_another_kind_of_file(program: Program, content: bytes) -> None:
    path = Path(program.folder / "file.txt")
    path.write_bytes(content)
    fails(program("--verify", "file.txt"), "no file of signed credentials")

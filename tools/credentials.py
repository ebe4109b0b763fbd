"""Signed credentials: what `encrypt.py` writes, and the registration system reads.

The program must run in the signing environment, which has bittensor and nothing of the server.
"""

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from tools.miner_probe import AddressError, check_address, probe
from tools.wallet import (
    DEFAULT_WALLETS,
    WalletError,
    find_keyfile,
    prompt_secret,
    read_coldkey,
    signed_by,
)

# Spelt as the registration system reads it.
SEPARATOR = "<seperate>"
LARGEST_FILE = 1 << 16
_PURPOSE = "Sign a miner's address and token with a wallet's coldkey, for registration."

_PLACEHOLDER = re.compile(
    r"<.*>|\{.*\}|(?-i:\$\{?[A-Z][A-Z0-9_]*\}?)|(your|my)[-_ ].*|change[-_]?me|"
    r"((miner[-_])?api[-_]?)?(key|token)|secret|password|placeholder|example|test|todo|tbd|none|"
    r"null|(?P<one>.)(?P=one)*",
    re.IGNORECASE,
)
_FILE = re.compile(
    rf"(?P<api_url>https?://[!-~]+?){SEPARATOR}(?P<token>[!-~]+)\n"
    r"\tSigned by: (?P<address>[1-9A-HJ-NP-Za-km-z]+)\n"
    r"\tSignature: (?P<signature>[0-9a-f]{128})"
    r"(\n\tTimestamp: (?P<timestamp>[^\x00-\x1f\x7f-\x9f]+))?\n?"
)


class CredentialsError(ValueError):
    """The credentials cannot be made, written or read. The message is one line, no secret in it."""


@dataclass(frozen=True)
class Credentials:
    """An address and its token, signed by a coldkey.

    `address` is in SS58, `signature` 128 hex digits, `timestamp` as written in the file, or None
    where the file has no such line: some portals took exactly three.
    """

    api_url: str
    token: str = field(repr=False)
    address: str
    signature: str
    timestamp: str | None

    def text(self) -> str:
        """The file's whole text, token included."""
        timestamp = "" if self.timestamp is None else f"\tTimestamp: {self.timestamp}\n"
        return (
            f"{self.api_url}{SEPARATOR}{self.token}\n"
            f"\tSigned by: {self.address}\n"
            f"\tSignature: {self.signature}\n"
            f"{timestamp}"
        )

    @classmethod
    def parse(cls, text: str) -> "Credentials":
        """Read a file's text back; `CredentialsError` if it has another form."""
        match = _FILE.fullmatch(text)
        if match is None:
            raise CredentialsError("this is no file of signed credentials, or it was altered")
        return cls(**match.groupdict())

    def valid(self) -> bool:
        """Whether the signature is the coldkey's, over exactly this address and token."""
        message = _message(self.api_url, self.token)
        return signed_by(self.address, message, bytes.fromhex(self.signature))


def check_token(token: str) -> None:
    """Raise `CredentialsError` for a placeholder, or what cannot be one key in an HTTP header."""
    if not token.strip():
        raise CredentialsError("--token is empty; it is the miner's MINER_API_KEY")
    if not re.fullmatch("[!-~]+", token):
        raise CredentialsError("--token holds a space, a line break or a character beyond ASCII")
    if "," in token:
        raise CredentialsError("--token holds a comma; give one key of MINER_API_KEY, not the list")
    if SEPARATOR in token:
        raise CredentialsError(f"--token holds {SEPARATOR}, which ends the address")
    if _PLACEHOLDER.fullmatch(token):
        raise CredentialsError("--token is a placeholder; it is the miner's MINER_API_KEY")


def sign(api_url: str, token: str, *, name: str, folder: Path, password: str | None) -> Credentials:
    """Sign with the coldkey of wallet `name` below `folder`.

    Asks for the password if the coldkey is encrypted and `password` is `None`. Raises
    `WalletError`.
    """
    coldkey = read_coldkey(name, folder, password)
    signature = coldkey.sign(_message(api_url, token)).hex()
    return Credentials(api_url, token, coldkey.ss58_address, signature, _timestamp())


def write(text: str, output: Path, *, force: bool) -> None:
    """Write `text` to `output`, whole or not at all, readable by its owner alone.

    Raises `CredentialsError` if the file exists and not `force`, or cannot be written.
    """
    try:
        temporary = _write_beside(text, output)
        try:
            if not force:
                # Claims the name; a hard link would too, but not on a USB stick's file system.
                os.close(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            temporary.replace(output)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        raise _exists(output) from None
    except OSError as error:
        raise CredentialsError(f"cannot write {output}: {error.strerror}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code.

    0 done, 1 a signature that does not verify, 2 an error (one line on stderr), 130 interrupted.
    """
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        # argparse's own message shows the stray words, and one may be part of the token.
        named = [word.partition("=")[0] for word in unknown if word.startswith("--")]
        parser.error(
            f"{named[0] if named else 'a word too many'}: see --help; quote what has spaces"
        )
    try:
        return _verify(options.verify) if options.verify else _sign(parser, options)
    except (AddressError, CredentialsError, WalletError) as error:
        print(f"encrypt.py: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nencrypt.py: stopped; nothing was written", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="encrypt.py", description=_PURPOSE, allow_abbrev=False)
    add = parser.add_argument
    add("--name", help="name of the wallet, the folder that holds its coldkey")
    add("--api-url", help="public address of the miner, such as https://miner.my-domain.net")
    add("--token", help="the miner's MINER_API_KEY; asked for, unseen, if not given here")
    add("--output", type=Path, default=Path("signed_credentials.txt"), help="file to write")
    add("--force", action="store_true", help="replace the file if it exists")
    add("--wallet-path", type=Path, default=DEFAULT_WALLETS, help="folder of wallets")
    add(
        "--wallet-password",
        help="discouraged: others on this machine see it, and the shell's "
        "history keeps it; without it the password is asked for, unseen",
    )
    add("--allow-private", action="store_true", help="sign an address the network cannot reach")
    add("--no-check", action="store_true", help="needs no network: look up no name, ask no miner")
    add("--no-timestamp", action="store_true", help="leave the fourth line out")
    add("--verify", type=Path, metavar="FILE", help="say who signed what in FILE, and sign nothing")
    return parser


def _sign(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.name is None or options.api_url is None:
        parser.error("--name and --api-url are required, or --verify")
    check_address(
        options.api_url, allow_private=options.allow_private, look_up=not options.no_check
    )
    token = (
        prompt_secret("Token (the miner's MINER_API_KEY)")
        if options.token is None
        else options.token
    )
    check_token(token)
    _check_output(options.output, force=options.force)
    find_keyfile(options.name, options.wallet_path)
    if options.api_url.startswith("http://"):
        print("Note: over http:// the token travels unencrypted.", file=sys.stderr)
    if not options.no_check:
        for line in probe(options.api_url, token):
            print(line, flush=True)
    signed = sign(
        options.api_url,
        token,
        name=options.name,
        folder=options.wallet_path,
        password=options.wallet_password,
    )
    if options.no_timestamp:
        signed = replace(signed, timestamp=None)
    write(signed.text(), options.output, force=options.force)
    print(f"Signed {signed.api_url} by {signed.address}.")
    print(f"{options.output} holds the token: give it to the registration, to nobody else.")
    return 0


def _verify(path: Path) -> int:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE).decode()
    except OSError as error:
        raise CredentialsError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        text = ""
    signed = Credentials.parse(text)
    if not signed.valid():
        print(f"{path}: the signature is NOT that of {signed.address}", file=sys.stderr)
        return 1
    print(f"{path}: {signed.address} signed {signed.api_url} and a token (not shown).")
    if signed.timestamp is not None:
        print(f"Timestamp {signed.timestamp}, which the signature does not cover.")
    return 0


def _check_output(output: Path, *, force: bool) -> None:
    if output.is_dir():
        raise CredentialsError(f"--output {output} is a folder; name a file")
    if not output.parent.is_dir():
        raise CredentialsError(f"--output: there is no folder {output.parent}")
    if os.path.lexists(output) and not force:
        raise _exists(output)


def _exists(output: Path) -> CredentialsError:
    return CredentialsError(f"{output} exists; --force replaces it")


def _write_beside(text: str, output: Path) -> Path:
    # mkstemp makes the file with mode 0600 whatever the umask.
    handle, name = tempfile.mkstemp(dir=output.parent, prefix=".signed_credentials-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def _message(api_url: str, token: str) -> bytes:
    return f"{api_url}{SEPARATOR}{token}".encode()


def _timestamp() -> str:
    now = datetime.now().astimezone()
    return f"{now.replace(tzinfo=None).isoformat(timespec='microseconds')} ({now.tzname()})"
